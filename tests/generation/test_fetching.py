"""The guard before every download: hostile addresses, hostile names, hostile servers.

Canaries are real listeners on this machine. Whatever a test lets slip rings them.
"""

import contextlib
import datetime
import gzip
import socket
import socketserver
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from generation import addresses, fetching
from generation.fetching import Refused

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
HOSTS = frozenset({"cdn.vendor.example", ".files.vendor.example", "xn--bcher-kva.example"})

CORPUS = (Path(__file__).parent / "hostile_urls.txt").read_text().splitlines()
HOSTILE_URLS = [
    line.encode().decode("unicode_escape") for line in CORPUS if line and not line.startswith("# ")
]
HOSTILE_URLS += [
    "",
    "https://" + "a." * 130 + "files.vendor.example/",
    "https://cdn.vendor.example/" + "a" * 9000,
]

HOSTILE_ADDRESSES = """
    127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255
    192.168.0.1 192.168.255.255 169.254.169.254 169.254.0.1 100.64.0.1 100.127.255.255
    100.100.100.200 168.63.129.16 192.0.0.1 192.0.0.170 192.0.0.9 192.0.2.1 192.88.99.1 198.18.0.1
    198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 ::
    ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:10.0.0.1 ::127.0.0.1 ::ffff:0:7f00:1
    64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::7f00:1 100::1 100:0:0:1::1
    2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::
    2002:a00:1::1 2620:4f:8000::1 3fff::1 4000::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fe80::1
    fe80::1%lo 2606:4700::1%lo fec0::1 ff02::1 ff0e::1
""".split()  # noqa: SIM905
PUBLIC_ADDRESSES = """
    8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 2606:4700::1111 2a00:1450:4001::1 64:ff9b::808:808
    223.255.255.255 11.0.0.1
""".split()  # noqa: SIM905


