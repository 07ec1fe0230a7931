"""If nothing changed, nothing is recomputed or reread; if anything did, whoever wrote it, everything is."""

import random

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from labelscape.ml_backend.actions import evidence, suggest
from labelscape.ml_backend.actions.queue import set_label
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.store import embeddings
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.labels import label_field
from labelscape.ml_backend.store.pending import PendingAct, add_acts
from labelscape.ml_backend.store.records import as_oids
from labelscape.ml_backend.store.session import open_session
from labelscape.testing.faults import counted_writes


@pytest.fixture(scope="module")
def dataset():
    """60 blank samples of two kinds of vectors, some of each labeled."""
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(f"/nowhere/{number}.png") for number in range(60)])
    dataset.add_sample_field("ground_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    ids = dataset.values("id")
    rng = np.random.default_rng(0)
    vectors = (np.arange(60)[:, None] % 2 * 4 + rng.normal(size=(60, 8))).astype(np.float32)
    embeddings.create_embeddings(dataset, "emb", embeddings.Provenance(model="ours", options={}))
    items = list_items(dataset)
    embeddings.table_to_write(dataset, "emb").upsert(items.ids, items.sample_ids, vectors)
    set_label(dataset, ids[:20:2], "even")
    set_label(dataset, ids[1:20:2], "odd")
    save_changes(dataset)
    yield dataset
    dataset.delete()


def computed(monkeypatch):
    """Counts how often suggestions are computed."""
    calls = []
    compute = suggest.suggest
    monkeypatch.setattr(suggest, "suggest", lambda *args, **options: calls.append(1) or compute(*args, **options))
    return calls


def run(dataset):
    return suggest.suggest_labels(dataset, embeddings="emb", precision=0.8, follow=False)


def test_suggestions_are_not_made_again_until_something_changes_whoever_changed_it(dataset, monkeypatch):
    ids = dataset.values("id")
    first = run(dataset)
    calls = computed(monkeypatch)
    with counted_writes() as writes:
        again = run(dataset)
    assert (len(calls), again.sentence(), again.changed) == (0, first.sentence(), ())
    assert not [name for name in writes.names if "samples" in name]
    raw = {"$set": {"ground_truth.label": "odd"}}
    changes = [
        lambda: dataset._sample_collection.update_one({"_id": ObjectId(ids[0])}, raw),
        lambda: set_label(dataset, ids[30:31], "even"),
        lambda: suggest.reject_suggestions(dataset, ids[40:41]),
        lambda: save_changes(dataset),
        lambda: dataset.delete_samples(ids[50:51]),
    ]
    for number, change in enumerate(changes, 1):
        change()
        run(dataset)
        assert len(calls) == number


def test_a_label_that_somebody_else_writes_while_suggestions_are_made_counts_the_next_time(dataset, monkeypatch):
    item = ObjectId(dataset.values("id")[2])
    write = suggest.write_suggestions

    def meanwhile(*args, **options):
        dataset._sample_collection.update_one({"_id": item}, {"$set": {"ground_truth.label": "odd"}})
        return write(*args, **options)

    set_label(dataset, dataset.values("id")[32:33], "odd")
    with monkeypatch.context() as patch:
        patch.setattr(suggest, "write_suggestions", meanwhile)
        run(dataset)
    calls = computed(monkeypatch)
    run(dataset)
    assert len(calls) == 1


def test_a_second_click_reads_no_labels_and_still_sees_what_was_written_since(dataset, monkeypatch):
    session = open_session(dataset, "emb")
    field = label_field(dataset, "ground_truth")
    evidence.labels_with_pending(session, field)
    reads = []
    read = evidence.read_labels
    monkeypatch.setattr(evidence, "read_labels", lambda *args: reads.append(1) or read(*args))
    before = evidence.labels_with_pending(session, field)
    assert not reads
    item = str(session.embeddings.items.ids[7])
    value = fo.Classification(label="third").to_dict()
    dataset._sample_collection.update_one({"_id": ObjectId(item)}, {"$set": {"ground_truth": value}})
    after = evidence.labels_with_pending(session, field)
    assert "third" not in before.classes
    assert after.classes[after.codes[7]] == "third"


@pytest.mark.parametrize("seed", range(3))
def test_after_a_save_no_labels_are_read_and_all_are_as_if_they_were(dataset, monkeypatch, seed):
    dataset.reload()  # MongoDB keeps the time of the last deletion less exactly than memory
    session, field = open_session(dataset, "emb"), label_field(dataset, "ground_truth")
    items, rng = session.embeddings.items, random.Random(seed)
    read, reads = evidence.read_labels, []
    monkeypatch.setattr(evidence, "read_labels", lambda *args: reads.append(1) or read(*args))
    evidence.labels_with_pending(session, field)
    reads.clear()
    for _ in range(5):
        act_at_random(rng, dataset, field, items.ids.tolist())
        save_changes(dataset)
        kept, fresh = evidence.labels_with_pending(session, field), read(dataset, items, field)
        assert not reads
        assert kept.classes == fresh.classes
        for name in ("codes", "checked"):
            assert np.array_equal(getattr(kept, name), getattr(fresh, name)), name
        assert sorted(members_of(kept)) == sorted(members_of(fresh))
        assert isinstance(run(dataset), suggest.SuggestReport)  # writes suggestions, which are no labels
        evidence.labels_with_pending(session, field)
        assert not reads
    value = fo.Classification(label="theirs").to_dict()
    set_label(dataset, items.ids[3:5].tolist(), "odd", replace=True)
    dataset._sample_collection.update_one({"_id": ObjectId(items.ids[7])}, {"$set": {"ground_truth": value}})
    save_changes(dataset)
    assert "theirs" in evidence.labels_with_pending(session, field).classes
    assert reads


def members_of(labels):
    """(row, class, whether it came from a neighbor) of every label."""
    return [(*member, followed) for member, followed in zip(labels.members.tolist(), labels.followed, strict=True)]


def act_at_random(rng, dataset, field, ids):
    """Make one random pending change: labels by a person or from neighbors, some replacing others, or a clearing."""
    some, kind = rng.sample(ids, 12), rng.choice(["human", "human", "neighbors", "clear"])
    label = rng.choice(["even", "odd", f"new {rng.random()}"])
    options = {"field": field.name, "count": len(some)}
    if kind == "clear":
        which = rng.choice(["all", "neighbors"])
        add_acts(dataset, [PendingAct("clear", as_oids(some), which=which, **options)])
        return
    columns = {"confidence": np.full(12, 0.5), "anchors": as_oids(ids[:1] * 12)} if kind == "neighbors" else {}
    over = rng.choice([True, False])
    add_acts(
        dataset, [PendingAct("label", as_oids(some), label=label, origin=kind, replace=over, **options, **columns)]
    )
