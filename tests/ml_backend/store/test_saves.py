"""A save happens completely or not at all, exactly once, and can be undone."""

import threading
import time

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.operators.store import ExecutionStore
from labelscape.ml_backend.actions.queue import clear_labels, set_label
from labelscape.ml_backend.actions.save import discard_changes, save_changes, undo_save
from labelscape.ml_backend.store import saves
from labelscape.ml_backend.store.label_documents import Plan
from labelscape.ml_backend.store.label_edits import deletion_edits, label_edits
from labelscape.ml_backend.store.labels import LabelField, ensure_label_field, label_field
from labelscape.ml_backend.store.pending import PendingAct, add_acts, list_acts
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.records import as_oids, delete_records, open_store
from labelscape.ml_backend.store.save_records import forget_records


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(12, labeled=4)


@pytest.fixture
def field(dataset) -> LabelField:
    field = label_field(dataset, "ground_truth")
    ensure_label_field(dataset, field)
    return field


def add(dataset, kind, items, field="ground_truth", patches_field=None, **options):
    act = PendingAct(kind, as_oids(list(items)), field, patches_field, count=len(items), **options)
    add_acts(dataset, [act])


def propose(dataset, items, label, **options):
    if "anchors" in options:
        options |= {"anchors": as_oids(options["anchors"]), "confidence": np.asarray(options["confidence"])}
    add(dataset, "label", items, label=label, **options)


def save(dataset, field):
    head = saves.read_head(dataset)
    changes = pending_changes(dataset)
    plan = Plan([])
    leaving = changes.deleted.get(None, as_oids([]))
    edits = [edit for one in changes.fields for edit in label_edits(dataset, field, one, plan, leaving=leaving)]
    edits += deletion_edits(dataset, changes.deleted)
    saves.commit(dataset, edits, "test", head=head, acts=changes.acts)
    return plan.conflicts


def interrupt(*_, **__):
    raise KeyboardInterrupt


def names(dataset):
    return dict(zip(*dataset.values(["id", "ground_truth.label"]), strict=True))


def test_saved_labels_carry_where_they_came_from(dataset, field):
    ids = dataset.values("id")
    propose(dataset, ids[5:7], "7", origin="neighbors", confidence=[0.9, 0.8], anchors=[ids[0], ids[1]])
    save(dataset, field)
    label = fo.load_dataset(dataset.name)[ids[6]].ground_truth
    assert (label.label, label.labelscape, label.anchor, label.confidence) == ("7", "neighbors", ids[1], 0.8)
    assert label.labeled_at is not None
    assert len(pending_changes(dataset)) == 0


def test_an_existing_label_is_never_overwritten_without_an_explicit_act(dataset, field):
    ids = dataset.values("id")
    before = names(dataset)
    propose(dataset, ids[:6], "9")
    conflicts = save(dataset, field)
    current = names(dataset)
    assert {c.item for c in conflicts} == {i for i in ids[:4] if before[i] != "9"}
    assert all(current[i] == before[i] for i in ids[:4])
    assert current[ids[4]] == current[ids[5]] == "9"
    propose(dataset, ids[:1], "9", replace=True)
    save(dataset, field)
    assert names(dataset)[ids[0]] == "9"


def test_undo_brings_back_labels_and_deleted_samples_as_they_were(dataset, field):
    ids = dataset.values("id")
    before = {sample.id: sample.to_dict() for sample in dataset}
    propose(dataset, ids[4:6], "3")
    add(dataset, "delete", [ids[0], ids[7]])
    save(dataset, field)
    assert len(dataset) == 10
    assert ids[0] not in dataset.values("id")
    record = saves.undo(dataset)
    assert record.count == 4
    after = {sample.id: sample.to_dict() for sample in fo.load_dataset(dataset.name)}
    for sample in (*before.values(), *after.values()):
        sample.pop("last_modified_at")
    assert after == before
    with pytest.raises(ValueError, match="no save to undo"):
        saves.undo(dataset)


def test_undo_leaves_what_a_person_changed_since(dataset, field):
    ids = dataset.values("id")
    propose(dataset, ids[4:6], "3")
    save(dataset, field)
    sample = dataset[ids[4]]
    sample.ground_truth.label = "5"
    sample.save()
    saves.undo(dataset)
    current = names(dataset)
    assert current[ids[4]] == "5"
    assert current[ids[5]] is None


@pytest.mark.parametrize("fails_at", ["apply", "settle"])
def test_a_save_interrupted_after_its_commit_is_finished_at_the_next_call(dataset, field, monkeypatch, fails_at):
    ids = dataset.values("id")
    propose(dataset, ids[4:8], "3")
    add(dataset, "delete", [ids[9]])
    with monkeypatch.context() as crash:
        crash.setattr(saves, fails_at, interrupt)
        with pytest.raises(KeyboardInterrupt):
            save(dataset, field)
    assert saves.last_save(dataset).count == 5
    current = names(dataset)
    assert [current[i] for i in ids[4:8]] == ["3"] * 4
    assert ids[9] not in current
    assert list_acts(dataset) == []