class Server(socketserver.ThreadingTCPServer):
    """Takes a request, then does what ``act`` says with the socket. ``seen`` holds the requests."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, act: Callable, host: str = "127.0.0.1", tls=None) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.act, self.tls, self.connections, self.seen = act, tls, 0, []
        super().__init__((host, 0), Conversation)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def verify_request(self, request, client_address) -> bool:
        self.connections += 1
        return True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Conversation(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            line = (
                self.server.tls.wrap_socket(self.request, True) if self.server.tls else self.request
            )
            asked = b""
            while b"\r\n\r\n" not in asked and (part := line.recv(4096)):
                asked += part
            if not asked:
                return
            self.server.seen.append(asked)
            self.server.act(line)
        except OSError:
            pass


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running = []

    def start(act, **how) -> Server:
        running.append(Server(act, **how))
        return running[-1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def aviary() -> Iterator[list[Server]]:
    """A canary on 127.0.0.1 and, where this machine has it, one on ::1."""
    found = [Server(say(PICTURE))]
    with contextlib.suppress(OSError):
        found.append(Server(say(PICTURE), host="::1"))
    yield found
    for canary in found:
        canary.shutdown()
        canary.server_close()


@pytest.fixture
def canaries(aviary, monkeypatch) -> list[Server]:
    """Listeners that nobody may reach, with HTTPS' usual port moved to the first one's."""
    for canary in aviary:
        canary.connections = 0
    monkeypatch.setitem(addresses.PORTS, "https", aviary[0].port)
    return aviary


@pytest.fixture
def names(monkeypatch) -> Callable[..., list[str]]:
    """Sets what names resolve to: one list of addresses a look-up, the last one for ever."""
    asked: list[str] = []

    def answer(*lists: list[str]) -> list[str]:
        def resolve(host, port, seconds):
            asked.append(host)
            return lists[min(len(asked), len(lists)) - 1]

        monkeypatch.setattr(fetching, "resolve", resolve)
        return asked

    return answer


def rung(canaries: list[Server]) -> int:
    """How many connections came. Ours comes last and is taken last, so none is still on its way."""
    for canary in canaries:
        with socket.create_connection(canary.server_address[:2]) as ours:
            ours.shutdown(socket.SHUT_WR)
            assert ours.recv(1) == b""
    return sum(canary.connections - 1 for canary in canaries)


def say(body: bytes = b"", *headers: str, status: str = "200 OK", sized: bool = True) -> Callable:
    """An answer of HTTP, at once."""
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if sized else [])]
    return lambda line: line.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def drip(start: bytes) -> Callable:
    def act(line) -> None:
        line.sendall(start)
        for _ in range(200):
            line.sendall(b"x")
            time.sleep(0.02)

    return act


def refuses(reason: str):
    return pytest.raises(Refused, check=lambda refused: refused.reason == reason)


def fetch(server: Server, path: str = "/a.png", **how) -> bytes:
    return fetching.download(server.url + path, hosts=frozenset({server.url}), **how)


def test_the_corpus_is_large_enough():
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) >= 100
    assert len(set(HOSTILE_ADDRESSES)) == len(HOSTILE_ADDRESSES) >= 50


@pytest.mark.parametrize("url", HOSTILE_URLS, ids=lambda url: ascii(url)[1:60])
def test_a_hostile_url_reaches_nobody_even_if_every_address_were_trusted(
    url, canaries, names, monkeypatch
):
    asked = names(["127.0.0.1"])
    monkeypatch.setattr(fetching, "is_public", lambda address: True)
    with pytest.raises(Refused):
        fetching.download(url.replace("{p}", str(canaries[0].port)), hosts=HOSTS, seconds=2)
    assert asked == []
    assert rung(canaries) == 0


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES)
def test_a_listed_name_that_leads_to_a_hostile_address_is_refused(address, canaries, names):
    names([address])
    with refuses("address"):
        fetching.download("https://cdn.vendor.example/a", hosts=HOSTS, seconds=2)
    assert rung(canaries) == 0


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_an_ordinary_address_is_public(address):
    assert addresses.is_public(address)


@pytest.mark.parametrize("found", [["8.8.8.8", "127.0.0.1"], ["2606:4700::1111", "::1"]])
def test_one_private_address_among_public_ones_condemns_the_name(found, canaries, names):
    names(found)
    with refuses("address"):
        fetching.download("https://cdn.vendor.example/a", hosts=HOSTS, seconds=2)
    assert rung(canaries) == 0


def test_the_canary_would_be_rung_without_the_judge(canaries, names, monkeypatch):
    names(["127.0.0.1"])
    monkeypatch.setattr(fetching, "is_public", lambda address: True)
    with pytest.raises(Refused):
        fetching.download("https://cdn.vendor.example/a", hosts=HOSTS, seconds=0.3)
    assert rung(canaries) == 1


def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_judged(
    canaries, names, monkeypatch
):
    asked, dialled = names(["8.8.8.8"], ["127.0.0.1"]), []

    def dial(self, host, port, timeout):
        dialled.append((host, port))
        raise fetching.httpcore2.ConnectError("nobody there")

    monkeypatch.setattr(fetching.httpcore2.SyncBackend, "connect_tcp", dial)
    with refuses("network"):
        fetching.download("https://cdn.vendor.example/a", hosts=HOSTS, seconds=2)
    assert (asked, dialled) == (["cdn.vendor.example"], [("8.8.8.8", canaries[0].port)])
    assert rung(canaries) == 0


def test_a_name_without_an_address_may_be_tried_again(names):
    names([])
    with pytest.raises(Refused) as refused:
        fetching.download("https://cdn.vendor.example/a", hosts=HOSTS)
    assert (refused.value.reason, refused.value.passing) == ("network", True)


def test_a_slow_look_up_is_given_up(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(0.4) or [])
    started = time.monotonic()
    with refuses("too_slow"):
        fetching.download("https://cdn.vendor.example/a", hosts=HOSTS, seconds=0.1)
    assert time.monotonic() - started < 0.35


def test_a_listed_origin_may_be_plain_local_and_on_any_port(serve):
    server = serve(say(PICTURE))
    assert fetch(server, "/view?filename=a%20b.png#part") == PICTURE
    request = server.seen[0].decode().lower()
    assert request.startswith("get /view?filename=a%20b.png http/1.1\r\n")
    assert f"host: 127.0.0.1:{server.port}\r\n" in request
    assert "accept-encoding: identity\r\n" in request


@pytest.mark.parametrize("other", ["http://127.0.0.2:{p}/", "https://127.0.0.1:{p}/"])
def test_only_the_very_origin_is_listed(other, canaries):
    hosts = frozenset({canaries[0].url})
    with pytest.raises(Refused):
        fetching.download(other.replace("{p}", str(canaries[0].port)), hosts=hosts, seconds=1)
    with pytest.raises(Refused):
        fetching.download(f"http://127.0.0.1:{canaries[0].port + 1}/", hosts=hosts, seconds=1)
    assert rung(canaries) == 0


def test_a_listed_name_may_be_local_but_not_a_metadata_service(serve, names):
    server = serve(say(PICTURE))
    listed = f"http://comfy:{server.port}"
    names(["127.0.0.1"], ["169.254.169.254"])
    assert fetching.download(f"{listed}/a", hosts=frozenset({listed})) == PICTURE
    with refuses("address"):
        fetching.download(f"{listed}/a", hosts=frozenset({listed}))


def test_a_listed_ipv6_server_is_reached(serve):
    try:
        server = serve(say(PICTURE), host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    listed = f"http://[::1]:{server.port}"
    assert fetching.download(f"{listed}/a", hosts=frozenset({listed})) == PICTURE
    assert f"host: [::1]:{server.port}".encode() in server.seen[0].lower()


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.vendor.example/a", "HTTPS://CDN.Vendor.example:443/a?b=https://127.0.0.1/@c",
        "https://a.files.vendor.example/a", "https://a.b_c.files.vendor.example",
        "https://xn--bcher-kva.example/ü", "https://cdn.vendor.example?x=1",
    ],
)  # fmt: skip
def test_a_good_url_is_permitted(url):
    target = fetching.permitted(url, HOSTS)
    assert (target.scheme, target.port) == ("https", 443)
    assert target.path.startswith("/")
    assert target.path.isascii()


def certificate(name: str) -> tuple[bytes, bytes]:
    """A self-signed certificate for ``name`` and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, form, serialization.NoEncryption())
    return made.public_bytes(pem), private


