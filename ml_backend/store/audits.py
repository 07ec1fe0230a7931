"""The audit in progress of a dataset: which suggestions were accepted when it began, and which have been checked."""

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
import numpy as np

from .records import delete_records, list_keys, open_store, pack, read_records, unpack

_STORE = "labelscape.audit"
_HEADER = "audit"
_PART = "part:"
_ROWS = 100_000  # of one record: 4 MB of text, a quarter of what MongoDB allows


@dataclass(frozen=True)
class AuditRecord:
    """Suggestions as they were when the audit began: ``names[codes[i]]`` for item ``ids[i]``, n of them.

    Attributes:
        field: the label field.
        patches_field: the field of the objects; None for samples.
        target: the share that has to be right, 0..1.
        names: the classes.
        ids: (n,) items, 12 bytes each.
        codes: (n,) int32.
        confidence: (n,) float32, 0..1.
        anchors: (n,) the labeled item that each came from.
        drawn: (m,) int64, rows of the items to check, in the order in which they were drawn.
    """

    field: str
    patches_field: str | None
    target: float
    names: Sequence[str]
    ids: np.ndarray
    codes: np.ndarray
    confidence: np.ndarray
    anchors: np.ndarray
    drawn: np.ndarray


def save_audit(dataset: fo.Dataset, record: AuditRecord) -> None:
    """Store the audit of a dataset; it replaces the previous one."""
    forget_audit(dataset)
    store = open_store(dataset, _STORE)
    for number, start in enumerate(range(0, len(record.ids), _ROWS)):
        rows = slice(start, start + _ROWS)
        part = {
            "ids": pack(record.ids[rows]),
            "codes": pack(record.codes[rows].astype("<i4")),
            "confidence": pack(record.confidence[rows].astype("<f4")),
            "anchors": pack(record.anchors[rows]),
        }
        store.set(f"{_PART}{number:06d}", part)
    header = {
        "field": record.field,
        "patches_field": record.patches_field,
        "target": record.target,
        "names": list(record.names),
        "drawn": record.drawn.tolist(),
    }
    store.set(_HEADER, header)  # last: an audit without it does not exist


def load_audit(dataset: fo.Dataset) -> AuditRecord | None:
    """The audit of a dataset; None if there is none."""
    header = open_store(dataset, _STORE).get(_HEADER)
    if header is None:
        return None
    parts = list(read_records(dataset, _STORE, prefix=_PART).values())

    def column(name: str, dtype: str) -> np.ndarray:
        return np.concatenate([unpack(part[name], dtype) for part in parts])

    return AuditRecord(
        field=header["field"],
        patches_field=header["patches_field"],
        target=header["target"],
        names=header["names"],
        ids=column("ids", "S12"),
        codes=column("codes", "<i4"),
        confidence=column("confidence", "<f4"),
        anchors=column("anchors", "S12"),
        drawn=np.asarray(header["drawn"], np.int64),
    )


def forget_audit(dataset: fo.Dataset) -> None:
    """Drop the audit of a dataset."""
    keys = list_keys(dataset, _STORE)
    delete_records(dataset, _STORE, [key for key in keys if key == _HEADER])
    delete_records(dataset, _STORE, [key for key in keys if key.startswith(_PART)])
