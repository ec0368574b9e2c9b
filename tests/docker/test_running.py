"""All roles of the image and the shipped nginx, really running: with TLS, as a user without rights,
on a file system that cannot be written to.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.docker import house as shipped
from tests.docker.house import House, raw
from tests.pictures import picture_file

ROLES = {
    "web": "web", "socket": "socket", "pictures": "worker pictures", "chores": "worker chores",
    "beat": "beat", "bot": "bot",
}  # fmt: skip
PARTS = ("database", "redis", "worker:pictures", "worker:chores", "beat", "bot")
IMAGINE = {"tool": "imagine", "prompt": "a sea at dusk"}
GENUINE = "185.71.76.5"
WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    if reason := shipped.missing():
        (pytest.fail if os.environ.get("REQUIRE_ALL") else pytest.skip)(reason)
    with House() as house:
        migrated = house.run("migrate", "role migrate", STATIC_DIR="/static")
        assert migrated.returncode == 0, migrated.stdout + migrated.stderr
        for name, command in ROLES.items():
            house.start(name, f"role {command}")
        house.start_nginx()
        for name in ROLES:
            house.becomes_well(name)
        yield house


@pytest.fixture(scope="module")
def person(house: House) -> dict[str, Any]:
    return house.people(1)[0]


@pytest.fixture(scope="module")
def key(person: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {person['key']}"}


def wait_for(what: Any) -> Any:
    end = time.monotonic() + WAIT_SECONDS
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


# --- the roles


def test_nothing_can_be_written_but_what_is_meant_to_be(house: House) -> None:
    places = "/app /venv /usr /etc /static / /data /tmp"
    tried = house.run("web", f"for at in {places}; do touch $at/x && echo $at; done; id -u")
    assert tried.stdout.split() == ["/data", "/tmp", "10001"]


@pytest.mark.parametrize(
    ("name", "asked"),
    [("web", "web:1"), ("web", "socket:1"), ("nobody", "worker:pictures"),
     ("pictures", "worker:nobody"), ("web", "nothing")],
)  # fmt: skip
def test_a_role_that_does_no_work_is_not_healthy(house: House, name: str, asked: str) -> None:
    said = house.run(name, f"healthy {asked}")
    assert said.returncode == 1
    assert "is not well" in said.stderr or "nobody knows" in said.stderr


@pytest.mark.parametrize("role", ["bot", "beat"])
def test_one_that_works_elsewhere_does_not_make_this_container_healthy(
    house: House, role: str
) -> None:
    assert house.run(role, "healthy").returncode == 0
    other = ["unshare", "--uts", "sh", "-c", 'hostname other && exec "$@"', "sh"]
    said = subprocess.run(
        [*other, *house.inside(role, "healthy")], capture_output=True, text=True, check=False
    )
    assert (said.returncode, "is not well" in said.stderr) == (1, True)


def test_the_whole_studio_is_well_through_the_door(house: House) -> None:
    ask = house.nginx("healthy")
    wait_for(lambda: subprocess.run(ask, capture_output=True, check=False).returncode == 0)
    with house.client() as client:
        for path in ("/health", "/api/health"):
            said = client.get(path).json()
            assert (said["status"], said["commit"]) == ("healthy", "abc1234")
            assert {said[part] for part in PARTS} == {"connected"}


# --- the door


def test_pages_come_by_http_2_and_tls_and_say_so_for_a_year(house: House) -> None:
    context = house.tls()
    context.set_alpn_protocols(["h2", "http/1.1"])
    line = socket.create_connection(("127.0.0.1", house.https))
    with context.wrap_socket(line, server_hostname="localhost") as secure:
        assert secure.selected_alpn_protocol() == "h2"
    with house.client() as client:
        answer = client.get("/sign-in/")
    assert (answer.status_code, answer.headers["Server"]) == (200, "nginx")
    assert answer.headers.get_list("Strict-Transport-Security") == ["max-age=31536000"]
    assert "Secure" in answer.headers["Set-Cookie"]


def test_plain_http_is_sent_to_https(house: House) -> None:
    answer = raw(house.http, "/gallery/?tool=edit")
    assert (answer.status, answer.headers["Location"]) == (308, f"{house.site}/gallery/?tool=edit")


def test_another_name_is_not_answered(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.https)) as line, pytest.raises(ssl.SSLError):
        house.tls().wrap_socket(line, server_hostname="other.example")


def test_a_job_is_watched_by_a_socket_and_its_picture_sent_by_nginx(
    house: House, key: dict[str, str]
) -> None:
    with house.client(**key) as client:
        job = client.post("/api/v1/jobs/", json=IMAGINE, headers={"Idempotency-Key": "1"}).json()
        socket_address = f"{house.site.replace('https', 'wss')}/ws/jobs/{job['code']}/"
        with connect(socket_address, ssl=house.tls(), additional_headers=key) as line:
            while job["state"] != "done":
                job = json.loads(line.recv(timeout=WAIT_SECONDS))
        picture = client.get(job["results"][0]["url"])
    assert picture.status_code == 200
    assert "ETag" in picture.headers  # nginx gives one, the application does not
    assert "X-Accel-Redirect" not in picture.headers
    assert picture.headers["Cache-Control"] == "private, max-age=600, immutable"
    stored = [f.read_bytes() for f in (house.root / "data" / "media").rglob("*") if f.is_file()]
    assert picture.content in stored


def test_a_private_picture_is_its_owners_alone(house: House, key: dict[str, str]) -> None:
    with house.client(**key) as client:
        sent = client.post("/api/v1/photos/", files={"file": picture_file("plum")}).json()
        assert client.get(sent["url"]).status_code == 200
    stranger = {"Authorization": f"Bearer {house.people(1, 'stranger')[0]['key']}"}
    with house.client(**stranger) as client:
        assert client.get(sent["url"]).status_code == 404
    with house.client() as client:
        assert client.get(sent["url"]).status_code in (401, 403)
        for file in (house.root / "data" / "media").rglob("*.jpg"):
            name = file.relative_to(house.root / "data" / "media")
            for path in (f"/_media/{name}", f"//_media/{name}", f"/static/../_media/{name}"):
                assert house.exactly(path).status == 404


def test_a_socket_without_a_person_is_told_to_sign_in(house: House) -> None:
    address = f"wss://localhost:{house.https}/ws/me/"
    with connect(address, ssl=house.tls()) as line, pytest.raises(ConnectionClosed) as closed:
        line.recv(timeout=WAIT_SECONDS)
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize(
    ("path", "megabytes", "code"),
    [("/api/v1/photos/", 13, "photo_too_large"), ("/api/v1/photos/", 11, "photo_too_large"),
     ("/api/v1/jobs/", 3, "body_too_large"), ("/api/v1/jobs/", 1, "body_too_large")],
)  # fmt: skip
def test_what_is_too_large_is_refused_in_the_format_and_language_of_the_api(
    house: House, key: dict[str, str], path: str, megabytes: int, code: str
) -> None:
    """The larger ones by nginx, the others by the application: nobody can tell."""
    heavy = b"x" * (megabytes << 20)
    body = {"files": {"file": heavy}} if "photos" in path else {"content": heavy}
    kind = {} if "photos" in path else {"Content-Type": "application/json"}
    with house.client(**key, **kind) as client:
        for language, words in (("en", "too large|larger"), ("ru", "больш")):
            answer = client.post(path, headers={"Accept-Language": language}, **body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (413, code)
            assert re.search(words, answer.json()["error"]["message"])


def test_whoever_is_refused_before_the_photo_is_read_hears_why(house: House) -> None:
    with house.client() as client:
        for _again in range(5):
            answer = client.post("/api/v1/photos/", files={"file": b"x" * (9 << 20)})
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")


def test_who_tries_to_sign_in_too_often_is_asked_to_wait(house: House) -> None:
    with house.client() as client:
        answers = [client.post("/api/v1/session/", json={}) for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json()["error"]["code"] == "too_many_requests"
    assert refused[0].headers["Retry-After"] == "5"
    assert answers[0].status_code != 429


def test_only_a_trusted_proxy_is_believed_about_who_calls(house: House) -> None:
    """YooKassa's networks alone may call this address."""
    claims = {
        "X-Forwarded-For": "185.71.76.5",
        "X-Real-IP": "185.71.76.5",
        "Forwarded": "for=185.71.76.5",
    }
    call = {"json": {"event": "refund.unknown", "object": {"id": "1"}}}
    with house.client() as client:
        assert client.post("/hooks/yookassa/", headers=claims, **call).status_code == 403
        house.reload(TRUSTED_NETWORKS="10.0.0.0/8 127.0.0.1")
        wait_for(lambda: client.post("/hooks/yookassa/", headers=claims, **call).status_code == 200)
        claims["X-Forwarded-For"] = f"{GENUINE}, 203.0.113.9"
        assert client.post("/hooks/yookassa/", headers=claims, **call).status_code == 403
        house.reload()
        claims["X-Forwarded-For"] = GENUINE
        wait_for(lambda: client.post("/hooks/yookassa/", headers=claims, **call).status_code == 403)


