"""Which addresses media may come from, and how they are shown and renamed."""

import socket
from urllib.parse import urlsplit

import pytest
from labelscape.ml_backend.label_studio.media_hosts import (
    MediaError,
    MediaUnavailable,
    checked_addresses,
    is_within,
    parts_of,
    port_of,
    renamed,
    shown_address,
)

STUDIO = "http://studio.test:8080/ls"


def resolving_to(monkeypatch, *addresses):
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "fe80::1",
    ],
)
def test_a_host_with_any_forbidden_address_is_refused_however_it_is_written(monkeypatch, address):
    resolving_to(monkeypatch, "93.184.216.34", address)

    with pytest.raises(MediaError, match=f"resolves to {address}, from which media may not be fetched"):
        checked_addresses(urlsplit("http://pictures.test/a.png"))


def test_every_address_of_a_host_is_returned_once(monkeypatch):
    resolving_to(monkeypatch, "93.184.216.34", "10.0.0.7", "93.184.216.34")

    assert checked_addresses(urlsplit("https://pictures.test/a.png")) == ["93.184.216.34", "10.0.0.7"]


def test_a_host_that_cannot_be_found_may_be_found_later(monkeypatch):
    def fail(*_args, **_more):
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(MediaUnavailable, match=r"The host pictures\.test cannot be found"):
        checked_addresses(urlsplit("http://pictures.test/a.png"))


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("http://host.test/media/a.png", True),
        ("http://host.test:80/media/sub/a.png", True),
        ("https://host.test/media/a.png", False),
        ("http://host.test:81/media/a.png", False),
        ("http://host.test.evil/media/a.png", False),
        ("http://host.test/media-other/a.png", False),
        ("http://host.test/media/../secret", False),
        ("http://host.test/media/%2e%2e/secret", False),
        ("ftp://host.test/media/a.png", False),
    ],
)
def test_a_root_opens_what_lies_beneath_it_alone(address, inside):
    assert is_within(urlsplit(address), urlsplit("http://host.test/media")) is inside


def test_ports_follow_from_the_scheme():
    assert [port_of(urlsplit(url)) for url in ("http://a.test", "https://a.test", "http://a.test:7")] == [80, 443, 7]


def test_an_invalid_address_is_refused_in_words():
    with pytest.raises(MediaError, match="is not a media address"):
        parts_of("http://[broken/a.png")


def test_a_signature_is_not_shown_and_a_local_path_is():
    assert shown_address("https://cloud.test/a.png?X-Signature=secret") == "https://cloud.test/a.png"
    assert shown_address("/data/local-files/?d=folder/a.png") == "/data/local-files/?d=folder/a.png"
    assert len(shown_address("https://cloud.test/" + "a" * 500)) <= 120


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://other.test/data/upload/1/a.png?x=1", f"{STUDIO}/data/upload/1/a.png?x=1"),
        ("http://other.test/tasks/5/presign/?fileuri=b", f"{STUDIO}/tasks/5/presign/?fileuri=b"),
        ("http://other.test/api/projects", "http://other.test/api/projects"),  # our token opens media alone
        ("http://other.test:81/data/upload/1/a.png", "http://other.test:81/data/upload/1/a.png"),
        ("/data/upload/1/a.png", "/data/upload/1/a.png"),
    ],
)
def test_only_media_of_another_name_of_the_same_server_are_renamed(address, expected):
    assert renamed(address, ("http://other.test",), STUDIO) == expected
