"""A save happens whole or not at all, once, and can be undone."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.store import saves
from labelscape.ml_backend.store.label_edits import clearing_edits, deletion_edits, label_edits
from labelscape.ml_backend.store.labels import LabelField, ensure_label_field, label_field
from labelscape.ml_backend.store.pending import PendingAct, add_act, discard, list_acts, pending_changes


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(12, labeled=4)


@pytest.fixture
def field(dataset) -> LabelField:
    field = label_field(dataset, "ground_truth")
    ensure_label_field(dataset, field)
    return field


def propose(dataset, items, label, **options):
    add_act(dataset, PendingAct("ground_truth", None, list(items), label, **options))


def save(dataset, field):
    head = saves.read_head(dataset)
    changes = pending_changes(dataset)
    edits, conflicts = label_edits(dataset, field, changes.labels)
    edits += deletion_edits(dataset, changes)
    saves.commit(dataset, edits, "test", head=head, acts=changes.acts)
    return conflicts


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
    held = names(dataset)
    assert {c.item for c in conflicts} == {i for i in ids[:4] if before[i] != "9"}
    assert all(held[i] == before[i] for i in ids[:4])
    assert held[ids[4]] == held[ids[5]] == "9"
    propose(dataset, ids[:1], "9", replace=True)
    save(dataset, field)
    assert names(dataset)[ids[0]] == "9"


def test_undo_brings_back_labels_and_deleted_samples_as_they_were(dataset, field):
    ids = dataset.values("id")
    before = {sample.id: sample.to_dict() for sample in dataset}
    propose(dataset, ids[4:6], "3")
    add_act(dataset, PendingAct("ground_truth", None, [ids[0], ids[7]], None))
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
    held = names(dataset)
    assert held[ids[4]] == "5"
    assert held[ids[5]] is None


@pytest.mark.parametrize("fails_at", ["_apply", "forget_acts"])
def test_a_save_interrupted_after_its_commit_is_finished_at_the_next_call(dataset, field, monkeypatch, fails_at):
    ids = dataset.values("id")
    propose(dataset, ids[4:8], "3")
    add_act(dataset, PendingAct("ground_truth", None, [ids[9]], None))
    with monkeypatch.context() as crash:
        crash.setattr(saves, fails_at, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            save(dataset, field)
    assert saves.last_save(dataset).count == 5
    held = names(dataset)
    assert [held[i] for i in ids[4:8]] == ["3"] * 4
    assert ids[9] not in held
    assert list_acts(dataset) == []


def test_a_save_interrupted_before_its_commit_changes_nothing(dataset, field, monkeypatch):
    ids = dataset.values("id")
    before = names(dataset)
    propose(dataset, ids[4:8], "3")
    with monkeypatch.context() as crash:
        crash.setattr(saves, "_move_head", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
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
    edits, _ = label_edits(dataset, field, pending_changes(dataset).labels)
    saves.commit(dataset, edits, "the other tab", head=saves.read_head(dataset))
    with pytest.raises(ValueError, match="same moment"):
        saves.commit(dataset, edits, "this tab", head=head)
    assert names(dataset)[ids[4]] == "3"
    assert saves.undo(dataset).title == "the other tab"
    assert names(dataset)[ids[4]] is None


def test_a_save_without_an_edit_leaves_the_undo_of_the_one_before(dataset, field):
    ids = dataset.values("id")
    add_act(dataset, PendingAct("ground_truth", None, ids[:3], None))
    save(dataset, field)
    propose(dataset, [ids[3]], names(dataset)[ids[3]])
    save(dataset, field)
    assert len(pending_changes(dataset)) == 0
    saves.undo(dataset)
    assert set(dataset.values("id")) == set(ids)


def test_deleted_samples_come_back_after_the_fields_of_the_dataset_changed(dataset, field):
    ids = dataset.values("id")
    dataset.add_sample_field("old", fo.StringField)
    add_act(dataset, PendingAct("ground_truth", None, ids[:2], None))
    save(dataset, field)
    dataset.delete_sample_field("old")
    dataset.add_sample_field("new", fo.StringField)
    saves.undo(dataset)
    again = fo.load_dataset(dataset.name)
    assert {sample.id: sample.new for sample in again} == dict.fromkeys(ids)


def test_a_sample_edited_after_the_crash_is_not_deleted_when_the_save_is_finished(dataset, field, monkeypatch):
    ids = dataset.values("id")
    add_act(dataset, PendingAct("ground_truth", None, ids[:2], None))
    with monkeypatch.context() as crash:
        crash.setattr(saves, "_apply", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
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
        crash.setattr(saves, "_apply", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            save(dataset, field)
    store = saves._store(dataset)
    saves._forget(store, store.get("head").split(":")[0])
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
    add_act(dataset, PendingAct("ground_truth", None, [ids[6]], None))
    changes = pending_changes(dataset)
    assert {label.item: label.label for label in changes.labels} == {ids[4]: "1", ids[5]: "2", ids[7]: "1"}
    assert list(changes.deletions) == [ids[6]]
    assert changes.sentence() == "3 labels, 1 deletion pending."
    assert discard(dataset, [ids[4], ids[6]]) == 2
    assert {label.item for label in pending_changes(dataset).labels} == {ids[5], ids[7]}
    assert discard(dataset) == 2
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
        add_act(dataset, PendingAct("kinds", None, ids[:2], label, multi=True))
    changes = pending_changes(dataset)
    edits, conflicts = label_edits(dataset, field, changes.labels)
    assert not conflicts
    saves.commit(dataset, edits, "test", head=saves.read_head(dataset), acts=changes.acts)

    def held():
        samples = fo.load_dataset(dataset.name).select(ids[:2], ordered=True)
        return [[c.label for c in s.kinds.classifications] for s in samples]

    assert held() == [["odd", "prime"], ["odd", "prime"]]
    saves.undo(dataset)
    assert held() == [["odd"], []]


def test_patches_are_labeled_deleted_and_brought_back_in_place(make_digits_dataset):
    dataset = make_digits_dataset(2, labeled=0)
    sample = dataset.first()
    boxes = [[0, 0, 0.5, 0.5], [0.5, 0, 0.5, 0.5], [0, 0.5, 0.5, 0.5]]
    sample["parts"] = fo.Detections(detections=[fo.Detection(bounding_box=box) for box in boxes])
    sample["parts"].detections[0].label = "mine"
    sample.save()
    field = label_field(dataset, "parts", "parts")
    ensure_label_field(dataset, field)
    items = [detection.id for detection in sample.parts.detections]
    add_act(dataset, PendingAct("parts", "parts", items[:2], "loop"))
    add_act(dataset, PendingAct("parts", "parts", [items[0], items[2]], None))
    changes = pending_changes(dataset)
    edits, _ = label_edits(dataset, field, changes.labels)
    saves.commit(
        dataset,
        edits + deletion_edits(dataset, changes),
        "test",
        head=saves.read_head(dataset),
        acts=changes.acts,
    )

    def held():
        return [(d.id, d.label) for d in fo.load_dataset(dataset.name).first().parts.detections]

    assert held() == [(items[1], "loop")]
    saves.undo(dataset)
    assert held() == [(items[0], "mine"), (items[1], None), (items[2], None)]


@pytest.mark.parametrize(("which", "left"), [("all", 0), ("ours", 4), ("neighbors", 5)])
def test_clearing_labels_takes_only_what_was_meant_and_can_be_undone(dataset, field, which, left):
    ids = dataset.values("id")
    propose(dataset, ids[4:5], "3")
    propose(dataset, ids[5:8], "3", origin="neighbors", confidence=[0.9] * 3, anchors=[ids[0]] * 3)
    save(dataset, field)
    saves.commit(dataset, clearing_edits(dataset, field, which), "clear", head=saves.read_head(dataset))
    assert sum(name is not None for name in names(dataset).values()) == left
    saves.undo(dataset)
    assert sum(name is not None for name in names(dataset).values()) == 8


@pytest.mark.parametrize(
    ("field", "message"),
    [("filepath", "holds no classifications"), ("no field", "cannot name a field"), ("locked", "read-only")],
)
def test_an_unusable_label_field_is_refused_with_the_mend(dataset, field, message):
    dataset.add_sample_field("locked", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    locked = dataset.get_field("locked")
    locked.read_only = True
    locked.save()
    with pytest.raises(ValueError, match=message):
        label_field(dataset, field)
