import base64
import io
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from labelscape.ml_backend.label_studio.media import MediaCache, presigned_address
from labelscape.ml_backend.label_studio.media_hosts import MediaError, MediaUnavailable
from labelscape.ml_backend.label_studio.settings import Limits, ServerSettings
from PIL import Image, features

TOKEN = {"Authorization": "Token our-token"}
UPLOAD = "/data/upload/1/image.png"


def image(width: int = 20, height: int = 10, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, kind)
    return buffer.getvalue()


@dataclass
class Site:
    """A web server that responds as a test specifies, and records its requests."""

    port: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def tokens(self) -> list[str | None]:
        return [headers.get("Authorization") for _, headers in self.asked]


def send(status: int = 200, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def drip(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000000")
    request.end_headers()
    while True:
        request.wfile.write(b"x")
        time.sleep(0.05)


def _serve(site: Site) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, dict(self.headers)))
            try:
                site.answers.get(self.path, send(200, image()))(self)
            except OSError:
                self.close_connection = True  # the other side had enough

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def _site() -> Iterator[Site]:
    site = Site()
    server = _serve(site)
    yield site
    server.shutdown()
    server.server_close()


studio = pytest.fixture(_site, name="studio")
bucket = pytest.fixture(_site, name="bucket")


@pytest.fixture
def make_cache(studio: Site, tmp_path: Path) -> Callable[..., MediaCache]:
    def make(*roots: str, limits: Limits = Limits(fetch_seconds=5), **changes: Any) -> MediaCache:  # noqa: B008
        settings = ServerSettings(url=studio.url, media_roots=roots, limits=limits)
        return MediaCache(replace(settings, **changes), lambda: TOKEN, tmp_path / "media")

    return make


def left_over(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


def test_an_upload_is_fetched_once_and_kept_as_it_is(make_cache: Any, studio: Site) -> None:
    first = make_cache().fetch(UPLOAD)
    assert first.read_bytes() == image()
    assert first.suffix == ".png"
    assert make_cache().fetch(studio.url + UPLOAD) == first
    assert len(studio.asked) == 1


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
    assert studio.asked[0][0] == address
    assert studio.asked[0][1]["Host"] == f"localhost:{studio.port}"
    assert studio.tokens() == [TOKEN["Authorization"]]


def test_a_label_studio_beneath_a_path_is_found(make_cache: Any, studio: Site) -> None:
    cache = make_cache(url=f"{studio.url}/studio")
    assert cache.fetch("/data/upload/1/a.png") == cache.fetch("/studio/data/upload/1/a.png")
    assert [path for path, _ in studio.asked] == ["/studio/data/upload/1/a.png"]


def test_a_file_of_cloud_storage_is_asked_of_label_studio() -> None:
    assert presigned_address("s3://bucket/ä?.png", 7) == "/tasks/7/presign/?fileuri=czM6Ly9idWNrZXQvw6Q_LnBuZw=="


def test_a_media_root_is_fetched_without_our_token(make_cache: Any, bucket: Site) -> None:
    assert make_cache(bucket.url).fetch(f"{bucket.url}/images/a.png").is_file()
    assert bucket.tokens() == [None]


def test_our_token_does_not_follow_a_redirect_to_another_host(make_cache: Any, studio: Site, bucket: Site) -> None:
    studio.answers[UPLOAD] = send(302, Location=f"{bucket.url}/a.png?signature=1")
    assert make_cache(bucket.url).fetch(UPLOAD).is_file()
    assert (studio.tokens(), bucket.tokens()) == ([TOKEN["Authorization"]], [None])
    assert bucket.asked[0][0] == "/a.png?signature=1"


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
    for asked in (address, studio.url + address):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            make_cache().fetch(asked)
    assert not studio.asked


def test_another_host_is_not_even_asked(make_cache: Any, bucket: Site) -> None:
    for address in (
        f"{bucket.url}/a.png",
        "http://169.254.169.254/latest/meta-data/iam.png",
        "http://localhost/data/upload/1/a.png",
        "https://bucket.example.com.evil.example/a.png",
    ):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            make_cache("https://bucket.example.com").fetch(address)
    assert not bucket.asked


def test_a_media_root_with_a_path_opens_that_path_alone(make_cache: Any, bucket: Site) -> None:
    cache = make_cache(f"{bucket.url}/images")
    assert cache.fetch(f"{bucket.url}/images/a.png").is_file()
    for path in ("/private/a.png", "/images-private/a.png", "/images/../private/a.png"):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            cache.fetch(bucket.url + path)
    assert len(bucket.asked) == 1


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/a.png", "/api/users/", "file:///etc/passwd", "http://[bad"]
)
def test_every_redirect_is_checked(make_cache: Any, studio: Site, tmp_path: Path, location: str) -> None:
    studio.answers[UPLOAD] = send(302, Location=location)
    with pytest.raises(MediaError):
        make_cache().fetch(UPLOAD)
    assert len(studio.asked) == 1
    assert not left_over(tmp_path)