@pytest.fixture
def secure(serve, tmp_path, monkeypatch, names):
    """A TLS server on HTTPS' usual port, what SNI it was asked for, and who vouches for it."""
    chain, called = tmp_path / "chain.pem", []
    made, key = certificate("cdn.vendor.example")
    chain.write_bytes(made + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    context.sni_callback = lambda line, name, _: called.append(name)
    server = serve(say(PICTURE), tls=context)
    monkeypatch.setitem(addresses.PORTS, "https", server.port)
    monkeypatch.setattr(fetching, "is_public", lambda address: True)
    names(["127.0.0.1"])
    trust = ssl.create_default_context(cadata=made.decode())
    return server, called, trust


def test_the_pinned_connection_keeps_the_name_in_sni_host_and_certificate(secure):
    server, called, trust = secure
    found = fetching.download("https://cdn.vendor.example/a", hosts=HOSTS, tls=trust)
    assert found == PICTURE
    assert called == ["cdn.vendor.example"]
    assert b"\r\nhost: cdn.vendor.example\r\n" in server.seen[0].lower()


def test_a_certificate_for_another_name_is_refused(secure):
    server, called, trust = secure
    with refuses("network"):
        fetching.download("https://a.files.vendor.example/a", hosts=HOSTS, tls=trust)
    assert called == ["a.files.vendor.example"]
    assert server.seen == []


def test_a_certificate_that_nobody_vouches_for_is_refused(secure):
    server, _, _ = secure
    with refuses("network"):
        fetching.download("https://cdn.vendor.example/a", hosts=HOSTS)
    assert server.seen == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 T", "308 P"])
def test_a_redirect_to_a_canary_is_not_followed(status, canaries, serve):
    server = serve(say(b"", f"Location: {canaries[0].url}/", status=status))
    for redirects in (0, 3):
        with pytest.raises(Refused):
            fetch(server, redirects=redirects)
    assert rung(canaries) == 0


@pytest.mark.parametrize("where", ["file:///etc/passwd", "//[evil", "https://a@b/", "\\\\a\\b", ""])
def test_a_redirect_to_nonsense_is_refused(where, serve):
    with pytest.raises(Refused):
        fetch(serve(say(b"", f"Location: {where}", status="302 Found")), redirects=2)


def test_a_listed_redirect_is_followed_when_it_is_allowed(serve):
    end = serve(say(PICTURE))
    start = serve(say(b"", f"Location: {end.url}/b.png", status="302 Found"))
    hosts = frozenset({start.url, end.url})
    assert fetching.download(f"{start.url}/a", hosts=hosts, redirects=1) == PICTURE
    with refuses("redirect"):
        fetching.download(f"{start.url}/a", hosts=hosts)


def test_a_vendors_redirect_never_reaches_our_own_listed_server(secure, serve):
    server, _, trust = secure
    own = serve(say(PICTURE))
    server.act = say(b"", f"Location: {own.url}/secret", status="302 Found")
    with pytest.raises(Refused):
        fetching.download(
            "https://cdn.vendor.example/a", hosts=HOSTS | {own.url}, tls=trust, redirects=2
        )
    assert (len(server.seen), own.connections) == (1, 0)


def test_circles_end(serve):
    server = serve(say(b"", "Location: /again", status="302 Found"))
    with refuses("redirect"):
        fetch(server, redirects=3)
    assert server.connections == 4


def test_an_announced_oversize_is_refused_before_the_body(serve):
    with refuses("too_large"):
        fetch(serve(say(b"", "Content-Length: 1000000001", sized=False)), limit=1000)


def test_an_unannounced_oversize_is_cut_off(serve):
    sent = []

    def flood(line) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(2000):
            line.sendall(bytes(65536))
            sent.append(65536)

    with refuses("too_large"):
        fetch(serve(flood), limit=100_000)
    assert sum(sent) < 20_000_000


def test_chunks_of_one_byte_cannot_hide_an_endless_body(serve):
    def flood(line) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            line.sendall(b"1;" + b"x" * 3000 + b"\r\na\r\n")

    with refuses("too_large"):
        fetch(serve(flood), limit=10_000)


def test_endless_interim_answers_are_cut_off(serve):
    def flood(line) -> None:
        while True:
            line.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 500)

    with refuses("too_large"):
        fetch(serve(flood), limit=10_000)


