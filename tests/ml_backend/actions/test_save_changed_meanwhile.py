"""What somebody else changes between queueing a change and saving it stays as theirs, and the report says so."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.apply_labels import apply_labels
from labelscape.ml_backend.actions.queue import LabelBatch, clear_labels, delete_items, queue_labels, relabel, set_label
from labelscape.ml_backend.actions.rank import rank_outliers
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.actions.undo import undo_last
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.labels import label_field
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.records import as_oids
from labelscape.ml_backend.store.scores import Score, write_scores

from .boxed_digits import names

OBJECTS = {"field": "parts", "patches_field": "parts"}


@pytest.fixture
def dataset(boxed_digits):
    return boxed_digits


def boxes(dataset):
    dataset.reload()
    return dict(zip(*dataset.values(["parts.detections.id", "parts.detections.label"], unwind=True), strict=True))


def by_another(dataset, ids, name, *, field="ground_truth", patches_field=None):
    """Another person sets a label and saves it, with this product."""
    batch = LabelBatch(as_oids(ids), np.zeros(len(ids), int), [name], replace=True)
    apply_labels(dataset, label_field(dataset, field, patches_field), [batch], title="labels of another person")


def in_the_app(dataset, item, label, **more):
    """Another person edits a sample's label in FiftyOne."""
    sample = dataset[item]
    sample["ground_truth"] = None if label is None else fo.Classification(label=label, **more)
    sample.save()


@pytest.mark.parametrize("labeled", [True, False])
def test_a_label_that_may_replace_leaves_what_somebody_else_set_since(dataset, labeled):
    ids = dataset.values("id")[:3] if labeled else dataset.values("id")[3:6]
    set_label(dataset, ids, "mine", replace=True)
    in_the_app(dataset, ids[0], "theirs")

    report = save_changes(dataset)

    assert [names(dataset)[item] for item in ids] == ["theirs", "mine", "mine"]
    assert (report.labels, report.overtaken, report.gone) == (2, 0, 0)
    assert [(one.item, one.label, one.existing) for one in report.conflicts] == [(ids[0], "mine", "theirs")]
    assert report.sentence().endswith(
        "1 item kept its existing label (“theirs” instead of “mine”); to replace what somebody set in the meantime, "
        "set the label again, and save."
    )
    set_label(dataset, ids[:1], "mine", replace=True)  # now seen
    clear_labels(dataset.select(ids[1:]), which="all")
    assert save_changes(dataset).sentence() == "Saved 1 label and cleared 2 labels; “Undo save” reverts this."


def test_a_save_that_only_left_things_alone_does_not_say_that_nothing_was_to_be_saved(dataset):
    item = dataset.values("id")[0]
    set_label(dataset, [item], "mine", replace=True)
    in_the_app(dataset, item, "theirs")

    assert save_changes(dataset).sentence().startswith("1 item kept its existing label (“theirs” instead of “mine”)")


def test_the_report_says_who_changed_a_label_where_that_is_known(dataset):
    ids = dataset.values("id")[:3]
    set_label(dataset, ids, "mine", replace=True)
    in_the_app(dataset, ids[0], "theirs", annotator="ann@example.com")
    in_the_app(dataset, ids[1], "theirs", annotator="ann@example.com")

    sentence = save_changes(dataset).sentence()

    assert "2 items kept their existing labels (" in sentence
    assert "), last annotated by ann@example.com; to replace" in sentence


def test_a_label_confirmed_by_a_person_since_is_theirs_although_its_class_is_the_same(dataset):
    ids = dataset.values("id")[:2]
    target = label_field(dataset, "ground_truth")
    followed = LabelBatch(as_oids(ids), np.zeros(2, int), ["cat"], np.full(2, 0.9), as_oids(ids), replace=True)
    apply_labels(dataset, target, [followed], title="labels from neighbors")
    set_label(dataset, ids, "dog", replace=True)
    by_another(dataset, ids[:1], "cat")

    assert save_changes(dataset).labels == 1

    assert [names(dataset)[item] for item in ids] == ["cat", "dog"]


