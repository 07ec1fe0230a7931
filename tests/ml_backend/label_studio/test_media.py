"""Media are fetched once, checked, and kept; what cannot be used is refused with a reason."""

import base64
import socket
import zlib
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from labelscape.ml_backend.label_studio.media import MediaCache
from labelscape.ml_backend.label_studio.media_hosts import MediaError, MediaUnavailable
from labelscape.ml_backend.label_studio.settings import Limits, ServerSettings
from PIL import Image, features

from .media_sites import UPLOAD, Site, drip, image, left_over, refused, send


def test_an_upload_is_fetched_once_and_kept_as_it_is(make_cache: Any, studio: Site) -> None:
    first = make_cache().fetch(UPLOAD)
    assert first.read_bytes() == image()
    assert first.suffix == ".png"
    assert make_cache().fetch(studio.url + UPLOAD) == first
    assert len(studio.requests) == 1


@pytest.mark.parametrize("announced", [True, False])
def test_more_bytes_than_allowed_are_refused(make_cache: Any, studio: Site, announced: bool) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if announced:
            request.send_header("Content-Length", str(2**40))
        request.end_headers()
        while True:
            request.wfile.write(b"x" * 1_000)

    studio.answers[UPLOAD] = endless
    refused(make_cache(limits=Limits(media_bytes=10_000)), "more than 10,000 bytes")


def test_more_pixels_than_allowed_are_refused_by_the_header_alone(make_cache: Any, studio: Site) -> None:
    whole = image(2_000, 1_000)
    studio.answers[UPLOAD] = send(200, whole[:200])  # nothing but the header could be decoded
    refused(make_cache(limits=Limits(media_pixels=1_999_999)), "2,000 x 1,000 pixels")


def test_a_decompression_bomb_is_refused(make_cache: Any, studio: Site) -> None:
    bomb = bytearray(image())
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    studio.answers[UPLOAD] = send(200, bytes(bomb))
    refused(make_cache(limits=Limits(media_pixels=10**10)), "more pixels than can be decoded safely")


@pytest.mark.parametrize("body", [b"", b"<html>Log in</html>", b"\x80\x04.", image(kind="PPM"), image(kind="EPS")])
def test_what_is_no_image_is_refused(make_cache: Any, studio: Site, body: bytes) -> None:
    studio.answers[UPLOAD] = send(200, body)
    refused(make_cache(), "not an image that can be read")


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", ".jpg"), ("WEBP", ".webp"), ("GIF", ".gif"), ("TIFF", ".tif")])
def test_an_image_gets_the_suffix_of_what_it_is(make_cache: Any, studio: Site, kind: str, suffix: str) -> None:
    studio.answers[UPLOAD] = send(200, image(kind=kind))
    assert make_cache().fetch(UPLOAD).suffix == suffix


@pytest.mark.parametrize(
    "address",
    [
        "",
        "data:image/png;base64,iVBORw0KGgo=",
        "s3://bucket/a.png",
        "ftp://host/a.png",
        "a.png",
        "http://[bad",
        "x" * 9_999,
    ],
)
def test_what_is_no_address_of_a_medium_is_refused(make_cache: Any, address: str) -> None:
    refused(make_cache(), ".", address)


def test_without_label_studio_its_media_are_refused(make_cache: Any) -> None:
    refused(make_cache(url=""), "not connected yet")


def test_a_token_that_runs_out_on_its_way_is_no_refusal(make_cache: Any, studio: Site) -> None:
    answers = iter([send(401), send(200, image())])
    studio.answers[UPLOAD] = lambda handler: next(answers)(handler)
    assert make_cache().fetch(UPLOAD).read_bytes() == image()


@pytest.mark.parametrize(
    ("status", "kind"), [(401, MediaError), (404, MediaError), (429, MediaUnavailable), (503, MediaUnavailable)]
)
def test_a_status_says_whether_another_try_may_do(
    make_cache: Any, studio: Site, status: int, kind: type[MediaError]
) -> None:
    studio.answers[UPLOAD] = send(status)
    refused(make_cache(), str(status), kind=kind)


def test_a_server_that_drips_is_given_up_in_time(make_cache: Any, studio: Site) -> None:
    studio.answers[UPLOAD] = drip
    refused(make_cache(limits=Limits(fetch_seconds=0.5)), "took more than 0.5 s", kind=MediaUnavailable)


def test_a_medium_that_breaks_off_is_not_kept(make_cache: Any, studio: Site) -> None:
    studio.answers[UPLOAD] = send(200, image(), **{"Content-Length": "5000"})
    refused(make_cache(limits=Limits(fetch_seconds=1)), "was interrupted", kind=MediaUnavailable)


