"""Tasks' media as local files: fetched from Label Studio and the configured roots only, and kept in a cache."""

import base64
import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote_to_bytes, urljoin, urlsplit

import urllib3

from ..certificates import trusted_certificates
from ..embedding.registry import Modality
from .media_hosts import (
    LOCAL_FILES,
    MEDIA_PATHS,
    MediaError,
    MediaUnavailable,
    checked_addresses,
    is_within,
    parts_of,
    port_of,
    renamed,
    shown_address,
)
from .media_kinds import VIDEO_ENDINGS, suffix_of
from .metrics import MEDIA
from .settings import ServerSettings, is_http_address, server_directory

AT_ONCE = 16
REDIRECTS = 3
CONNECT_SECONDS = 5.0
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_CHUNK = 64 * 2**10


def presigned_address(uri: str, task: int) -> str:
    """The address at which Label Studio serves a task's file in cloud storage, such as ``s3://bucket/image.jpg``."""
    return f"/tasks/{task}/presign/?fileuri={base64.urlsafe_b64encode(uri.encode()).decode()}"


class MediaCache:
    """Fetches media within limits and caches them; thread-safe.

    The token goes to Label Studio's own address alone. A host name is resolved once, its addresses are checked, and the
    connection goes to a checked address, so that a second answer from the name server (DNS rebinding) has no effect;
    the same holds for every redirect.
    """

    def __init__(
        self, settings: ServerSettings, authorization: Callable[[], Mapping[str, str]], folder: Path | None = None
    ) -> None:
        """Set up the cache.

        Args:
            settings: Label Studio's address, `media_roots` and the limits.
            authorization: returns the headers with our credentials; called at each fetch, because tokens expire.
            folder: the cache's; by default beside the backend's settings.
        """
        self._settings = settings
        self._limits = settings.limits
        self._authorization = authorization
        self.folder = folder or server_directory() / "media"
        self._local_roots = [Path(root).resolve() for root in settings.media_roots if not is_http_address(root)]
        self._remote_roots = [urlsplit(root) for root in settings.media_roots if is_http_address(root)]
        self._label_studio = urlsplit(settings.url)
        self._names = (settings.url, *settings.aliases) if settings.url else ()
        context = trusted_certificates()
        self._pools = urllib3.PoolManager(num_pools=AT_ONCE, maxsize=AT_ONCE, retries=False, ssl_context=context)
        self._space = threading.Lock()
        self._used: int | None = None  # bytes in the cache; counted at the first fetch

    def fetch_many(
        self, addresses: Sequence[str], kind: Modality = "image", seconds: float | None = None
    ) -> list[Path | ValueError]:
        """`fetch` each medium, several in parallel: its file, or why it is unavailable.

        Args:
            addresses: as tasks' data has them.
            kind: what they have to be.
            seconds: what has not arrived by then is unavailable; None = only each medium's own limit applies.
        """
        pool = ThreadPoolExecutor(AT_ONCE, "media")
        fetching = {address: pool.submit(self._fetch_or_why, address, kind) for address in dict.fromkeys(addresses)}
        done, _ = wait(fetching.values(), timeout=seconds)
        pool.shutdown(wait=False, cancel_futures=True)
        late = MediaUnavailable(f"The medium was not fetched within {seconds} s.")
        return [fetching[address].result() if fetching[address] in done else late for address in addresses]

    def fetch(self, address: str, kind: Modality = "image") -> Path:
        """The file of a medium: from a local root if it is there, else from the cache, else fetched.

        Args:
            address: as the task's data has it: a path on Label Studio (``/data/upload/…``), an http(s) address, a
                data URI, or the path of a file in a local root.
            kind: what it has to be.

        Raises:
            MediaError: the medium is refused: where it comes from, its size, or that it is of another kind
            MediaUnavailable: it could not be fetched now
            ValueError: raised by `authorization`
        """
        with _counted():
            if address.startswith("data:"):
                return self._embedded(address, kind)
            address = renamed(address, self._names, self._settings.url)
            local = self._local_file(address)
            if local is not None:
                self._check_local(local, address, kind)
                MEDIA.labels("local").inc()
                return local
            url = self._resolve(address)
            name = _cache_name(url.encode(), kind)
            cached = next((self.folder / name[:3]).glob(f"{name}.*"), None)
            if cached is not None:
                MEDIA.labels("cached").inc()
                return cached
            fetched = self._download(url, self.folder / name[:3] / name, kind)
            MEDIA.labels("fetched").inc()
            return fetched

    def _embedded(self, address: str, kind: Modality) -> Path:
        """The file of a medium that is given as a data URI (RFC 2397)."""
        head, comma, content = address.partition(",")
        try:
            body = base64.b64decode(content, validate=True) if head.endswith(";base64") else unquote_to_bytes(content)
        except ValueError as error:
            raise MediaError(f"{shown_address(head)} is a data URI whose content cannot be decoded.") from error
        if not comma or len(body) > self._limits.media_bytes:
            raise MediaError(
                f"{shown_address(head)} is a data URI with {len(body):,} bytes; at most "
                f"{self._limits.media_bytes:,} are accepted."
            )
        name = _cache_name(body, kind)
        target = self.folder / name[:3] / name
        cached = next(target.parent.glob(f"{name}.*"), None)
        MEDIA.labels("fetched" if cached is None else "cached").inc()
        return self._keep(target, head, kind, lambda file: file.write_bytes(body)) if cached is None else cached

    def _fetch_or_why(self, address: str, kind: Modality) -> Path | ValueError:
        try:
            return self.fetch(address, kind)
        except ValueError as error:
            return error

    def _local_file(self, address: str) -> Path | None:
        """The file beneath a local root: its path, or what Label Studio serves as a local file."""
        parts = parts_of(address)
        ours = parts.netloc in ("", self._label_studio.netloc)
        names = parse_qs(parts.query).get("d", []) if ours and parts.path.endswith(LOCAL_FILES) else [address]
        files = (_file_beneath(root, name) for root in self._local_roots for name in names)
        return next((file for file in files if file is not None), None)

    def _check_local(self, file: Path, address: str, kind: Modality) -> None:
        size = file.stat().st_size
        if size > self._limits.media_bytes:
            raise MediaError(
                f"{shown_address(address)} has {size:,} bytes; at most {self._limits.media_bytes:,} are accepted."
            )
        suffix = suffix_of(file, address, kind, self._limits)
        if kind == "video" and file.suffix.lower() not in VIDEO_ENDINGS:
            raise MediaError(f"{shown_address(address)} is a video whose name does not end with {suffix}: rename it.")

    def _resolve(self, address: str) -> str:
        """The http(s) address of a task's medium."""
        if not address:
            raise MediaError("The task has no medium: its data hold no address of one (a list is not supported).")
        if is_http_address(address):
            return address.partition("#")[0]
        if not address.startswith("/"):
            raise MediaError(
                f"{shown_address(address)} is not a media address: neither a path on Label Studio nor http(s)."
            )
        if not self._settings.url:
            raise MediaError(f"{shown_address(address)} is on Label Studio, which is not connected yet.")
        base = self._label_studio
        under = address.startswith(f"{base.path}/")  # if Label Studio itself is served under a path
        return f"{base.scheme}://{base.netloc}{'' if under else base.path}{address}".partition("#")[0]

    def _download(self, url: str, target: Path, kind: Modality) -> Path:
        deadline = time.monotonic() + self._limits.fetch_seconds

        def write(scratch: Path) -> None:
            with self._open(url, deadline) as response, open(scratch, "wb") as file:
                for chunk in self._chunks(response, url, deadline):
                    file.write(chunk)

        return self._keep(target, url, kind, write)

    def _keep(self, target: Path, address: str, kind: Modality, write: Callable[[Path], object]) -> Path:
        """Put a medium into the cache, atomically."""
        scratch = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(scratch)
            file_name = target.with_name(target.name + suffix_of(scratch, address, kind, self._limits))
            self._take_space(scratch.stat().st_size)
            return scratch.replace(file_name)
        except OSError as error:
            raise MediaUnavailable(f"The cache in {self.folder} cannot be written: {error.strerror}.") from error
        finally:
            scratch.unlink(missing_ok=True)

    @contextmanager
    def _open(self, url: str, deadline: float) -> Iterator[urllib3.BaseHTTPResponse]:
        """The response with the medium, after redirects that were all checked."""
        expired = False
        for _ in range(REDIRECTS + 1):
            response = self._get(url, deadline)
            try:
                if response.status == 401 and not expired:  # our token may have just expired: retry with a new one
                    expired = True
                    continue
                if response.status not in _REDIRECT_STATUSES:
                    _check_status(response, url)
                    yield response
                    return
                url = urljoin(url, parts_of(response.headers.get("Location", "")).geturl())
            finally:
                response.close()
        raise MediaError(f"{shown_address(url)} is reached by more than {REDIRECTS} redirects.")

    def _get(self, url: str, deadline: float) -> urllib3.BaseHTTPResponse:
        parts = parts_of(url)
        headers = {"Host": parts.netloc, "Accept-Encoding": "identity", "User-Agent": "labelscape"}
        if self._is_label_studio(parts):
            headers |= self._authorization()
        elif not any(is_within(parts, root) for root in self._remote_roots):
            raise MediaError(
                f"{shown_address(url)} is not an allowed source of media: Label Studio's own files, or the media roots "
                "in the settings."
            )
        tls = {"server_hostname": parts.hostname, "assert_hostname": parts.hostname} if parts.scheme == "https" else {}
        failure: Exception | None = None
        for address in checked_addresses(parts):
            pool = self._pools.connection_from_host(address, port_of(parts), parts.scheme, pool_kwargs=tls)
            seconds = max(deadline - time.monotonic(), 0.001)
            timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds)
            try:
                return pool.urlopen(
                    "GET",
                    f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/",
                    headers=headers,
                    timeout=timeout,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
            except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
                failure = error  # a name may have an unused address, such as localhost's ::1
            except urllib3.exceptions.HTTPError as error:
                failure = error
                break
        raise MediaUnavailable(f"{shown_address(url)} cannot be reached ({type(failure).__name__}).") from failure

    def _is_label_studio(self, parts: SplitResult) -> bool:
        return (
            bool(self._settings.url)
            and is_within(parts, self._label_studio)
            and MEDIA_PATHS.match(parts.path.removeprefix(self._label_studio.path)) is not None
        )

    def _chunks(self, response: urllib3.BaseHTTPResponse, url: str, deadline: float) -> Iterator[bytes]:
        most = self._limits.media_bytes
        size = 0
        try:
            # Read what has arrived rather than a full buffer: a slow server could delay that forever.
            while chunk := response.read1(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise MediaError(f"{shown_address(url)} has more than {most:,} bytes, the most that are accepted.")
                if time.monotonic() > deadline:
                    raise MediaUnavailable(f"{shown_address(url)} took more than {self._limits.fetch_seconds} s.")
                yield chunk
        except urllib3.exceptions.HTTPError as error:
            raise MediaUnavailable(f"{shown_address(url)} was interrupted ({type(error).__name__}).") from error

    def _take_space(self, size: int) -> None:
        with self._space:
            if self._used is None:
                self._used = sum(file.stat().st_size for file in self.folder.glob("*/[!.]*"))
            if self._used + size > self._limits.cache_bytes:
                raise MediaError(
                    f"The media cache in {self.folder} is full ({self._limits.cache_bytes:,} bytes): "
                    f"raise the limit cache_bytes, or serve the media from a local root."
                )
            self._used += size


def _cache_name(content: bytes, kind: Modality) -> str:
    """The name of a medium in the cache: a file was checked as what one kind of project shows, no other."""
    return hashlib.sha256(content if kind == "image" else kind.encode() + b" " + content).hexdigest()


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except MediaUnavailable:
        MEDIA.labels("unavailable").inc()
        raise
    except MediaError:
        MEDIA.labels("refused").inc()
        raise


def _file_beneath(root: Path, name: str) -> Path | None:
    try:
        file = (root / name).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, circular links
        return None


def _check_status(response: urllib3.BaseHTTPResponse, url: str) -> None:
    if response.status == 200:
        return
    if response.status in (401, 403):
        raise MediaError(
            f"{shown_address(url)} is not accessible to us (status {response.status}): check the token's permissions."
        )
    if response.status == 429 or response.status >= 500:
        raise MediaUnavailable(f"{shown_address(url)} currently answers with status {response.status}.")
    raise MediaError(f"{shown_address(url)} answers with status {response.status}.")