def test_redirects_come_to_an_end(make_cache: Any, studio: Site) -> None:
    studio.answers[UPLOAD] = send(302, Location=UPLOAD)
    with pytest.raises(MediaError, match="more than 3 redirects"):
        make_cache().fetch(UPLOAD)
    assert len(studio.asked) == 4


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
    assert bucket.asked[0][1]["Host"] == f"bucket.example.com:{bucket.port}"
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


def refused(cache: MediaCache, match: str, address: str = UPLOAD, kind: type[MediaError] = MediaError) -> None:
    with pytest.raises(MediaError, match=match) as refusal:
        cache.fetch(address)
    assert refusal.type is kind
    assert str(refusal.value).endswith(".")
    assert not left_over(cache.folder.parent)


@pytest.mark.parametrize("told", [True, False])
def test_more_bytes_than_allowed_are_refused(make_cache: Any, studio: Site, told: bool) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if told:
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
    started = time.monotonic()
    refused(make_cache(limits=Limits(fetch_seconds=0.5)), "took more than 0.5 s", kind=MediaUnavailable)
    assert time.monotonic() - started < 2


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
    assert not studio.asked


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
    assert len(studio.asked) == 40


def test_what_is_late_is_unavailable_and_the_rest_is_there(make_cache: Any, studio: Site) -> None:
    studio.answers["/data/upload/1/1.png"] = drip
    started = time.monotonic()
    fast, slow = make_cache(limits=Limits(fetch_seconds=3)).fetch_many(
        ["/data/upload/1/0.png", "/data/upload/1/1.png"], seconds=0.5
    )
    assert time.monotonic() - started < 2
    assert isinstance(fast, Path)
    assert isinstance(slow, MediaUnavailable)


def test_a_token_that_is_not_taken_is_reported_for_each(studio: Site, tmp_path: Path) -> None:
    def authorize() -> dict[str, str]:
        raise ValueError("The token has expired.")

    cache = MediaCache(ServerSettings(url=studio.url), authorize, tmp_path / "media")
    assert [str(error) for error in cache.fetch_many([UPLOAD])] == ["The token has expired."]
    assert not studio.asked


# --- addresses of other kinds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("alias", ["http://127.0.0.1:{port}", "http://[::1]:{port}", "http://studio.example.com"])
def test_label_studios_other_names_lead_to_the_address_of_the_settings(
    make_cache: Any, studio: Site, alias: str
) -> None:
    name = alias.format(port=studio.port)
    cache = make_cache(aliases=() if "example" not in name else (name,))
    assert cache.fetch(f"{name}{UPLOAD}").is_file()
    assert studio.asked == [(UPLOAD, studio.asked[0][1])]
    assert studio.tokens() == [TOKEN["Authorization"]]
    with pytest.raises(MediaError, match="not an allowed source of media"):
        cache.fetch(f"{name}/api/users/")


def test_another_port_of_this_machine_is_not_label_studio(make_cache: Any, studio: Site, bucket: Site) -> None:
    with pytest.raises(MediaError, match="not an allowed source of media"):
        make_cache().fetch(f"http://127.0.0.1:{bucket.port}{UPLOAD}")
    assert not bucket.asked


def test_a_name_that_leads_to_this_machine_is_not_asked_unless_it_is_allowed(
    make_cache: Any, names: dict[str, list[list[str]]], studio: Site, bucket: Site
) -> None:
    names["innocent.example.com"] = [["127.0.0.1"]] * 9
    hidden = f"http://innocent.example.com:{bucket.port}/a.png"
    studio.answers[UPLOAD] = send(302, Location=hidden)
    for address in (hidden, f"http://innocent.example.com:{studio.port}{UPLOAD}", UPLOAD):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            make_cache().fetch(address)
    assert not bucket.asked
    assert [path for path, _ in studio.asked] == [UPLOAD]


def test_an_allowed_host_cannot_send_us_on_to_another(make_cache: Any, studio: Site, bucket: Site) -> None:
    root = f"http://localhost:{bucket.port}"
    bucket.answers["/a.png"] = send(302, Location=f"{studio.url}/api/current-user/whoami")
    bucket.answers["/b.png"] = send(307, Location="http://127.0.0.1:1/b.png")
    for path in ("/a.png", "/b.png"):
        with pytest.raises(MediaError, match="not an allowed source of media"):
            make_cache(root).fetch(root + path)
    assert not studio.asked


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