@pytest.mark.parametrize("replace", [True, False])
def test_checked_and_nothing_there_is_kept_like_a_label(dataset, replace):
    ids = dataset.values("id")[4:6]
    dataset.add_sample_field("ground_truth.labelscape", fo.StringField)
    set_label(dataset, ids, "mine", replace=replace)
    in_the_app(dataset, ids[0], None)
    in_the_app(dataset, ids[0], "", labelscape="human")
    dataset._sample_collection.update_many({"ground_truth.label": ""}, {"$set": {"ground_truth.label": None}})

    report = save_changes(dataset)

    assert report.labels == 1
    assert [one.existing for one in report.conflicts] == ["checked, nothing there"]
    assert [names(dataset)[item] for item in ids] == [None, "mine"]
    assert set_label(dataset, ids[:1], "mine", replace=replace).queued == ids[:1]
    assert save_changes(dataset).labels == 1  # now the person has seen it


def test_a_label_that_somebody_removed_since_is_no_reason_to_stop(dataset):
    ids = dataset.values("id")[:2]
    set_label(dataset, ids, "mine", replace=True)
    in_the_app(dataset, ids[0], None)

    assert save_changes(dataset).labels == 2


def test_labels_from_neighbors_and_better_labels_leave_what_was_set_since(dataset):
    ids = dataset.values("id")[:4]
    write_scores(dataset, list_items(dataset), [Score("mislabel_suggestion", ["better"] * 8)])
    relabel(dataset, ids[:2])
    batch = LabelBatch(as_oids(ids[2:]), np.zeros(2, int), ["near"], np.full(2, 0.9), as_oids(ids[:2]), replace=True)
    queue_labels(dataset, label_field(dataset, "ground_truth"), batch)
    in_the_app(dataset, ids[1], "theirs")
    in_the_app(dataset, ids[2], "theirs")

    report = save_changes(dataset)

    assert [names(dataset)[item] for item in ids] == ["better", "theirs", "theirs", "near"]
    assert (report.labels, len(report.conflicts)) == (2, 2)


@pytest.mark.parametrize("which", ["all", "ours"])
def test_a_clearing_leaves_what_was_set_since(dataset, which):
    ids = dataset.values("id")[:3]
    by_another(dataset, ids, "old")
    clear_labels(dataset, which=which)
    by_another(dataset, ids[:1], "theirs")

    report = save_changes(dataset)

    assert [names(dataset)[item] for item in ids] == ["theirs", None, None]
    assert (report.cleared, report.overtaken) == (2, 0)
    assert report.sentence() == (
        "Cleared 2 labels; “Undo save” reverts this. 1 item was not cleared, because its labels were changed "
        "in the meantime (now “theirs”)."
    )


def test_a_label_after_a_clearing_leaves_what_was_set_after_the_clearing(dataset):
    ids = dataset.values("id")[:2]
    clear_labels(dataset, which="all")
    by_another(dataset, ids[:1], "theirs")
    set_label(dataset, ids, "mine")

    report = save_changes(dataset)

    assert [names(dataset)[item] for item in ids] == ["theirs", "mine"]
    assert [(one.label, one.existing) for one in report.conflicts] == [("mine", "theirs")]


def test_objects_keep_what_was_set_or_moved_since(dataset):
    first, second, third, fourth, fifth = list(boxes(dataset))[:5]
    set_label(dataset, [first, second], "mine", replace=True, **OBJECTS)
    by_another(dataset, [first], "theirs", **OBJECTS)
    delete_items(dataset, [third, fourth, fifth], patches_field="parts")
    by_another(dataset, [third], "theirs", **OBJECTS)
    sample = dataset.match(fo.ViewField("parts.detections._id") != None).skip(1).first()  # noqa: E711
    next(one for one in sample.parts.detections if one.id == fourth).bounding_box = [0.2, 0.2, 0.2, 0.2]
    sample.save()

    report = save_changes(dataset)

    after = boxes(dataset)
    assert (after[first], after[second], after[third], fourth in after) == ("theirs", "mine", "theirs", True)
    assert fifth not in after
    assert (report.labels, report.deletions, report.overtaken) == (1, 1, 0)
    assert "2 items were not deleted, because they were changed in the meantime" in report.sentence()


