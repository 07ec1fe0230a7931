"""Edits of fields with several labels per sample: grouped by class, so that MongoDB writes many at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any

import bson
import fiftyone as fo
import numpy as np

from .column_updates import among
from .edits import AnyEdit, Edit
from .fills import Fill
from .items import stored_path
from .label_documents import Plan, confirms, is_meant, label_document, provenance
from .labels import LabelField
from .list_fills import JoiningFill, RemovingFill
from .object_fills import ObjectFill
from .pending import NOTHING_SEEN, Clear
from .pending_columns import FieldChanges, pending_label
from .raw_batches import ANY_TIME
from .seen import list_was_changed, seen_list
from .single_label_edits import stamp, with_columns, with_distinct_tails

READ_AT_ONCE = 10_000
_OID = "S12"
_Element = dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Groups:
    """What happens to the lists of some samples: (sample, position, label) by round and class; rows by class.

    Rows that join a list are also grouped by whether they followed, and whether the list is new. ``twins`` are the
    ids, by sample and class, of the labels of a class that a label leaves and that the list has several times.
    """

    leaving: dict[tuple[int, Any], list[tuple[bytes, int, _Element]]] = dataclass_field(default_factory=dict)
    twins: dict[tuple[bytes, Any], list[bytes]] = dataclass_field(default_factory=dict)
    joining: dict[tuple[int, bool, bool], list[int]] = dataclass_field(default_factory=dict)
    confirmed: dict[int, list[tuple[int, _Element]]] = dataclass_field(default_factory=dict)


def multi_label_edits(
    dataset: fo.Dataset, field: LabelField, changes: FieldChanges, plan: Plan, labeled_at: datetime
) -> Iterator[AnyEdit]:
    """Edits that take the labels to be cleared out of their lists, and add the pending ones that are not there yet.

    No label leaves a list to which somebody added one of those since, or in which somebody changed one; one that
    somebody removed is no reason to stop, except in a list of more than three (`seen.seen_list`).
    """
    samples = np.unique(np.concatenate([changes.cleared, changes.ids]))
    groupable = with_distinct_tails(samples)[np.searchsorted(samples, changes.ids)]
    order = np.argsort(changes.ids, kind="stable")
    to_clear = zip(changes.which.tolist(), changes.cleared_seen.tolist(), strict=True)
    clearings = dict(zip(changes.cleared.tolist(), to_clear, strict=True))
    for start in range(0, len(samples), READ_AT_ONCE):
        block = samples[start : start + READ_AT_ONCE]
        ends = np.searchsorted(changes.ids[order], block, "right")
        starts = np.searchsorted(changes.ids[order], block, "left")
        rows = {
            sample: np.sort(order[first:end]).tolist()
            for sample, first, end in zip(block.tolist(), starts.tolist(), ends.tolist(), strict=True)
        }
        groups = _Groups()
        for sample, listed in _lists(dataset, field, block):
            key = sample.rstrip(b"\x00")  # as NumPy gives it
            _sort(groups, changes, sample, listed, rows[key], _still_to_clear(sample, listed, clearings.get(key), plan))
        yield from _leaving(field, groups)
        yield from _joining(field, changes, groups, groupable, labeled_at)
        yield from _confirmed(field, changes, groups, labeled_at)


def seen_in_lists(dataset: fo.Dataset, field: LabelField, samples: np.ndarray, clear: Clear) -> np.ndarray:
    """(n,) uint64: those labels that a clearing means and samples, or frames, have now (`seen.seen_list`)."""
    seen = {
        sample.rstrip(b"\x00"): seen_list(_facts(listed or []), clear)
        for start in range(0, len(samples), READ_AT_ONCE)
        for sample, listed in _lists(dataset, field, samples[start : start + READ_AT_ONCE])
    }
    return np.fromiter((seen.get(sample, NOTHING_SEEN) for sample in samples.tolist()), np.uint64, len(samples))


def _facts(listed: Sequence[_Element]) -> list[tuple[Any, str | None]]:
    """The class and the origin of each label of a list."""
    return [(element.get("label"), element.get("labelscape")) for element in listed]


def _still_to_clear(
    sample: bytes, listed: Sequence[_Element] | None, clearing: tuple[Clear, int] | None, plan: Plan
) -> Clear | None:
    """Which labels of a list are to be cleared; none where those are not the ones that were seen, a conflict."""
    if clearing is None or not listed:
        return None
    clear, seen = clearing
    facts = _facts(listed)
    if not list_was_changed(seen, facts, clear):
        return clear
    plan.keep_list(np.frombuffer(sample, _OID), [name for name, origin in facts if name and is_meant(origin, clear)])
    return None


def _sort(
    groups: _Groups,
    changes: FieldChanges,
    sample: bytes,
    listed: Sequence[_Element] | None,
    rows: Sequence[int],
    clear: Any,
) -> None:
    """Sort what happens to the list of one sample, None if it has no list, into the groups."""
    elements = listed or []
    names = {changes.names[changes.codes[row]] for row in rows}
    number, removed_names = 0, set()
    # From the back, so that an undo finds every position as it was.
    for position, element in reversed(list(enumerate(elements))):
        name = element.get("label")
        if clear is not None and name not in names and is_meant(element.get("labelscape"), clear):
            groups.leaving.setdefault((number, name), []).append((sample, position, element))
            number += 1
            removed_names.add(name)
    for name in removed_names:
        same_class = [element["_id"].binary for element in elements if element.get("label") == name]
        if len(same_class) > 1:
            groups.twins[sample, name] = same_class
    for row in rows:
        code = int(changes.codes[row])
        same = next((element for element in elements if element.get("label") == changes.names[code]), None)
        if same is None:
            groups.joining.setdefault((code, bool(changes.followed[row]), listed is None), []).append(row)
        elif confirms(pending_label(changes, row), same.get("labelscape")):
            groups.confirmed.setdefault(code, []).append((row, same))


def _leaving(field: LabelField, groups: _Groups) -> Iterator[Fill]:
    for (_, name), elements in sorted(groups.leaving.items(), key=lambda entry: entry[0][0]):
        twins = [groups.twins.get((sample, name), []) for sample, _, _ in elements]
        yield RemovingFill(
            field.path,
            np.frombuffer(b"".join(sample for sample, _, _ in elements), _OID),
            None,
            purpose="clear",
            before=[bson.encode(element) for _, _, element in elements],
            elements=np.frombuffer(b"".join(element["_id"].binary for _, _, element in elements), _OID),
            positions=np.asarray([position for _, position, _ in elements], np.int32),
            name=name,
            twins=b"".join(label_id for ids in twins for label_id in ids),
            twin_counts=np.asarray([len(ids) for ids in twins], np.int32),
        )


def _joining(
    field: LabelField, changes: FieldChanges, groups: _Groups, groupable: np.ndarray, labeled_at: datetime
) -> Iterator[AnyEdit]:
    for (_, followed, fresh), rows in sorted(groups.joining.items()):
        together = np.asarray([row for row in rows if groupable[row]], np.int64)
        if len(together):
            document = label_document(pending_label(changes, int(together[0])), labeled_at)
            del document["_id"]
            fill = JoiningFill(field.path, changes.ids[together], document, stamp(), fresh=fresh)
            yield with_columns(fill, changes, together) if followed else fill
        for row in rows:
            if not groupable[row]:
                label = pending_label(changes, row)
                yield Edit("element", label.item, field.path, None, label_document(label, labeled_at), fresh=fresh)


def _confirmed(field: LabelField, changes: FieldChanges, groups: _Groups, labeled_at: datetime) -> Iterator[Fill]:
    for code, confirmed in groups.confirmed.items():
        document = {"label": changes.names[code], **provenance(pending_label(changes, confirmed[0][0]), labeled_at)}
        yield ObjectFill(
            field.path,
            changes.ids[[row for row, _ in confirmed]],
            document,
            before=[bson.encode({name: element.get(name) for name in document}) for _, element in confirmed],
            elements=np.frombuffer(b"".join(element["_id"].binary for _, element in confirmed), _OID),
            name=changes.names[code],
        )


def _lists(
    dataset: fo.Dataset, field: LabelField, samples: np.ndarray
) -> Iterator[tuple[bytes, list[_Element] | None]]:
    """(id, its labels, None if it has no list) of these samples, or frames; deleted ones are left out."""
    collection, name = stored_path(dataset, field.name)
    leaf = field.path.rsplit(".", 1)[1]
    for document in collection.with_options(codec_options=ANY_TIME).find({"_id": among(samples)}, [name]):
        value = document.get(name)
        yield document["_id"].binary, None if value is None else value.get(leaf) or []
