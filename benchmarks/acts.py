"""Complete actions, database included, and FiftyOne's own calls on the same data: `python benchmarks/acts.py [n ...]`.

Half of the samples get a label, it is saved and undone; all of them get another one in its place; suggestions are
accepted, saved and undone; a tenth of the samples is deleted and brought back; vectors of 64 numbers are ranked, twice
each. Objects of a tenth of the samples are labeled, too. FiftyOne needs its database; the datasets are deleted
afterwards. Times are wall clock seconds of one run; each bare call runs right before the action that does the same
work. Processor time is that of this process and of the database together, which other work on the machine blurs less;
the database must have no other users.
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
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.actions import queue, rank, save, suggest
from labelscape.ml_backend.actions.accept import accept_suggestions
from labelscape.ml_backend.actions.label_neighbors import preview_neighbors
from labelscape.ml_backend.actions.map import MapSettings, compute_map
from labelscape.ml_backend.store.embeddings import Provenance, create_embeddings, table_to_write
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.session import open_session
from labelscape.ml_backend.store.suggestions import FIELD
from pymongo import UpdateOne

AT_ONCE = 20_000
IDS_AT_ONCE = 50_000
CLASSES = [f"class {number}" for number in range(10)]
SET_VALUES_UP_TO = 200_000  # FiftyOne's own call takes minutes beyond
RANKED_UP_TO = 200_000  # finding neighbors takes minutes beyond
KEY = "vectors"


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
        print(f"\n{n:,} samples\n| act | items | seconds | CPU seconds | MB in memory |\n|---|---|---|---|---|")

    def row(self, act: str, items: int, work: Callable[[], Any]) -> Any:
        """Do the work and print how long it took; returns what it returned."""
        begun, used = time.perf_counter(), processor_seconds()
        result = work()
        seconds, used = time.perf_counter() - begun, processor_seconds() - used
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"| {act} | {items:,} | {seconds:.2f} | {used:.2f} | {peak:,} |", flush=True)
        return result


def processor_seconds() -> float:
    """CPU time used by this process and the database since they started."""
    used = get_db_conn().command("serverStatus")["extra_info"]
    return time.process_time() + (used["user_time_us"] + used["system_time_us"]) / 1e6


def bare_update_many(
    dataset: fo.Dataset, ids: list[str], value: dict[str, Any] | None, *, modified: bool = False
) -> None:
    """The same value for many samples with nothing else done: no record, no undo, no check."""
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = [ObjectId(item) for item in ids[start : start + IDS_AT_ONCE]]
        values = {"ground_truth": value, **({"last_modified_at": datetime.utcnow()} if modified else {})}
        dataset._sample_collection.update_many({"_id": {"$in": some}}, {"$set": values})


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
        object_acts(Table(n), dataset, ids[::10])
        deletion_acts(Table(n), dataset, ids)
        if n <= RANKED_UP_TO:
            ranking_acts(Table(n), dataset, dataset.values("id"))
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
    modified = "MongoDB: update_many, last_modified_at too"
    table.row(modified, len(half), lambda: bare_update_many(dataset, half, value, modified=True))
    bare_update_many(dataset, half, None)
    table.row("save", len(half) + 1, lambda: save.save_changes(dataset))
    table.row("undo", len(half) + 1, lambda: save.undo_save(dataset))
    queue.set_label(dataset, half, "before")
    save.save_changes(dataset)
    queue.set_label(dataset, half, "x", replace=True)
    table.row("save labels that replace others", len(half), lambda: save.save_changes(dataset))
    table.row("undo", len(half), lambda: save.undo_save(dataset))
    save.undo_save(dataset)


def suggestion_acts(table: Table, dataset: fo.Dataset, ids: list[str]) -> None:
    """Half of the samples have suggestions, all different; they are accepted."""
    value = fo.Classification(label="x").to_mongo()
    half = ids[1::2]
    table.row("accept suggestions", len(half), lambda: accept_suggestions(dataset))
    table.row("MongoDB: one bulk of UpdateOne", len(half), lambda: bare_bulk(dataset, half, value))
    bare_update_many(dataset, half, None)
    table.row("save", len(half), lambda: save.save_changes(dataset))
    table.row("undo", len(half), lambda: save.undo_save(dataset))


def object_acts(table: Table, dataset: fo.Dataset, ids: list[str]) -> None:
    """Three boxes in each of these samples get a label, and each sample two classes in a list."""
    boxes = [[box_document() for _ in range(3)] for _ in ids]
    writes = [
        UpdateOne({"_id": ObjectId(item)}, {"$set": {"parts": {"_cls": "Detections", "detections": some}}})
        for item, some in zip(ids, boxes, strict=True)
    ]
    for name, kind in (("parts", fo.Detections), ("kinds", fo.Classifications)):
        dataset.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=kind)
    dataset._sample_collection.bulk_write(writes, ordered=False)
    bare = [
        UpdateOne(
            {"_id": ObjectId(item), "parts.detections._id": box["_id"]}, {"$set": {"parts.detections.$.label": "y"}}
        )
        for item, some in zip(ids, boxes, strict=True)
        for box in some
    ]
    objects = [str(box["_id"]) for some in boxes for box in some]
    bulk = lambda: dataset._sample_collection.bulk_write(bare, ordered=False)  # noqa: E731
    table.row("MongoDB: one bulk of UpdateOne, a box each", len(objects), bulk)
    for label in CLASSES[:2]:
        queue.set_label(dataset, objects, label, field="parts", patches_field="parts", replace=True)
        table.row("save labels of boxes", len(objects), lambda: save.save_changes(dataset))
    table.row("undo", len(objects), lambda: save.undo_save(dataset))
    for label in CLASSES[:2]:
        queue.set_label(dataset, ids, label, field="kinds")
    table.row("save two classes a sample", 2 * len(ids), lambda: save.save_changes(dataset))
    table.row("undo", 2 * len(ids), lambda: save.undo_save(dataset))


def box_document() -> dict[str, Any]:
    """An object without a label, as FiftyOne writes it."""
    document: dict[str, Any] = fo.Detection(bounding_box=[0.1, 0.1, 0.2, 0.2]).to_mongo().to_dict()
    return document | {"_id": ObjectId()}


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


def ranking_acts(table: Table, dataset: fo.Dataset, ids: list[str]) -> None:
    """Vectors in ten clouds, a few of them twice; a hundred of each are labeled."""
    n, rng = len(ids), np.random.default_rng(0)
    cloud = rng.integers(0, 10, n)
    vectors = (2 * rng.normal(size=(10, 64))[cloud] + rng.normal(size=(n, 64))).astype(np.float32)
    vectors[:7] = vectors[7:14]
    create_embeddings(dataset, KEY, Provenance(model="ours", options={}))
    items = list_items(dataset)
    table_to_write(dataset, KEY).upsert(items.ids, items.sample_ids, vectors)
    for code, name in enumerate(CLASSES):
        queue.set_label(dataset, [ids[row] for row in np.flatnonzero(cloud == code)[:100]], name)
    save.save_changes(dataset)
    table.row("read the vectors, find neighbors", n, lambda: open_session(dataset, KEY))
    writes = [UpdateOne({"_id": ObjectId(item)}, {"$set": {"probe": 0.5}}) for item in ids]
    table.row("MongoDB: one bulk of UpdateOne", n, lambda: dataset._sample_collection.bulk_write(writes, ordered=False))
    acts: dict[str, Callable[[], Any]] = {
        "rank outliers": lambda: rank.rank_outliers(dataset, embeddings=KEY),
        "find duplicates": lambda: rank.find_duplicates(dataset, embeddings=KEY, threshold=1e-4),
        "suggest labels": lambda: suggest.suggest_labels(dataset, embeddings=KEY, follow=False),
        "label neighbors": lambda: preview_neighbors(dataset, ids[:1], CLASSES[0], embeddings=KEY),
    }
    for name, act in acts.items():
        table.row(name, n, act)
        table.row(f"{name}, again", n, act)
    queue.set_label(dataset, ids[-100:], CLASSES[0])
    save.save_changes(dataset)
    table.row("label neighbors, after a save", n, acts["label neighbors"])
    pca = MapSettings(method="pca")
    table.row("PCA map", n, lambda: compute_map(dataset, embeddings=KEY, key="pca", settings=pca))


def main() -> None:
    """Measure at the sizes named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", nargs="*", type=int, default=[20_000, 200_000], help="how many samples")
    for n in parser.parse_args().n:
        measure(n)


if __name__ == "__main__":
    main()