def test_a_clearing_of_objects_leaves_what_was_set_since(dataset):
    first, *rest = list(boxes(dataset))
    clear_labels(dataset, which="all", **OBJECTS)
    by_another(dataset, [first], "theirs", **OBJECTS)

    assert save_changes(dataset).cleared == len(rest)
    assert boxes(dataset) == {first: "theirs", **dict.fromkeys(rest)}


@pytest.mark.parametrize("change", ["label", "new label", "box", "new box", "tag"])
def test_a_sample_is_not_deleted_when_somebody_labeled_it_since(dataset, change):
    ids = dataset.values("id")
    delete_items(dataset, ids[3:6])
    sample = dataset[ids[3]]
    match change:
        case "label":
            sample.parts.detections[0].label = "theirs"
        case "new label":
            sample["ground_truth"] = fo.Classification(label="theirs")
        case "box":
            sample.parts.detections[0].bounding_box = [0.2, 0.2, 0.2, 0.2]
        case "new box":
            sample.parts.detections.append(fo.Detection(label="c", bounding_box=[0, 0, 1, 1]))
        case "tag":
            sample.tags.append("keep")
    sample.save()

    report = save_changes(dataset)

    assert dataset.values("id") == [*ids[:4], *ids[6:]]
    assert (report.deletions, report.overtaken, report.gone) == (2, 0, 0)
    assert report.sentence().endswith(
        "1 item was not deleted, because it was changed in the meantime: look at it, then delete it again."
    )
    delete_items(dataset, ids[3:4])
    assert save_changes(dataset).deletions == 1


def test_scores_and_evaluations_made_since_do_not_keep_a_sample(embedded_digits):
    dataset = embedded_digits
    ids = dataset.values("id")
    boxes_of_all = [[fo.Detection(label="a", bounding_box=[0, 0, 1, 1])] for _ in ids]
    dataset.set_values("parts", [fo.Detections(detections=one) for one in boxes_of_all])
    dataset.clone_sample_field("parts", "found")
    objects = dataset.values("parts.detections.id", unwind=True)
    delete_items(dataset, ids[:2])
    delete_items(dataset, objects[2:4], patches_field="parts")
    rank_outliers(dataset, embeddings="emb")
    dataset.evaluate_detections("found", gt_field="parts", eval_key="how")

    report = save_changes(dataset)

    assert (report.deletions, report.conflicts) == (4, [])


def test_the_label_of_an_object_is_saved_where_its_sample_is_not_deleted(dataset):
    ids = dataset.values("id")
    box = dataset[ids[3]].parts.detections[1].id
    set_label(dataset, [box], "mine", replace=True, **OBJECTS)
    delete_items(dataset, ids[3:4])
    in_the_app(dataset, ids[3], "theirs")

    report = save_changes(dataset)

    assert (report.labels, report.deletions) == (1, 0)
    assert boxes(dataset)[box] == "mine"


def test_several_labels_an_item_keep_one_that_was_added_since(several):
    ids = several.values("id")[:2]
    clear_labels(several.select(ids), field="kinds", which="all")
    sample = several[ids[0]]
    sample.kinds.classifications.append(fo.Classification(label="theirs"))
    sample.save()

    report = save_changes(several)

    several.reload()
    assert "theirs" in several.values("kinds.classifications.label")[0]
    assert several.values("kinds.classifications.label")[1] == []
    assert [one.item for one in report.conflicts] == [ids[0]]


