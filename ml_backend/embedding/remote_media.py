"""Media at remote addresses: S3, Google Cloud, and Azure through fsspec, and HTTP, below allowed roots."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ..certificates import trusted_certificates
from ..errors import Refusal
from ..progress import Progress
from .base import Embedded, EmbeddingModel, Failure, Media, UnreadableMedium

ROOTS_VARIABLE = "LABELSCAPE_MEDIA_ROOTS"
# FiftyOne (1.22, open source) takes “s3://bucket/a.png” for a relative path and stores “/here/s3:/bucket/a.png”.
_REMOTE = re.compile(r"^([a-z][a-z0-9+.-]+)://(.+)|(?:^|/)(s3|gs|gcs|https?|ftp|az|azure|abfss?|hdfs):/([^/].*)", re.I)
_AT_ONCE = 16  # requests
_SECONDS = 30.0
_CLIENTS = {
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "azure": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
}


def address_of(path: str) -> str | None:
    """The remote address that a path is, such as ``s3://bucket/a.png``; None for a local file."""
    match = _REMOTE.search(path)
    return None if match is None else f"{(match[1] or match[3]).lower()}://{match[2] or match[4]}"


def is_allowed(address: str) -> bool:
    """Whether an address lies below one of the roots in $LABELSCAPE_MEDIA_ROOTS, separated by spaces."""
    if ".." in PurePosixPath(address).parts:
        return False
    roots = (os.environ.get(ROOTS_VARIABLE) or "").split()
    return any(address.startswith(root.rstrip("/") + "/") for root in roots)


def remote_marks(addresses: Sequence[str]) -> dict[str, str | UnreadableMedium]:
    """For each allowed address, a short text that changes when its content does, or why it cannot be read."""

    def mark(address: str) -> str | UnreadableMedium:
        try:
            facts = _facts(address)
        except UnreadableMedium as reason:
            return reason
        return hashlib.blake2b(f"{address}\n{facts}".encode(), digest_size=8).hexdigest()

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="remote") as pool:
        return dict(zip(addresses, pool.map(mark, addresses), strict=True))


def read_remote(address: str) -> bytes:
    """The content at an allowed address.

    Raises:
        UnreadableMedium: it is not below an allowed root, or cannot be read; the message says why.
    """
    if not is_allowed(address):
        raise UnreadableMedium(not_allowed(address))
    with _translate_errors(address):
        if address.startswith(("http://", "https://")):
            return bytes(_request("GET", address).content)
        system, path = _file_system(address)
        return bytes(system.cat_file(path))


def not_allowed(address: str) -> str:
    """Why an address is not read, and what to do."""
    return (
        f"“{address}” is a remote address outside the allowed roots: add its root to {ROOTS_VARIABLE}, or "
        "download the media and set `filepath` to the local file"
    )


class FetchingModel:
    """An embedding model that also embeds remote media, using copies that exist while their batch is embedded."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model
        self.name, self.dim = model.name, model.dim

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """As `EmbeddingModel.embed`; remote media that cannot be fetched are among the failures."""
        whole = [medium if isinstance(medium, Media) else Media(medium) for medium in media]
        if not any(address_of(medium.path) for medium in whole):
            return self._model.embed(whole, batch_size=batch_size, progress=progress)
        with tempfile.TemporaryDirectory(prefix="labelscape-media-") as folder:
            copies = _fetch({address for medium in whole if (address := address_of(medium.path))}, Path(folder))
            local: list[Media] = []
            rows: list[int] = []
            lost: list[Failure] = []
            for row, medium in enumerate(whole):
                copy = copies.get(address_of(medium.path) or "", medium.path)
                if isinstance(copy, UnreadableMedium):
                    lost.append(Failure(row, str(copy)))
                else:
                    local.append(replace(medium, path=copy))
                    rows.append(row)
            embedded = self._model.embed(local, batch_size=batch_size, progress=progress)
        failed = [replace(failure, index=rows[failure.index]) for failure in embedded.failed] + lost
        kept = np.asarray(rows, np.int64)[embedded.kept]
        return replace(embedded, kept=kept, failed=sorted(failed, key=lambda failure: failure.index))


def _fetch(addresses: set[str], folder: Path) -> dict[str, str | UnreadableMedium]:
    def fetch(numbered: tuple[int, str]) -> str | UnreadableMedium:
        number, address = numbered
        try:
            content = read_remote(address)
        except UnreadableMedium as reason:
            return reason
        path = folder / f"{number}{PurePosixPath(address.split('?')[0]).suffix}"
        path.write_bytes(content)
        return str(path)

    ordered = sorted(addresses)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="remote") as pool:
        return dict(zip(ordered, pool.map(fetch, enumerate(ordered)), strict=True))


def _facts(address: str) -> str:
    """What a server says about a medium without sending it."""
    if not is_allowed(address):
        raise UnreadableMedium(not_allowed(address))
    with _translate_errors(address):
        if address.startswith(("http://", "https://")):
            headers = _request("HEAD", address).headers
            return "\n".join(headers.get(name, "") for name in ("etag", "last-modified", "content-length"))
        system, path = _file_system(address)
        info = system.info(path)
        names = (
            "ETag",
            "etag",
            "content_md5",
            "md5Hash",
            "LastModified",
            "last_modified",
            "updated",
            "mtime",
            "created",
        )
        return "\n".join([str(info.get("size")), *(str(info[name]) for name in names if name in info)])


@contextmanager
def _translate_errors(address: str) -> Iterator[None]:
    try:
        yield
    except UnreadableMedium:
        raise
    except FileNotFoundError:
        raise UnreadableMedium(f"“{address}” does not exist") from None
    except PermissionError:
        raise UnreadableMedium(f"“{address}” may not be read with the credentials of this process") from None
    except ImportError:
        client = _CLIENTS.get(address.partition("://")[0], "fsspec")
        raise UnreadableMedium(f"“{address}” needs the package {client}: pip install {client}") from None
    except Exception as error:
        raise UnreadableMedium(f"“{address}” cannot be read: {type(error).__name__}") from error


def _request(method: str, address: str) -> Any:
    import httpx

    # A redirect could lead out of the allowed roots.
    try:
        verify: Any = trusted_certificates() if address.startswith("https://") else True
    except Refusal as reason:
        raise UnreadableMedium(f"“{address}” cannot be read: {reason}") from None
    answer = httpx.request(method, address, timeout=_SECONDS, follow_redirects=False, verify=verify)
    if answer.status_code in (404, 410):
        raise FileNotFoundError
    if answer.status_code in (401, 403):
        raise PermissionError
    if answer.status_code != 200:
        raise UnreadableMedium(f"“{address}” cannot be read: its server answered {answer.status_code}")
    return answer


def _file_system(address: str) -> tuple[Any, str]:
    import fsspec

    system, path = fsspec.core.url_to_fs(address)
    return system, path
