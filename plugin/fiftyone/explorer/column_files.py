"""Binary columns of the panel: files that the front end reads once and keeps until their version changes."""

import base64
import hashlib
import json
import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ....ml_backend.store.settings import data_directory

MISSING_CODE = 0xFFFF
_MAGIC = b"LSC1"
_VERSION = 1
_DTYPES = {"|u1": 0, "<u2": 1, "<u4": 2, "<f4": 3}
_KEPT_SECONDS = 7 * 24 * 3600
_KEPT_FILES = 40  # a few maps, and the last states and fields of each: a slow client may still request an older one


def encode(planes: np.ndarray, tail: Mapping[str, Any] | None = None) -> bytes:
    """A column file as contract.ts describes it: header, columns one after another, JSON.

    Args:
        planes: (n,) or (n, width) of uint8, uint16, uint32 or float32
        tail: what the column means
    """
    table = planes if planes.ndim == 2 else planes[:, None]
    little = table.astype(table.dtype.newbyteorder("<"), copy=False)
    text = b"" if tail is None else json.dumps(tail, ensure_ascii=False).encode()
    header = struct.pack(
        "<4sHBBII", _MAGIC, _VERSION, _DTYPES[little.dtype.str], little.shape[1], len(little), len(text)
    )
    return header + np.ascontiguousarray(little.T).tobytes() + text


def publish(dataset_id: str, name: str, planes: np.ndarray, tail: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write a column, unless a file with the same bytes is there; returns its reference (`ColumnRef`)."""
    content = encode(planes, tail)
    version = digest(content)
    folder = column_folder(dataset_id)
    path = folder / f"{name}-{version}.bin"
    if path.exists():
        os.utime(path)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}"
        scratch.write_bytes(content)
        scratch.replace(path)
        _drop_oldest(folder)
    return {"file": str(path), "version": version, "n": len(planes)}


def digest(content: Any) -> str:
    """A short name of these bytes."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def column_folder(dataset_id: str) -> Path:
    """The folder of a dataset's columns."""
    return data_directory() / "panel" / dataset_id


def column_bytes(dataset_id: str) -> int:
    """The total size of a dataset's column files in bytes."""
    return sum(path.stat().st_size for path in column_folder(dataset_id).glob("*.bin"))


def clear_columns(dataset_id: str) -> None:
    """Delete the column files of a dataset."""
    for path in column_folder(dataset_id).glob("*.bin"):
        path.unlink(missing_ok=True)


def tidy_columns() -> None:
    """Delete column files of any dataset that nobody has read for a week."""
    for path in (data_directory() / "panel").glob("*/*.bin"):
        try:
            if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink()
        except FileNotFoundError:  # another tab's request cleaned up at the same time
            continue


def pack(values: np.ndarray, dtype: str) -> str:
    """A small array inside a message: base64 of its little-endian bytes, as in ``pack(rows, "<u4")``."""
    return base64.b64encode(values.astype(dtype).tobytes()).decode()


def unpack(text: str, dtype: str) -> np.ndarray:
    """The array that `pack`, or the front end, put into a message."""
    return np.frombuffer(base64.b64decode(text), dtype)


def _drop_oldest(folder: Path) -> None:
    ages = []
    for path in folder.glob("*.bin"):
        try:
            ages.append((path.stat().st_mtime, path))
        except FileNotFoundError:  # another tab's request cleaned up at the same time
            continue
    for _, path in sorted(ages, reverse=True)[_KEPT_FILES:]:
        path.unlink(missing_ok=True)
