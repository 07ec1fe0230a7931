"""Whole acts, database included, beside FiftyOne's own calls on the same data: `python benchmarks/acts.py [n ...]`.

Half of the samples get a label, it is saved and undone; suggestions are accepted, saved and undone; a tenth of the
samples is deleted and brought back. FiftyOne needs its database; the datasets are deleted afterwards. Times are wall
clock seconds of one run; each bare call runs right before the act that does the same work.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from labelscape.ml_backend.actions import queue, save
from labelscape.ml_backend.actions.accept import accept_suggestions
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.suggestions import FIELD
from pymongo import UpdateOne

AT_ONCE = 20_000
IDS_AT_ONCE = 50_000
CLASSES = [f"class {number}" for number in range(10)]
SET_VALUES_UP_TO = 200_000  # FiftyOne's own call takes minutes beyond


def make_dataset(n: int) -> fo.Dataset:
    """Samples without labels, every second of which has a suggestion."""
    dataset = fo.Dataset(f"labelscape-acts-{n}-{int(time.time())}")
    document = fo.EmbeddedDocumentField
    dataset.add_sample_field("ground_truth", document, embedded_doc_type=fo.Classification)
    dataset.add_sample_field(FIELD, document, embedded_doc_type=fo.Classification)
    for name, kind in (("sure", fo.BooleanField), ("field", fo.StringField)):
        dataset.add_sample_field(f"{FIELD}.{name}", kind)
    dataset.add_sample_field(f"{FIELD}.anchors", fo.ListField, subfield=fo.StringField)
    dataset.add_sample(fo.Sample("/nowhere.png"))
    first = dataset._sample_collection.find_one_and_delete({})
    for start in range(0, n, AT_ONCE):
        part = list(documents(first, range(start, min(start + AT_ONCE, n))))
        dataset._sample_collection.insert_many(part, ordered=False)
    return dataset


def documents(first: dict[str, Any], rows: range) -> Iterator[dict[str, Any]]:
    """Sample documents as FiftyOne writes them; a million of them through its own classes would take minutes."""
    now = datetime.utcnow()
    for row in rows:
        suggestion = {
            "_id": ObjectId(),
            "_cls": "Classification",
            "tags": [],
            "label": CLASSES[row % len(CLASSES)],
            "confidence": 0.5 + (row % 500) / 1000,
            "logits": None,
            "sure": True,
            "anchors": [],
            "field": "ground_truth",
        }
        own = {"_id": ObjectId(), "filepath": f"/nowhere/{row}.png", "last_modified_at": now}
        yield {**first, **own, FIELD: suggestion if row % 2 else None}


class Table:
    """What was measured, row by row."""

    def __init__(self, n: int) -> None:
        self.n = n
        print(f"\n{n:,} samples\n| act | items | seconds | MB in memory |\n|---|---|---|---|")

    def row(self, act: str, items: int, work: Callable[[], Any]) -> Any:
        """Do the work and print how long it took; returns what it returned."""
        begun = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"| {act} | {items:,} | {seconds:.2f} | {peak:,} |", flush=True)
        return result


def bare_update_many(dataset: fo.Dataset, ids: list[str], value: dict[str, Any] | None) -> None:
    """The same value for many samples with nothing else done: no record, no undo, no check."""
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = [ObjectId(item) for item in ids[start : start + IDS_AT_ONCE]]
        dataset._sample_collection.update_many({"_id": {"$in": some}}, {"$set": {"ground_truth": value}})


def bare_bulk(dataset: fo.Dataset, ids: list[str], value: dict[str, Any] | None) -> None:
    """One update a sample, in one bulk, as labels that differ need it."""
    dataset._sample_collection.bulk_write(
        [UpdateOne({"_id": ObjectId(item)}, {"$set": {"ground_truth": value}}) for item in ids], ordered=False
    )


def measure(n: int) -> None:
    """All rows for a dataset of n samples."""
    dataset = make_dataset(n)
    try:
        ids = dataset.values("id")
        label_acts(Table(n), dataset, ids)
        suggestion_acts(Table(n), dataset, ids)
        deletion_acts(Table(n), dataset, ids)
    finally:
        dataset.delete()


def label_acts(table: Table, dataset: fo.Dataset, ids: list[str]) -> None:
    """Half of the samples get one label."""
    half = ids[::2]
    value = fo.Classification(label="x").to_mongo()
    if len(ids) <= SET_VALUES_UP_TO:
        values = {item: fo.Classification(label="x") for item in half}
        set_values = lambda: dataset.set_values("ground_truth", values, key_field="id")  # noqa: E731
        table.row("FiftyOne: set_values", len(half), set_values)
    table.row("MongoDB: update_many back to nothing", len(half), lambda: bare_update_many(dataset, half, None))
    table.row("set a label (pending)", len(half), lambda: queue.set_label(dataset, half, "x"))
    table.row("count what is pending", len(half), lambda: pending_changes(dataset).sentence())
    table.row("one more label", 1, lambda: queue.set_label(dataset, [ids[1]], "y"))
    table.row("MongoDB: update_many", len(half), lambda: bare_update_many(dataset, half, value))
    bare_update_many(dataset, half, None)
    table.row("save", len(half) + 1, lambda: save.save_changes(dataset))
    table.row("undo", len(half) + 1, lambda: save.undo_save(dataset))


def suggestion_acts(table: Table, dataset: fo.Dataset, ids: list[str]) -> None:
    """Half of the samples have suggestions, all different; they are accepted."""
    value = fo.Classification(label="x").to_mongo()
    half = ids[1::2]
    table.row("accept suggestions", len(half), lambda: accept_suggestions(dataset))
    table.row("MongoDB: one bulk of UpdateOne", len(half), lambda: bare_bulk(dataset, half, value))
    bare_update_many(dataset, half, None)
    table.row("save", len(half), lambda: save.save_changes(dataset))
    table.row("undo", len(half), lambda: save.undo_save(dataset))


def deletion_acts(table: Table, dataset: fo.Dataset, ids: list[str]) -> None:
    """A tenth of the samples is deleted and brought back."""
    tenth = np.asarray(ids)[::10].tolist()
    clone = dataset.clone()
    gone = clone.values("id")[::10]
    table.row("FiftyOne: delete_samples", len(tenth), lambda: clone.delete_samples(gone))
    clone.delete()
    queue.delete_items(dataset, tenth)
    table.row("delete, saved", len(tenth), lambda: save.save_changes(dataset))
    table.row("undo", len(tenth), lambda: save.undo_save(dataset))


def main() -> None:
    """Measure at the sizes named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", nargs="*", type=int, default=[20_000, 200_000], help="how many samples")
    for n in parser.parse_args().n:
        measure(n)


if __name__ == "__main__":
    main()