def test_a_body_of_exactly_the_limit_is_fine(serve):
    server = serve(say(PICTURE))
    assert fetch(server, limit=len(PICTURE)) == PICTURE
    with refuses("too_large"):
        fetch(server, limit=len(PICTURE) - 1)


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"],
    ids=["status", "headers", "body"],
)
def test_a_slow_drip_ends_with_the_total_limit(start, serve):
    started = time.monotonic()
    with pytest.raises(Refused) as refused:
        fetch(serve(drip(start)), seconds=0.3)
    assert time.monotonic() - started < 0.6
    assert (refused.value.reason, refused.value.passing) == ("too_slow", True)


def test_a_silent_tls_server_ends_with_the_total_limit(secure, serve, monkeypatch):
    silent = serve(lambda line: time.sleep(1))
    monkeypatch.setitem(addresses.PORTS, "https", silent.port)
    started = time.monotonic()
    with refuses("too_slow"):
        fetching.download("https://cdn.vendor.example/a", hosts=HOSTS, seconds=0.3)
    assert time.monotonic() - started < 0.6


def test_a_gzip_bomb_is_cut_off_in_little_memory(serve):
    bomb = gzip.compress(bytes(100_000_000), 9)
    server = serve(say(bomb, "Content-Encoding: gzip"))
    tracemalloc.start()
    with refuses("too_large"):
        fetch(server, limit=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000


def test_honest_gzip_is_unpacked(serve):
    assert fetch(serve(say(gzip.compress(PICTURE), "Content-Encoding: gzip"))) == PICTURE


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (PICTURE, "gzip"), (gzip.compress(PICTURE)[:-20], "gzip"), (PICTURE, "br"),
        (gzip.compress(gzip.compress(PICTURE)), "gzip, gzip"), (PICTURE, "zstd"),
    ],
)  # fmt: skip
def test_other_and_broken_encodings_are_refused(body, encoding, serve):
    with refuses("encoding"):
        fetch(serve(say(body, f"Content-Encoding: {encoding}")))


def test_a_body_that_ends_early_is_refused(serve):
    with refuses("network"):
        fetch(serve(say(PICTURE, "Content-Length: 99999", sized=False)))


def test_an_empty_body_is_refused(serve):
    with refuses("empty"):
        fetch(serve(say(b"")))


@pytest.mark.parametrize(
    ("status", "passing"),
    [
        ("404 Gone", False),
        ("206 Part", False),
        ("204 None", False),
        ("503 Busy", True),
        ("429 x", True),
    ],
)
def test_any_status_but_200_is_refused(status, passing, serve):
    with pytest.raises(Refused) as refused:
        fetch(serve(say(b"" if status.startswith("204") else PICTURE, status=status)))
    assert (refused.value.reason, refused.value.passing) == ("status", passing)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nA\r\n\r\n"])
def test_what_is_not_http_is_refused(answer, serve):
    with refuses("network"):
        fetch(serve(lambda line: line.sendall(answer)))


def test_proxies_of_the_environment_are_not_used(canaries, serve, monkeypatch):
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.setenv(name, canaries[0].url)
    assert fetch(serve(say(PICTURE))) == PICTURE
    assert rung(canaries) == 0


def test_a_signed_query_is_in_no_message(serve):
    with pytest.raises(Refused) as refused:
        fetch(serve(say(status="403 No")), "/a?signature=secret")
    assert "secret" not in f"{refused.value!r} {refused.value.detail}"
