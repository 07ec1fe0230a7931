"""Addresses of media and their hosts: which are allowed, and what their names resolve to."""

import ipaddress
import re
import socket
from urllib.parse import SplitResult, unquote, urlsplit

from ..errors import Refusal
from .settings import is_http_address, same_address

LOCAL_FILES = "/data/local-files/"
# Where Label Studio (1.23) serves media; our token must not open anything else of it.
MEDIA_PATHS = re.compile(r"/(data/(upload|local-files)|storage-data/uploaded|(tasks|projects)/\d+/(presign|resolve))/")
# Clouds' metadata services outside of 169.254.0.0/16: AWS (IPv6), Alibaba, Oracle.
_METADATA = {ipaddress.ip_address(address) for address in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")}
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64: IPv4 addresses mapped to IPv6
_SHOWN = 120  # characters of an address in a message


class MediaError(Refusal):
    """A medium is refused or is not an image; the sentence says why."""


class MediaUnavailable(MediaError):
    """A medium could not be fetched; a retry may succeed."""


def parts_of(address: str) -> SplitResult:
    """The parts of an address; raises a `MediaError` if it is invalid."""
    try:
        return urlsplit(address)
    except ValueError as error:
        raise MediaError(f"{shown_address(address)} is not a media address.") from error


def port_of(parts: SplitResult) -> int:
    """The port of an http(s) address."""
    return parts.port or {"http": 80, "https": 443}[parts.scheme]


def shown_address(address: str) -> str:
    """The address for a message, without the query, which is a signature for cloud storage."""
    return (address if LOCAL_FILES in address else address.partition("?")[0])[:_SHOWN]


def is_within(parts: SplitResult, root: SplitResult) -> bool:
    """Whether an address is on the root's host and beneath its path."""
    return (
        is_http_address(parts.geturl())
        and (parts.scheme, parts.hostname, port_of(parts)) == (root.scheme, root.hostname, port_of(root))
        and parts.path.startswith(f"{root.path}/")
        and ".." not in unquote(parts.path).split("/")
    )


def checked_addresses(parts: SplitResult) -> list[str]:
    """The addresses of a host, all of them allowed."""
    host = str(parts.hostname)
    try:
        results = socket.getaddrinfo(host, port_of(parts), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise MediaUnavailable(f"The host {host} cannot be found.") from error
    addresses = list(dict.fromkeys(str(info[4][0]) for info in results))
    for address in addresses:
        if _is_forbidden(address):
            raise MediaError(f"The host {host} resolves to {address}, from which media may not be fetched.")
    return addresses


def _is_forbidden(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        translated = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _TRANSLATED else None
        ip = ip.ipv4_mapped or ip.sixtofour or translated or ip
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _METADATA


def renamed(address: str, names: tuple[str, ...], url: str) -> str:
    """The address of a Label Studio medium at ``url``, if it was given under another name of the same server."""
    if not is_http_address(address):
        return address
    parts = urlsplit(address)
    for name in names:
        root = urlsplit(name)
        same = same_address(f"{parts.scheme}://{parts.netloc}", f"{root.scheme}://{root.netloc}")
        path = parts.path.removeprefix(root.path)
        if same and parts.path.startswith(root.path) and MEDIA_PATHS.match(path):
            return f"{url}{path}?{parts.query}" if parts.query else f"{url}{path}"
    return address