def test_behind_a_balancer_that_ends_tls_the_plain_door_believes_it_alone(house: House) -> None:
    claims = {"Host": "localhost", "X-Forwarded-Proto": "https", "X-Forwarded-For": GENUINE}

    def answered() -> int:
        return raw(house.http, "/sign-in/", claims).status

    house.reload(DOOR="plain", TRUSTED_NETWORKS="127.0.0.1")
    wait_for(lambda: answered() == 200)
    house.reload(DOOR="plain")
    wait_for(lambda: answered() == 301)  # to https, by the application
    house.reload()
    wait_for(lambda: answered() == 308)


def test_static_files_are_kept_for_a_year_and_outlive_a_release(house: House) -> None:
    with house.client() as client:
        page = client.get("/sign-in/").text
        path = re.search(r'"(/static/[^"]+\.[0-9a-f]{12}\.css)"', page)[1]
        file = house.root / path.lstrip("/")
        by_nginx = client.get(path)
        assert by_nginx.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert by_nginx.headers["Content-Encoding"] == "gzip"
        assert by_nginx.content == file.read_bytes()
        (file.parent / "last.0123456789ab.css").write_text("of the last release")
        old = client.get(f"{path.rpartition('/')[0]}/last.0123456789ab.css")
        assert (old.status_code, old.text) == (200, "of the last release")
        for one in (file, file.with_name(file.name + ".gz")):
            one.unlink()
        by_the_application = client.get(path)
        assert by_the_application.status_code == 200
        assert "immutable" in by_the_application.headers["Cache-Control"]
    for path in ("nothing.css", "..%2f..%2fetc/passwd", "../../etc/passwd", "../etc/passwd"):
        assert house.exactly(f"/static/{path}").status in (400, 404)
    assert house.exactly("/static../etc/passwd").status == 404


