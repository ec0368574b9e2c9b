"""Which addresses results may be fetched from: a URL is judged here before anything is looked up.

A URL is taken apart once, by one strict pattern: no second parser can read it otherwise. Pure: no
network, no Django.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import quote

MAX_URL = 8192
MAX_NAME = 253
PORTS = {"http": 80, "https": 443}

# A name's last label begins with a letter, so no number in any notation (octal, hexadecimal,
# shortened, one large integer) passes for a name. Names are ASCII: an IDN is written as xn--.
LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
NAME = rf"(?:{LABEL}\.)*[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?"
LITERAL = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:.]{2,45}\]"
ADDRESS = re.compile(
    rf"(?P<scheme>https?)://(?:(?P<name>{NAME})|(?P<literal>{LITERAL}))"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>[/?#].*)?",
    re.ASCII | re.IGNORECASE,
)
UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\\\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

# What only a server that the operator listed himself may resolve to.
LOCAL = [
    ip_network(block)
    for block in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
        "::1/128", "fc00::/7",
    )
]  # fmt: skip
# IANA's special-purpose blocks, and the metadata services of clouds: what no name may resolve to.
SPECIAL = [
    ip_network(block)
    for block in (
        "0.0.0.0/8", "100.100.100.200/32", "168.63.129.16/32", "169.254.0.0/16", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
        "fd00:ec2::254/128", "fd20:ce::254/128",
    )
]  # fmt: skip
GLOBAL_IPV6 = ip_network("2000::/3")
NAT64 = ip_network("64:ff9b::/96")


class Refused(Exception):
    """Why nothing was downloaded. ``reason`` is a code, ``detail`` is for staff.

    malformed, scheme, credentials, host, port, address, redirect: the URL is not one of ours.
    status, encoding, empty, too_large: the answer cannot be used. network, too_slow: it did not
    arrive. ``passing``: the same download may succeed later. The URL itself is in neither: its
    query may hold a signature.
    """

    def __init__(self, reason: str, detail: str = "", *, passing: bool = False) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.passing = passing


@dataclass(frozen=True)
class Target:
    """The parts of a URL. ``host`` is lower case, an IPv6 literal without its brackets."""

    scheme: str
    host: str
    port: int
    path: str = "/"
    is_literal: bool = False

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


def permitted(url: str, hosts: Iterable[str]) -> Target:
    """The target, if it is on the list. Nothing is looked up yet."""
    target = _parsed(url)
    if is_listed(target, hosts):
        return target
    if target.scheme != "https":
        raise Refused("scheme", target.scheme)
    if not any(_names(entry.lower(), target) for entry in hosts):
        raise Refused("host", target.host)
    if target.port != PORTS["https"]:
        raise Refused("port", str(target.port))
    return target


def is_public(address: str) -> bool:
    """Whether this address is an ordinary one of the internet."""
    found = ip_address(address)
    if isinstance(found, IPv6Address) and found in NAT64:
        return is_public(str(ip_address(int(found) & 0xFFFFFFFF)))
    if isinstance(found, IPv6Address) and (found.scope_id or found not in GLOBAL_IPV6):
        return False
    return not _is_in(found, SPECIAL) and not _is_in(found, LOCAL)


def _parsed(url: str) -> Target:
    if len(url) > MAX_URL or UNPRINTABLE.search(url):
        raise Refused("malformed")
    parts = ADDRESS.fullmatch(url)
    if not parts:
        raise Refused(*_why_malformed(url))
    scheme = parts["scheme"].lower()
    host = (parts["name"] or parts["literal"]).lower().strip("[]")
    port = int(parts["port"] or PORTS[scheme])
    if port > 65535 or len(host) > MAX_NAME or (parts["literal"] and not _is_address(host)):
        raise Refused("malformed")
    path = (parts["rest"] or "/").partition("#")[0]
    path = quote(path if path.startswith("/") else f"/{path}", safe="/?:@!$&'()*+,;=%-._~|[]^`{}")
    return Target(scheme, host, port, path, is_literal=bool(parts["literal"]))


def _why_malformed(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition(":")
    if scheme.lower() not in PORTS:
        return "scheme", scheme[:20]
    if "@" in re.split(r"[/?#]", rest.removeprefix("//"), maxsplit=1)[0]:
        return "credentials", ""
    return "malformed", ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_listed(target: Target, hosts: Iterable[str]) -> bool:
    """Whether the operator wrote down exactly this scheme, host and port."""
    return any("://" in entry and _parsed(entry).origin == target.origin for entry in hosts)


def _names(entry: str, target: Target) -> bool:
    if entry.startswith(".") and not target.is_literal:
        return target.host.endswith(entry)
    return entry.strip("[]") == target.host


def _is_in(address: Any, blocks: Iterable[Any]) -> bool:
    return any(address.version == block.version and address in block for block in blocks)


def is_own(address: str, target: Target) -> bool:
    """A listed literal is what it says; a listed name may be local or public, not special."""
    found = ip_address(address)
    local = _is_in(found, LOCAL) and not _is_in(found, SPECIAL)
    return target.is_literal or local or is_public(address)