def test_a_save_interrupted_before_its_commit_changes_nothing(dataset, field, monkeypatch):
    ids = dataset.values("id")
    before = names(dataset)
    propose(dataset, ids[4:8], "3")
    with monkeypatch.context() as crash:
        crash.setattr(ExecutionStore, "set_if_absent", interrupt)  # the head, which says that the save happens
        with pytest.raises(KeyboardInterrupt):
            save(dataset, field)
    assert names(dataset) == before
    assert len(pending_changes(dataset)) == 4
    save(dataset, field)
    assert names(dataset)[ids[4]] == "3"


def test_of_two_saves_at_the_same_moment_one_happens_and_the_other_says_so(dataset, field):
    ids = dataset.values("id")
    propose(dataset, ids[4:5], "3")
    head = saves.read_head(dataset)
    edits = list(label_edits(dataset, field, pending_changes(dataset).fields[0], Plan([]), leaving=as_oids([])))
    saves.commit(dataset, edits, "the other tab", head=saves.read_head(dataset))
    with pytest.raises(ValueError, match="same time"):
        saves.commit(dataset, edits, "this tab", head=head)
    assert names(dataset)[ids[4]] == "3"
    assert saves.undo(dataset).title == "the other tab"
    assert names(dataset)[ids[4]] is None


def test_a_save_without_an_edit_leaves_the_undo_of_the_one_before(dataset, field):
    ids = dataset.values("id")
    add(dataset, "delete", ids[:3])
    save(dataset, field)
    propose(dataset, [ids[3]], names(dataset)[ids[3]])
    save(dataset, field)
    assert len(pending_changes(dataset)) == 0
    saves.undo(dataset)
    assert set(dataset.values("id")) == set(ids)


def test_deleted_samples_come_back_after_the_fields_of_the_dataset_changed(dataset, field):
    ids = dataset.values("id")
    dataset.add_sample_field("old", fo.StringField)
    add(dataset, "delete", ids[:2])
    save(dataset, field)
    dataset.delete_sample_field("old")
    dataset.add_sample_field("new", fo.StringField)
    saves.undo(dataset)
    again = fo.load_dataset(dataset.name)
    assert {sample.id: sample.new for sample in again} == dict.fromkeys(ids)


def test_a_sample_edited_after_the_crash_is_not_deleted_when_the_save_is_finished(dataset, field, monkeypatch):
    ids = dataset.values("id")
    add(dataset, "delete", ids[:2])
    with monkeypatch.context() as crash:
        crash.setattr(saves, "apply", interrupt)
        with pytest.raises(KeyboardInterrupt):
            save(dataset, field)
    sample = dataset[ids[0]]
    sample["true_digit"] = "edited"
    sample.save()
    saves.recover(dataset)
    dataset.reload()
    assert ids[0] in dataset.values("id")
    assert ids[1] not in dataset.values("id")


def test_an_interrupted_save_whose_record_has_expired_blocks_nothing(dataset, field, monkeypatch):
    ids = dataset.values("id")
    propose(dataset, ids[4:6], "3")
    with monkeypatch.context() as crash:
        crash.setattr(saves, "apply", interrupt)
        with pytest.raises(KeyboardInterrupt):
            save(dataset, field)
    save_id = open_store(dataset, saves.SAVES_STORE).get("head").split(":")[0]
    forget_records(dataset, save_id)
    delete_records(dataset, saves.SAVES_STORE, [f"{save_id}:meta"])
    save(dataset, field)
    assert names(dataset)[ids[4]] == "3"


def test_a_person_confirms_a_label_that_followed_a_neighbor(dataset, field):
    ids = dataset.values("id")
    propose(dataset, ids[5:6], "7", origin="neighbors", confidence=[0.9], anchors=[ids[0]])
    save(dataset, field)
    propose(dataset, ids[5:6], "7")
    save(dataset, field)
    assert dataset.values("ground_truth.labelscape")[5] == "human"
    saves.undo(dataset)
    assert dataset.values("ground_truth.labelscape")[5] == "neighbors"


def test_pending_changes_fold_in_order_and_can_be_discarded_one_by_one(dataset):
    ids = dataset.values("id")
    propose(dataset, ids[4:8], "1", origin="neighbors", confidence=[0.9] * 4, anchors=[ids[0]] * 4)
    propose(dataset, ids[5:6], "2")
    add(dataset, "delete", [ids[6]])
    changes = pending_changes(dataset)
    assert {label.item: label.label for label in changes.labels} == {ids[4]: "1", ids[5]: "2", ids[7]: "1"}
    assert list(changes.deletions) == [ids[6]]
    assert changes.sentence() == "3 labels and 1 deletion pending."
    assert discard_changes(dataset, [ids[4], ids[6]]) == 2
    assert {label.item for label in pending_changes(dataset).labels} == {ids[5], ids[7]}
    assert discard_changes(dataset) == 2
    assert pending_changes(dataset).sentence() == "Nothing is pending."