def test_metrics_are_not_for_the_public(house: House) -> None:
    token = {"Authorization": "Bearer m3trics"}
    host = {"Host": "localhost", "X-Forwarded-Proto": "https"}
    assert raw(house.web, "/metrics", host | token).status == 200
    for path in ("/metrics", "//metrics", "/%6Detrics", "/static/../metrics", "/./metrics"):
        assert house.exactly(path, **token).status == 404


def test_logs_tell_the_request_and_no_secret(house: House) -> None:
    secrets = [
        "/telegram/s3cret/", "/hooks/kie/8f7e/s3cret/", "/gift/s3cret/", "/stories/8f/1/s3cret",
        "/api/v1/photos/8f7e/master/1/s3cret", "/api/v1/login/s3cret/", "/?token=s3cret",
    ]  # fmt: skip
    with house.client() as client:
        answers = [client.get(path) for path in secrets]
    request_ids = {answer.headers["X-Request-ID"] for answer in answers}
    wait_for(lambda: all(one in house.log("nginx") for one in request_ids))
    logged = [json.loads(line) for line in house.log("nginx").splitlines() if line.startswith("{")]
    mine = [one for one in logged if one["request"] in request_ids]
    assert {"/telegram/…", "/hooks/kie/…", "/gift/…", "/stories/…", "/"} < {
        one["path"] for one in mine
    }
    assert "s3cret" not in house.log("nginx")
    wait_for(lambda: all(one in house.log("web") for one in request_ids))
    assert "s3cret" not in house.log("web")


def test_while_nobody_answers_behind_it_the_door_says_so_kindly(house: House) -> None:
    with house.client(**{"Accept-Language": "ru"}) as client:
        house.point_at(1, 1)
        house.reload()
        wait_for(lambda: client.get("/sign-in/").status_code == 502)
        said, page = client.get("/api/v1/me/"), client.get("/sign-in/")
        assert said.json()["error"]["code"] == "unavailable"
        assert "Студия ненадолго недоступна" in page.text
        assert page.headers["Strict-Transport-Security"]
        assert subprocess.run(house.nginx("healthy"), capture_output=True, check=False).returncode
        house.point_at(house.web, house.socket)
        house.reload()
        wait_for(lambda: client.get("/sign-in/").status_code == 200)


def test_a_broken_configuration_does_not_take_the_place_of_a_good_one(house: House) -> None:
    upstreams = house.here / "nginx" / "upstreams.conf"
    good = upstreams.read_text()
    upstreams.write_text("upstream web { server nobody.invalid:8000; }")
    assert subprocess.run(house.nginx("reload"), capture_output=True, check=False).returncode
    upstreams.write_text(good)
    house.reload()
    with house.client() as client:
        assert client.get("/sign-in/").status_code == 200


def test_a_worker_of_chores_leaves_pictures_to_others(house: House, key: dict[str, str]) -> None:
    house.stand.stop("pictures")
    with house.client(**key) as client:
        made = client.post("/api/v1/jobs/", json=IMAGINE, headers={"Idempotency-Key": "2"}).json()
        heard = (
            "SELECT 1 FROM generation_heartbeat WHERE name = 'hears:celery@chores' "
            "AND beat_at > (SELECT max(created_at) + interval '2 s' FROM generation_job)"
        )
        wait_for(lambda: house.stand.rows(heard))
        assert client.get(f"/api/v1/jobs/{made['code']}/").json()["state"] == "queued"
        house.start("pictures", "role worker pictures")
        wait_for(lambda: client.get(f"/api/v1/jobs/{made['code']}/").json()["state"] == "done")