def test_a_server_that_is_down_is_reported(make_cache: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused(make_cache(url=f"http://localhost:{port}"), "cannot be reached", kind=MediaUnavailable)


def test_a_signature_in_an_address_is_not_told(make_cache: Any, bucket: Site) -> None:
    bucket.answers["/a.png?signature=marker"] = send(403)
    refused(make_cache(bucket.url), r"/a\.png is not accessible to us", f"{bucket.url}/a.png?signature=marker")


def test_a_full_cache_takes_no_more(make_cache: Any) -> None:
    room = len(image()) + 10
    make_cache(limits=Limits(cache_bytes=room)).fetch(UPLOAD)
    again = make_cache(limits=Limits(cache_bytes=room))
    again.fetch(UPLOAD)
    with pytest.raises(MediaError, match="cache .* is full"):
        again.fetch("/data/upload/1/another.png")


@pytest.fixture
def local_root(tmp_path: Path) -> Path:
    root = tmp_path / "images"
    (root / "set 1").mkdir(parents=True)
    (root / "set 1" / "a.png").write_bytes(image())
    (tmp_path / "private.png").write_bytes(image())
    (root / "link.png").symlink_to(tmp_path / "private.png")
    return root


def test_a_file_in_a_local_root_is_used_where_it_lies(make_cache: Any, studio: Site, local_root: Path) -> None:
    cache = make_cache(str(local_root))
    file = local_root / "set 1" / "a.png"
    assert cache.fetch("/data/local-files/?d=set%201/a.png") == file
    assert cache.fetch(f"{studio.url}/data/local-files/?d=set%201%2Fa.png") == file
    assert cache.fetch(str(file)) == file
    assert not studio.requests


@pytest.mark.parametrize("name", ["../private.png", "link.png", "set 1/../../private.png", "/private.png", "a\0.png"])
def test_a_local_root_opens_nothing_outside_of_it(make_cache: Any, studio: Site, local_root: Path, name: str) -> None:
    studio.answers = {f"/data/local-files/?d={quote(name)}": send(404)}
    cache = make_cache(str(local_root))
    for address in (str(local_root / name), f"{local_root.parent}/private.png", f"/data/local-files/?d={name}"):
        with pytest.raises(MediaError):
            cache.fetch(address)


def test_a_local_file_keeps_the_limits(make_cache: Any, local_root: Path) -> None:
    file = str(local_root / "set 1" / "a.png")
    with pytest.raises(MediaError, match="at most 10 are accepted"):
        make_cache(str(local_root), limits=Limits(media_bytes=10)).fetch(file)
    with pytest.raises(MediaError, match="20 x 10 pixels"):
        make_cache(str(local_root), limits=Limits(media_pixels=10)).fetch(file)


def test_many_are_fetched_at_once_in_their_order_each_once(make_cache: Any, studio: Site) -> None:
    addresses = [f"/data/upload/1/{number % 40}.png" for number in range(60)]
    studio.answers["/data/upload/1/7.png"] = send(404)
    fetched = make_cache().fetch_many(addresses)
    assert [isinstance(each, MediaError) for each in fetched] == [number % 40 == 7 for number in range(60)]
    assert fetched[:7] == fetched[40:47]
    assert len(studio.requests) == 40


def test_what_is_late_is_unavailable_and_the_rest_is_there(make_cache: Any, studio: Site) -> None:
    studio.answers["/data/upload/1/1.png"] = drip
    fast, slow = make_cache(limits=Limits(fetch_seconds=100_000)).fetch_many(
        ["/data/upload/1/0.png", "/data/upload/1/1.png"], seconds=5
    )
    assert isinstance(fast, Path)
    assert isinstance(slow, MediaUnavailable)


def test_a_token_that_is_not_taken_is_reported_for_each(studio: Site, tmp_path: Path) -> None:
    def authorize() -> dict[str, str]:
        raise ValueError("The token has expired.")

    cache = MediaCache(ServerSettings(url=studio.url), authorize, tmp_path / "media")
    assert [str(error) for error in cache.fetch_many([UPLOAD])] == ["The token has expired."]
    assert not studio.requests


def test_an_image_in_a_data_uri_is_read_and_kept_once(make_cache: Any, tmp_path: Path) -> None:
    encoded = base64.b64encode(image()).decode()
    cache = make_cache()
    first = cache.fetch(f"data:image/png;base64,{encoded}")
    assert first.suffix == ".png"
    assert Image.open(first).size == (20, 10)
    assert cache.fetch(f"data:;base64,{encoded}") == first
    assert left_over(tmp_path) == [first]


@pytest.mark.parametrize("uri", ["data:image/png;base64,%%%", "data:image/png", "data:,hello", "data:;base64,AAAA"])
def test_a_data_uri_that_holds_no_image_is_refused(make_cache: Any, tmp_path: Path, uri: str) -> None:
    with pytest.raises(MediaError) as refusal:
        make_cache().fetch(uri)
    assert len(str(refusal.value)) < 250
    assert not left_over(tmp_path)


def test_a_data_uri_keeps_the_limit(make_cache: Any) -> None:
    encoded = base64.b64encode(image(300, 300)).decode()
    with pytest.raises(MediaError, match="at most 10 are accepted"):
        make_cache(limits=Limits(media_bytes=10)).fetch(f"data:image/png;base64,{encoded}")


def test_an_svg_drawing_is_refused_with_what_to_do(make_cache: Any, studio: Site) -> None:
    drawing = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
    studio.answers[UPLOAD] = send(200, drawing)
    with pytest.raises(MediaError, match="is an SVG drawing: convert it to PNG"):
        make_cache().fetch(UPLOAD)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_read(make_cache: Any, studio: Site) -> None:
    studio.answers[UPLOAD] = send(200, image(kind="AVIF"))
    assert make_cache().fetch(UPLOAD).suffix == ".avif"