def test_a_multi_label_field_gathers_labels_and_undo_takes_only_ours(make_digits_dataset):
    dataset = make_digits_dataset(4, labeled=0)
    ids = dataset.values("id")
    dataset.set_values(
        "kinds",
        {ids[0]: fo.Classifications(classifications=[fo.Classification(label="odd")])},
        key_field="id",
    )
    field = label_field(dataset, "kinds")
    ensure_label_field(dataset, field)
    for label in ("odd", "prime"):
        add(dataset, "label", ids[:2], field="kinds", label=label, multi=True)
    assert not save(dataset, field)

    def current():
        samples = fo.load_dataset(dataset.name).select(ids[:2], ordered=True)
        return [s.kinds and [c.label for c in s.kinds.classifications] for s in samples]

    assert current() == [["odd", "prime"], ["odd", "prime"]]
    saves.undo(dataset)
    assert current() == [["odd"], None]


def test_patches_are_labeled_deleted_and_restored_in_place(make_digits_dataset):
    dataset = make_digits_dataset(2, labeled=0)
    sample = dataset.first()
    boxes = [[0, 0, 0.5, 0.5], [0.5, 0, 0.5, 0.5], [0, 0.5, 0.5, 0.5]]
    sample["parts"] = fo.Detections(detections=[fo.Detection(bounding_box=box) for box in boxes])
    sample["parts"].detections[0].label = "mine"
    sample.save()
    field = label_field(dataset, "parts", "parts")
    ensure_label_field(dataset, field)
    items = [detection.id for detection in sample.parts.detections]
    add(dataset, "label", items[:2], field="parts", patches_field="parts", label="loop")
    add(dataset, "delete", [items[0], items[2]], field="", patches_field="parts")
    save(dataset, field)

    def current():
        return [(d.id, d.label) for d in fo.load_dataset(dataset.name).first().parts.detections]

    assert current() == [(items[1], "loop")]
    saves.undo(dataset)
    assert current() == [(items[0], "mine"), (items[1], None), (items[2], None)]


@pytest.mark.parametrize(("which", "left"), [("all", 0), ("ours", 4), ("neighbors", 5)])
def test_clearing_labels_takes_only_what_was_meant_and_can_be_undone(dataset, field, which, left):
    ids = dataset.values("id")
    propose(dataset, ids[4:5], "3")
    propose(dataset, ids[5:8], "3", origin="neighbors", confidence=[0.9] * 3, anchors=[ids[0]] * 3)
    save(dataset, field)
    clear_labels(dataset, which=which)
    save_changes(dataset)
    assert sum(name is not None for name in names(dataset).values()) == left
    saves.undo(dataset)
    assert sum(name is not None for name in names(dataset).values()) == 8


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("filepath", "does not hold classifications"),
        ("no field", "cannot be the name of a field"),
        ("locked", "read-only"),
    ],
)
def test_an_unusable_label_field_is_refused_with_the_fix(dataset, field, message):
    dataset.add_sample_field("locked", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    locked = dataset.get_field("locked")
    locked.read_only = True
    locked.save()
    with pytest.raises(ValueError, match=message):
        label_field(dataset, field)


def test_a_save_and_an_undo_that_another_tab_finishes_report_what_was_done(dataset, monkeypatch):
    ids = dataset.values("id")
    apply, tabs = saves.apply, []

    def slowly(*args, **options):
        writing.set()
        time.sleep(0.3)  # so that whoever made the save finds it being written
        return apply(*args, **options)

    def taken_over(move):
        def moved(store, key, *args, **options):
            done = move(store, key, *args, **options)
            if key == "head" and args[-1].split(":")[1] in ("prepared", "undoing"):
                tabs.append(threading.Thread(target=saves.recover, args=[dataset]))
                tabs[-1].start()
                assert writing.wait(60)
            return done

        return moved

    monkeypatch.setattr(saves, "apply", slowly)
    for name in ("set_if_absent", "compare_and_set"):
        monkeypatch.setattr(ExecutionStore, name, taken_over(getattr(ExecutionStore, name)))
    writing = threading.Event()
    set_label(dataset, ids[4:7], "9")

    assert save_changes(dataset).labels == 3
    writing = threading.Event()
    undone = undo_save(dataset)

    assert (undone.total_written, undone.count, len(tabs)) == (3, 3, 2)
    for tab in tabs:
        tab.join()