def test_a_clearing_in_a_filtered_view_clears_what_nobody_changed(two_things):
    ids = two_things.values("id")
    view = two_things.filter_labels("kinds", fo.ViewField("label") == "even")
    chosen = view.values("id")
    clear_labels(view, field="kinds", which="all")
    sample = two_things[chosen[0]]
    sample.kinds.classifications.append(fo.Classification(label="theirs"))
    sample.save()

    report = save_changes(two_things)

    two_things.reload()
    left = dict(zip(ids, two_things.values("kinds.classifications.label"), strict=True))
    assert [one.item for one in report.conflicts] == chosen[:1]
    assert [left[item] for item in chosen[1:]] == [[]] * (len(chosen) - 1)
    assert left[chosen[0]][-2:] == ["even", "theirs"]
    assert "1 item was not cleared, because its labels were changed in the meantime (now “" in report.sentence()
    assert "”, “even”, and “theirs”)." in report.sentence()


def test_a_deletion_that_is_refused_does_not_hide_what_else_was_not_written(dataset):
    kept, gone = dataset.values("id")[0], next(iter(boxes(dataset)))
    delete_items(dataset, [kept])
    set_label(dataset, [gone], "mine", replace=True, **OBJECTS)
    in_the_app(dataset, kept, "theirs")
    dataset.delete_labels(ids=[gone], fields="parts")

    report = save_changes(dataset)

    assert (report.deletions, report.gone, report.overtaken) == (0, 1, 0)
    assert [one.item for one in report.conflicts] == [kept]


def test_a_label_that_somebody_removed_from_a_list_is_no_reason_to_keep_the_rest(two_things):
    ids = two_things.values("id")[:2]
    clear_labels(two_things.select(ids), field="kinds", which="all")
    sample = two_things[ids[0]]
    sample.kinds.classifications.pop()
    sample.save()

    report = save_changes(two_things)

    two_things.reload()
    assert report.conflicts == []
    assert two_things.values("kinds.classifications.label")[:2] == [[], []]


def test_what_was_seen_survives_an_undone_save_and_a_discard_that_is_undone(dataset):
    ids = dataset.values("id")[:2]
    before = names(dataset)
    set_label(dataset, ids, "mine", replace=True)
    save_changes(dataset)
    set_label(dataset, ids, "yours", replace=True)
    assert "label 2 samples" in undo_last(dataset)
    undo_save(dataset)
    assert names(dataset) == before
    set_label(dataset, ids, "yours", replace=True)
    assert save_changes(dataset).labels == 2


def test_changes_whose_field_is_read_only_know_what_was_seen_when_they_are_saved_at_last(dataset):
    ids = dataset.values("id")[:2]
    set_label(dataset, ids, "mine", replace=True)
    dataset.get_field("ground_truth").read_only = True
    dataset.get_field("ground_truth").save()
    assert save_changes(dataset).blocked
    dataset.get_field("ground_truth").read_only = False
    dataset.get_field("ground_truth").save()
    in_the_app(dataset, ids[0], "theirs")

    assert len(pending_changes(dataset)) == 2
    assert save_changes(dataset).labels == 1

    assert [names(dataset)[item] for item in ids] == ["theirs", "mine"]


def test_a_clearing_of_several_labels_does_not_hide_a_label_whose_object_is_gone(dataset):
    cleared, gone = dataset.values("id")[0], next(iter(boxes(dataset)))
    several = [fo.Classification(label=name) for name in ("cat", "dog")]
    dataset.set_values("kinds", {cleared: fo.Classifications(classifications=several)}, key_field="id")
    clear_labels(dataset.select(cleared), field="kinds", which="all")
    set_label(dataset, [gone], "mine", replace=True, **OBJECTS)
    dataset.delete_labels(ids=[gone], fields="parts")

    report = save_changes(dataset)

    assert (report.gone, report.overtaken, report.conflicts) == (1, 0, [])
    dataset.reload()
    assert dataset[cleared].kinds.classifications == []
