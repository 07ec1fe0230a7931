"""Media are fetched from allowed addresses alone, and our token goes to Label Studio alone."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.media import presigned_address
from labelscape.ml_backend.label_studio.media_hosts import MediaError, MediaUnavailable

from .media_sites import TOKEN, UPLOAD, Site, left_over, send


@pytest.mark.parametrize(
    "address",
    [
        UPLOAD,
        "/data/local-files/?d=set1/img.png",
        "/tasks/7/presign/?fileuri=czM6Ly9i",
        "/projects/3/resolve/?fileuri=x",
    ],
)
def test_label_studios_own_media_are_fetched_with_our_token(make_cache: Any, studio: Site, address: str) -> None:
    assert make_cache().fetch(address).is_file()
    assert studio.requests[0][0] == address
    assert studio.requests[0][1]["Host"] == f"localhost:{studio.port}"
    assert studio.tokens() == [TOKEN["Authorization"]]


def test_a_label_studio_beneath_a_path_is_found(make_cache: Any, studio: Site) -> None:
    cache = make_cache(url=f"{studio.url}/studio")
    assert cache.fetch("/data/upload/1/a.png") == cache.fetch("/studio/data/upload/1/a.png")
    assert [path for path, _ in studio.requests] == ["/studio/data/upload/1/a.png"]


def test_a_file_of_cloud_storage_is_asked_of_label_studio() -> None:
    assert presigned_address("s3://bucket/ä?.png", 7) == "/tasks/7/presign/?fileuri=czM6Ly9idWNrZXQvw6Q_LnBuZw=="


def test_a_media_root_is_fetched_without_our_token(make_cache: Any, bucket: Site) -> None:
    assert make_cache(bucket.url).fetch(f"{bucket.url}/images/a.png").is_file()
    assert bucket.tokens() == [None]


def test_our_token_does_not_follow_a_redirect_to_another_host(make_cache: Any, studio: Site, bucket: Site) -> None:
    studio.answers[UPLOAD] = send(302, Location=f"{bucket.url}/a.png?signature=1")
    assert make_cache(bucket.url).fetch(UPLOAD).is_file()
    assert (studio.tokens(), bucket.tokens()) == ([TOKEN["Authorization"]], [None])
    assert bucket.requests[0][0] == "/a.png?signature=1"


@pytest.mark.parametrize(
    "address",
    [
        "/api/users/",
        "/user/logout",
        "/data/upload/../../api/users/",
        "/data/upload/%2e%2e/%2E%2E/api/users/",
        "//localhost/data/upload/1/a.png",
        "/data/uploads/1/a.png",
    ],
)
def test_our_token_opens_nothing_but_media(make_cache: Any, studio: Site, address: str) -> None:
    for url in (address, studio.url + address):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            make_cache().fetch(url)
    assert not studio.requests


def test_another_host_is_not_even_asked(make_cache: Any, bucket: Site) -> None:
    for address in (
        f"{bucket.url}/a.png",
        "http://169.254.169.254/latest/meta-data/iam.png",
        "http://localhost/data/upload/1/a.png",
        "https://bucket.example.com.evil.example/a.png",
    ):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            make_cache("https://bucket.example.com").fetch(address)
    assert not bucket.requests


def test_a_media_root_with_a_path_opens_that_path_alone(make_cache: Any, bucket: Site) -> None:
    cache = make_cache(f"{bucket.url}/images")
    assert cache.fetch(f"{bucket.url}/images/a.png").is_file()
    for path in ("/private/a.png", "/images-private/a.png", "/images/../private/a.png"):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            cache.fetch(bucket.url + path)
    assert len(bucket.requests) == 1


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/a.png", "/api/users/", "file:///etc/passwd", "http://[bad"]
)
def test_every_redirect_is_checked(make_cache: Any, studio: Site, tmp_path: Path, location: str) -> None:
    studio.answers[UPLOAD] = send(302, Location=location)
    with pytest.raises(MediaError):
        make_cache().fetch(UPLOAD)
    assert len(studio.requests) == 1
    assert not left_over(tmp_path)


def test_redirects_come_to_an_end(make_cache: Any, studio: Site) -> None:
    studio.answers[UPLOAD] = send(302, Location=UPLOAD)
    with pytest.raises(MediaError, match="more than 3 redirects"):
        make_cache().fetch(UPLOAD)
    assert len(studio.requests) == 4


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """A fake name server: host → the addresses in its first, second, … answer."""
    answers: dict[str, list[list[str]]] = {}
    really = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: Any, **options: Any) -> Any:
        if host not in answers:
            return really(host, port, *rest, **options)
        addresses = answers[host].pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "::",
        "fe80::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fd00:ec2::254",
        "100.100.100.200",
    ],
)
def test_a_name_that_leads_to_a_forbidden_address_is_refused(
    make_cache: Any, names: dict[str, list[list[str]]], address: str
) -> None:
    names["bucket.example.com"] = [["127.0.0.1", address]]
    with pytest.raises(MediaError, match=f"resolves to {address}, from which media may not be fetched"):
        make_cache("http://bucket.example.com").fetch("http://bucket.example.com/a.png")


def test_the_connection_goes_to_the_address_that_was_checked(
    make_cache: Any, names: dict[str, list[list[str]]], bucket: Site
) -> None:
    names["bucket.example.com"] = [["127.0.0.1"], ["169.254.169.254"]]
    root = f"http://bucket.example.com:{bucket.port}"
    assert make_cache(root).fetch(f"{root}/a.png").is_file()
    assert bucket.requests[0][1]["Host"] == f"bucket.example.com:{bucket.port}"
    assert names["bucket.example.com"] == [["169.254.169.254"]]  # nobody asked a second time


def test_an_address_where_nobody_listens_gives_way_to_the_next(
    make_cache: Any, names: dict[str, list[list[str]]], bucket: Site
) -> None:
    names["bucket.example.com"] = [["127.0.0.2", "127.0.0.1"]]
    root = f"http://bucket.example.com:{bucket.port}"
    assert make_cache(root).fetch(f"{root}/a.png").is_file()


def test_a_certificate_is_checked_against_the_name(
    make_cache: Any, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str | None] = []

    def wrap(_: ssl.SSLContext, sock: socket.socket, *rest: Any, server_hostname: str | None = None, **__: Any) -> None:
        shown.append(server_hostname)
        raise ssl.SSLCertVerificationError("not this name")

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        names["bucket.example.com"] = [["127.0.0.1"]]
        root = f"https://bucket.example.com:{listening.getsockname()[1]}"
        with pytest.raises(MediaUnavailable, match="SSLError"):
            make_cache(root).fetch(f"{root}/a.png")
    assert shown == ["bucket.example.com"]


@pytest.mark.parametrize("alias", ["http://127.0.0.1:{port}", "http://[::1]:{port}", "http://studio.example.com"])
def test_label_studios_other_names_lead_to_the_address_of_the_settings(
    make_cache: Any, studio: Site, alias: str
) -> None:
    name = alias.format(port=studio.port)
    cache = make_cache(aliases=() if "example" not in name else (name,))
    assert cache.fetch(f"{name}{UPLOAD}").is_file()
    assert studio.requests == [(UPLOAD, studio.requests[0][1])]
    assert studio.tokens() == [TOKEN["Authorization"]]
    with pytest.raises(MediaError, match="not an allowed source of media"):
        cache.fetch(f"{name}/api/users/")


def test_another_port_of_this_machine_is_not_label_studio(make_cache: Any, studio: Site, bucket: Site) -> None:
    with pytest.raises(MediaError, match="not an allowed source of media"):
        make_cache().fetch(f"http://127.0.0.1:{bucket.port}{UPLOAD}")
    assert not bucket.requests


def test_a_name_that_leads_to_this_machine_is_not_asked_unless_it_is_allowed(
    make_cache: Any, names: dict[str, list[list[str]]], studio: Site, bucket: Site
) -> None:
    names["innocent.example.com"] = [["127.0.0.1"]] * 9
    hidden = f"http://innocent.example.com:{bucket.port}/a.png"
    studio.answers[UPLOAD] = send(302, Location=hidden)
    for address in (hidden, f"http://innocent.example.com:{studio.port}{UPLOAD}", UPLOAD):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            make_cache().fetch(address)
    assert not bucket.requests
    assert [path for path, _ in studio.requests] == [UPLOAD]


def test_an_allowed_host_cannot_send_us_on_to_another(make_cache: Any, studio: Site, bucket: Site) -> None:
    root = f"http://localhost:{bucket.port}"
    bucket.answers["/a.png"] = send(302, Location=f"{studio.url}/api/current-user/whoami")
    bucket.answers["/b.png"] = send(307, Location="http://127.0.0.1:1/b.png")
    for path in ("/a.png", "/b.png"):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            make_cache(root).fetch(root + path)
    assert not studio.requests
