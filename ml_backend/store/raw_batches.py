"""Results of MongoDB aggregations as bytes, read without decoding every document.

PyMongo's ``aggregate_raw_batches`` (4.9) creates a Python object for every document: 2 s per million.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bson
import numpy as np
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

# Labels are restored as they were, even with a time that Python cannot represent.
ANY_TIME = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_ARRAY, _INT64, _STRING = 0x04, 0x12, 0x02
ID_AT = 9  # in a document that begins with ``_id``: after its size, and the type and the name of its first field
ID_END = ID_AT + 12
_AT_ONCE = 1_000_000  # documents of a reply, which ends at 16 MB before that


class DecodedFields(dict[bytes, dict[str, Any]]):
    """The fields that end an encoded document, by their bytes: of few kinds, so that each is decoded only once."""

    def __missing__(self, encoded: bytes) -> dict[str, Any]:
        fields: dict[str, Any] = bson.decode((len(encoded) + 4).to_bytes(4, "little") + encoded, ANY_TIME)
        self[encoded] = fields
        return fields


def read_table(collection: Any, pipeline: Sequence[Mapping[str, Any]], size: int) -> np.ndarray:
    """Bytes (m, size) of the documents that a pipeline ends with.

    Raises:
        RuntimeError: the documents are not all of this size.
    """
    tables = [_split(batch, size) for batch in _batches(collection, pipeline)]
    return np.concatenate(tables) if tables else np.empty((0, size), np.uint8)


def read_encoded(collection: Any, pipeline: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """The documents that a pipeline ends with, each as BSON."""
    for batch in _batches(collection, pipeline):
        content, place, at = bytes(batch), 0, 0
        while at < len(content):
            start = at + 2 + len(str(place))  # after the type, and the name "0", "1", … of the element
            at = start + int.from_bytes(content[start : start + 4], "little")
            yield content[start:at]
            place += 1


def _batches(collection: Any, pipeline: Sequence[Mapping[str, Any]]) -> Iterator[memoryview]:
    """The elements of each reply's array of documents."""
    database = collection.database
    command: dict[str, Any] = {"aggregate": collection.name, "pipeline": list(pipeline)}
    command |= {"cursor": {"batchSize": _AT_ONCE}, "allowDiskUse": True}
    with database.client.start_session() as session:
        while True:
            reply = database.command(command, codec_options=_RAW, session=session)
            batch, cursor_id = _parts(memoryview(reply["cursor"].raw))
            yield batch
            if not cursor_id:
                return
            command = {"getMore": Int64(cursor_id), "collection": collection.name, "batchSize": _AT_ONCE}


def _parts(cursor: memoryview) -> tuple[memoryview, int]:
    """The array of documents and the id in MongoDB's description of a cursor."""
    batch, cursor_id, at = memoryview(b""), 0, 4
    while cursor[at]:
        kind = cursor[at]
        at += bytes(cursor[at : at + 32]).index(0) + 1
        (length,) = struct.unpack_from("<i", cursor, at)
        if kind == _ARRAY:
            batch = cursor[at + 4 : at + length - 1]
            at += length
        elif kind == _INT64:
            (cursor_id,) = struct.unpack_from("<q", cursor, at)
            at += 8
        elif kind == _STRING:
            at += 4 + length
        else:
            at += 1  # a flag
    return batch, cursor_id


def _split(batch: memoryview, size: int) -> np.ndarray:
    """Documents (m, size) of a BSON array, whose elements are named "0", "1", … "10" and so on."""
    content = np.frombuffer(batch, np.uint8)
    tables, digits = [], 1
    while len(content):
        step = 1 + digits + 1 + size
        count = min(10**digits - (10 ** (digits - 1) if digits > 1 else 0), len(content) // step)
        if not count:
            raise RuntimeError(f"MongoDB's reply has documents that are not {size} bytes long, as requested.")
        tables.append(content[: count * step].reshape(count, step)[:, digits + 2 :])
        content, digits = content[count * step :], digits + 1
    return np.concatenate(tables) if tables else np.empty((0, size), np.uint8)
