"""Suggestions: what counts as evidence, which field they are for, what is rewritten, and how they are undone."""

from dataclasses import replace

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions import suggest as acts
from labelscape.ml_backend.actions.accept import accept_suggestions
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.label_neighbors import preview_neighbors
from labelscape.ml_backend.actions.next_best import next_to_label
from labelscape.ml_backend.actions.queue import clear_labels, delete_items, set_label
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.labels import ensure_label_field, label_field, read_labels, with_pending
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.suggestions import read_suggestions, remember_rejections


@pytest.fixture
def dataset(make_digits_dataset):
    """150 digits with embeddings, 60 of them labeled."""
    dataset = make_digits_dataset(150, labeled=60)
    compute_embeddings(dataset, key="emb")
    return dataset


def suggest(dataset, field="ground_truth", **options):
    report = acts.suggest_labels(dataset, embeddings="emb", field=field, precision=0.9, **options)
    dataset.reload()
    return report


def suggestions(dataset, patches_field=None):
    """Item id → suggestion, of those that have one."""
    items = list_items(dataset, patches_field)
    held = read_suggestions(dataset, items)
    return {item: found for item, found in zip(items.ids.tolist(), held, strict=True) if found is not None}


def parity(label):
    return "even" if int(label) % 2 == 0 else "odd"


def classifications(*pairs):
    """A multi-label value of (label, who set it)."""
    return fo.Classifications(
        classifications=[fo.Classification(label=label, labelscape=origin) for label, origin in pairs]
    )


@pytest.fixture
def several(dataset):
    """The digits with a field of several labels: the first twenty by hand, the next twenty from neighbors."""
    samples = dataset.limit(40)
    values = [
        classifications((parity(digit), "human" if row < 20 else "neighbors"))
        for row, digit in enumerate(samples.values("true_digit"))
    ]
    dataset.set_values("kinds", dict(zip(samples.values("id"), values, strict=True)), key_field="id")
    dataset.add_sample_field("kinds.classifications.labelscape", fo.StringField)
    return dataset


def shape(label):
    return "loop" if label in "0689" else "open"


@pytest.fixture
def two_things(make_digits_dataset):
    """160 digits with embeddings, each of the first 80 labeled with its shape and its parity."""
    dataset = make_digits_dataset(160)
    samples = dataset.limit(80)
    values = [classifications((shape(digit), None), (parity(digit), None)) for digit in samples.values("true_digit")]
    dataset.set_values("kinds", dict(zip(samples.values("id"), values, strict=True)), key_field="id")
    compute_embeddings(dataset, key="emb")
    return dataset


def true_classes(dataset):
    """Item id → the shape and the parity of the digit."""
    return {
        item: {shape(digit), parity(digit)} for item, digit in zip(*dataset.values(["id", "true_digit"]), strict=True)
    }


# --- evidence ----------------------------------------------------------------------------------------------------


def test_in_a_multi_label_field_labels_from_neighbors_are_no_evidence(several):
    items = list_items(several)
    labels = read_labels(several, items, label_field(several, "kinds"))
    for code, name in enumerate(labels.classes):
        evidence = labels.evidence_of_class(code)
        truth = np.asarray([parity(digit) == name for digit in several.values("true_digit")])
        assert np.array_equal(evidence[:20], truth[:20].astype(int))
        assert (evidence[20:] == -1).all()


def test_a_label_from_neighbors_beside_one_set_by_hand_speaks_neither_for_nor_against_its_class(dataset):
    item = dataset.first().id
    value = classifications(("odd", "human"), ("prime", "neighbors"))
    dataset.set_values("kinds", {item: value}, key_field="id")
    dataset.add_sample_field("kinds.classifications.labelscape", fo.StringField)
    labels = read_labels(dataset, list_items(dataset), label_field(dataset, "kinds"))
    odd, prime = (labels.evidence_of_class(labels.classes.index(name))[0] for name in ("odd", "prime"))
    assert (odd, prime) == (1, -1)


def test_a_label_from_neighbors_becomes_evidence_when_a_person_confirms_it(several):
    item = several.values("id")[25]
    items, field = list_items(several), label_field(several, "kinds")
    name = parity(several[item].true_digit)
    set_label(several, [item], name, field="kinds")
    labels = with_pending(read_labels(several, items, field), items, field, pending_changes(several))
    assert labels.evidence_of_class(labels.classes.index(name))[25] == 1
    save_changes(several)
    assert fo.load_dataset(several.name)[item].kinds.classifications[0].labelscape == "human"
    undo_save(several)
    several.reload()
    assert several[item].kinds.classifications[0].labelscape == "neighbors"


@pytest.mark.parametrize("field", ["ground_truth", "kinds"])
def test_labels_that_all_came_from_neighbors_suggest_nothing_and_the_fix_is_reported(several, field):
    several.set_values("kinds.classifications.labelscape", [["neighbors"] * (row < 40) for row in range(150)])
    several.add_sample_field("ground_truth.labelscape", fo.StringField)
    first = several.limit(60)
    labels = [fo.Classification(label=digit, labelscape="neighbors") for digit in first.values("true_digit")]
    several.set_values("ground_truth", dict(zip(first.values("id"), labels, strict=True)), key_field="id")
    count = 60 if field == "ground_truth" else 40
    with pytest.raises(ValueError, match=rf"All {count} labels in '{field}' came from neighbors.*by hand"):
        suggest(several, field)


# --- several classes an item ------------------------------------------------------------------------------------


def test_an_item_that_is_two_things_is_suggested_both_where_both_are_sure(two_things):
    report = suggest(two_things, "kinds")
    held, truth = suggestions(two_things), true_classes(two_things)
    assert report.suggested == len(held) <= report.unlabeled == 80
    both = [item for item, found in held.items() if found.confidences.keys() == truth[item]]
    assert len(both) > 40
    proposed = [(item, name) for item, found in held.items() if found.sure for name in found.confidences]
    assert np.mean([name in truth[item] for item, name in proposed]) >= 0.9
    for found in held.values():
        assert found.sure or not found.more
        assert list(found.confidences.values()) == sorted(found.confidences.values(), reverse=True)


def test_every_class_suggested_has_an_anchor_that_is_labeled_with_it(two_things):
    suggest(two_things, "kinds")
    labeled = true_classes(two_things.limit(80))
    assert all(
        name in labeled[anchor] for found in suggestions(two_things).values() for name, anchor in found.nearest.items()
    )


def test_all_classes_suggested_are_accepted_and_saved_with_confidence_and_anchor(two_things):
    suggest(two_things, "kinds")
    item, found = next((item, found) for item, found in suggestions(two_things).items() if found.more)
    report = accept_suggestions(two_things, [item], field="kinds")
    assert set(report.queued) == {item}
    waiting = pending_changes(two_things).labels
    assert {label.label: label.confidence for label in waiting} == found.confidences
    assert {label.label: label.anchor for label in waiting} == found.nearest
    save_changes(two_things)
    saved = fo.load_dataset(two_things.name)[item].kinds.classifications
    assert {label.label: label.labelscape for label in saved} == dict.fromkeys(found.confidences, "neighbors")
    undo_save(two_things)
    assert not two_things.select(item).values("kinds.classifications.label", unwind=True)


def test_a_rejection_takes_all_classes_of_an_item_and_leaves_those_it_was_not_suggested(two_things):
    suggest(two_things, "kinds")
    before = suggestions(two_things)
    item, rejected = next((item, found) for item, found in before.items() if found.more)
    other = next(other for other, found in before.items() if other != item and found.label == rejected.label)
    assert acts.reject_suggestions(two_things, [item]) == 1
    assert item not in suggestions(two_things)
    suggest(two_things, "kinds", follow=False)
    again = suggestions(two_things)
    assert item not in again or again[item].confidences.keys().isdisjoint(rejected.confidences)
    assert again[other] == before[other]
    undo_last(two_things)
    suggest(two_things, "kinds", follow=False)
    assert suggestions(two_things)[item].confidences.keys() == rejected.confidences.keys()


def test_of_several_classes_those_that_were_not_rejected_are_suggested_again(two_things):
    suggest(two_things, "kinds")
    item, found = next((item, found) for item, found in suggestions(two_things).items() if found.more)
    first = replace(found, more=(), more_confidence=(), more_anchors=())
    with remember_rejections(two_things, None, {item: first}):
        pass
    suggest(two_things, "kinds", follow=False)
    assert tuple(suggestions(two_things)[item].confidences) == found.more


def test_suggesting_several_classes_again_writes_nothing(two_things):
    suggest(two_things, "kinds")
    before = two_things.values("last_modified_at")
    suggest(two_things, "kinds")
    assert two_things.values("last_modified_at") == before


def test_no_class_keeps_an_anchor_that_lost_its_label(two_things):
    suggest(two_things, "kinds")
    anchors = [anchor for found in suggestions(two_things).values() for anchor in found.more_anchors]
    gone = max(set(anchors), key=anchors.count)
    clear_labels(two_things.select(gone), field="kinds", which="all")
    save_changes(two_things)
    suggest(two_things, "kinds", follow=False)
    held = suggestions(two_things)
    assert held
    assert all(gone not in [*found.anchors, *found.more_anchors] for found in held.values())


def test_a_class_that_only_followed_neighbors_does_not_stop_the_others(two_things):
    one = two_things.first()
    one.kinds.classifications.append(fo.Classification(label="prime", labelscape="neighbors"))
    one.save()
    two_things.add_sample_field("kinds.classifications.labelscape", fo.StringField)
    suggest(two_things, "kinds")
    assert {"even", "odd"} <= {name for found in suggestions(two_things).values() for name in found.confidences}
    assert not any("prime" in found.confidences for found in suggestions(two_things).values())


# --- which field -------------------------------------------------------------------------------------------------


def test_suggestions_are_accepted_for_the_field_they_were_made_for_only(several):
    suggest(several, "kinds")
    for_kinds = suggestions(several)
    assert {found.field for found in for_kinds.values()} == {"kinds"}
    suggest(several.skip(140))  # the last ten get suggestions for ground_truth instead
    last = set(several.skip(140).values("id"))
    assert {found.field for item, found in suggestions(several).items() if item in last} == {"ground_truth"}
    with pytest.raises(ValueError, match="made for 'kinds', not for 'ground_truth'"):
        accept_suggestions(several, [next(iter(for_kinds.keys() - last))])
    confident = [item for item, found in suggestions(several).items() if item in last and found.sure]
    assert confident
    report = accept_suggestions(several, [*confident, *sorted(for_kinds.keys() - last)[:3]])
    assert set(report.queued) == set(confident)
    assert {label.field for label in pending_changes(several).labels} == {"ground_truth"}


def test_a_rejection_for_one_field_leaves_another_field_alone(several):
    several.clone_sample_field("ground_truth", "second")
    suggest(several)
    item, rejected = next(iter(suggestions(several).items()))
    acts.reject_suggestions(several, [item])
    suggest(several)
    assert suggestions(several).get(item, rejected).label != rejected.label or item not in suggestions(several)
    suggest(several, "second")
    assert suggestions(several)[item].label == rejected.label


# --- writing only what one can see -------------------------------------------------------------------------------


def test_suggesting_again_with_the_same_labels_writes_nothing(dataset):
    suggest(dataset)
    before = dataset.values("last_modified_at")
    suggest(dataset)
    assert dataset.values("last_modified_at") == before


def test_a_suggestion_that_moved_too_little_to_see_is_not_written_again(dataset):
    suggest(dataset)
    before = suggestions(dataset)
    set_label(dataset, [next(iter(before))], dataset[next(iter(before))].true_digit)
    save_changes(dataset)
    suggest(dataset, follow=False)
    after = suggestions(dataset)
    both = before.keys() & after.keys()
    assert len(both) > 40
    for item in both:
        old, new = before[item], after[item]
        assert new == old or (
            (old.label, old.sure) != (new.label, new.sure)
            or abs(old.confidence - new.confidence) >= 0.02
            or old.anchors != new.anchors
        )


def test_a_suggestion_never_keeps_an_anchor_that_lost_its_label(dataset):
    suggest(dataset)
    anchors = [anchor for found in suggestions(dataset).values() for anchor in found.anchors]
    gone = max(set(anchors), key=anchors.count)
    clear_labels(dataset.select(gone), which="all")
    save_changes(dataset)
    suggest(dataset, follow=False)
    assert suggestions(dataset)
    assert all(gone not in found.anchors for found in suggestions(dataset).values())


def test_where_all_is_labeled_nothing_is_suggested_any_more_and_what_was_goes(dataset):
    suggest(dataset)
    dataset.set_values("ground_truth", [fo.Classification(label=digit) for digit in dataset.values("true_digit")])
    assert suggest(dataset).suggested == 0
    assert not suggestions(dataset)


def test_labels_of_one_class_only_take_the_suggestions_away_and_the_fix_is_reported(dataset):
    suggest(dataset)
    clear_labels(dataset.match(fo.ViewField("ground_truth.label") != "3"), which="all")
    save_changes(dataset)
    report = suggest(dataset)
    assert (report.suggested, "label a sample of another class" in report.calibration) == (0, True)
    assert not suggestions(dataset)


def test_a_view_that_is_all_labeled_leaves_other_suggestions_alone(dataset):
    suggest(dataset)
    before = suggestions(dataset)
    acts.suggest_labels(dataset.exists("ground_truth"), embeddings="emb", precision=0.9)
    assert suggestions(dataset) == before


def test_a_class_called_other_reaches_whom_any_other_name_would(several):
    path = "kinds.classifications.label"
    anchor, name = several.first().id, several.first().kinds.classifications[0].label
    asked = {"embeddings": "emb", "field": "kinds", "reach": 20}
    usual = preview_neighbors(several, [anchor], name, **asked).ids
    renamed = [["other" if label == name else label for label in held or []] for held in several.values(path)]
    several.set_values(path, [held or None for held in renamed])
    assert preview_neighbors(several, [anchor], "other", **asked).ids == usual


# --- taking back -------------------------------------------------------------------------------------------------


def test_a_rejection_can_be_undone_and_is_then_forgotten(dataset):
    suggest(dataset)
    before = suggestions(dataset)
    items = list(before)[:3]
    assert acts.reject_suggestions(dataset, items) == 3
    assert suggestions(dataset).keys() == before.keys() - set(items)
    assert list_undo_steps(dataset)[0].title == "rejection of 3 suggestions"
    assert undo_last(dataset) == "Undid: rejection of 3 suggestions."
    assert suggestions(dataset) == before
    suggest(dataset)
    assert suggestions(dataset) == before


def test_undo_takes_back_rejections_labels_and_saves_newest_first(dataset):
    suggest(dataset)
    first, second, third = list(suggestions(dataset))[:3]
    set_label(dataset, [first], "x")
    save_changes(dataset)
    acts.reject_suggestions(dataset, [second])
    set_label(dataset, [third], "y")
    assert undo_last(dataset) == "Undid: label 1 sample “y”."
    assert undo_last(dataset) == "Undid: rejection of 1 suggestion."
    assert undo_last(dataset) == "Undid: save of 1 change."
    assert list_undo_steps(dataset) == []


def test_undoing_a_rejection_does_not_overwrite_a_newer_suggestion(dataset):
    suggest(dataset)
    item = next(iter(suggestions(dataset)))
    acts.reject_suggestions(dataset, [item])
    set_label(dataset, dataset.values("id")[:60], "other", replace=True)
    set_label(dataset, dataset.values("id")[:1], "another", replace=True)
    save_changes(dataset)
    suggest(dataset)
    newer = suggestions(dataset).get(item)
    undo_save(dataset)
    undo_last(dataset)
    assert newer is None or suggestions(dataset)[item] == newer


def test_all_confident_suggestions_are_accepted_as_one_action(dataset):
    suggest(dataset)
    report = accept_suggestions(dataset)
    assert len({label.label for label in pending_changes(dataset).labels}) > 1
    assert len(report.queued) == sum(found.sure for found in suggestions(dataset).values())
    undo_last(dataset)
    assert len(pending_changes(dataset)) == 0


# --- objects -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["several objects a sample", "one object a sample"])
def objects(request, make_digits_dataset):
    """Digits whose objects carry the labels: of three in every sample, or of the single one; a third is unlabeled."""
    dataset = make_digits_dataset(80, labeled=0)
    several = request.param.startswith("several")
    for row, sample in enumerate(dataset.iter_samples(autosave=True)):
        label = sample.true_digit if row % 3 else None
        boxes = [[0, 0, 1, 1], [0, 0, 1, 0.95], [0.02, 0, 0.95, 1]] if several else [[0, 0, 1, 1]]
        found = [fo.Detection(label=label, bounding_box=box) for box in boxes]
        sample["parts"] = fo.Detections(detections=found) if several else found[0]
    compute_embeddings(dataset, key="emb", patches_field="parts")
    return dataset


def labels_of(dataset):
    items = list_items(dataset, "parts")
    labels = read_labels(dataset, items, label_field(dataset, "parts", "parts"))
    return {
        item: labels.classes[code] if code >= 0 else None
        for item, code in zip(items.ids.tolist(), labels.codes.tolist(), strict=True)
    }


def test_suggestions_of_objects_are_accepted_cleared_and_undone_object_by_object(objects):
    before = labels_of(objects)
    acts.suggest_labels(objects, embeddings="emb", precision=0.6)
    held = suggestions(objects, "parts")
    assert len(held) >= 10
    assert held.keys() == {item for item, label in before.items() if label is None}
    chosen = list(held)[:4]
    accept_suggestions(objects, chosen, which="all", field="parts", patches_field="parts")
    save_changes(objects)
    after = labels_of(objects)
    assert after == before | {item: held[item].label for item in chosen}
    assert suggestions(objects, "parts").keys() >= held.keys() - set(chosen)
    clear_labels(objects, field="parts", patches_field="parts", which="ours")
    save_changes(objects)
    assert labels_of(objects) == before
    undo_save(objects)
    assert labels_of(objects) == after


def test_clearing_suggestions_of_objects_can_be_undone(objects):
    acts.suggest_labels(objects, embeddings="emb", precision=0.6)
    held = suggestions(objects, "parts")
    assert acts.clear_suggestions(objects, patches_field="parts") == len(held)
    assert not suggestions(objects, "parts")
    undo_save(objects)
    assert suggestions(objects, "parts") == held


def test_a_rejected_suggestion_of_an_object_leaves_the_others_of_its_sample(objects):
    acts.suggest_labels(objects, embeddings="emb", precision=0.6)
    held = suggestions(objects, "parts")
    item = list(held)[1 % len(held)]
    assert acts.reject_suggestions(objects, [item], patches_field="parts") == 1
    assert suggestions(objects, "parts").keys() == held.keys() - {item}
    undo_last(objects)
    assert suggestions(objects, "parts") == held


def test_deleted_objects_are_passed_over_and_come_back_with_their_suggestions(objects):
    acts.suggest_labels(objects, embeddings="emb", precision=0.6, follow=False)
    held = suggestions(objects, "parts")
    gone, kept = list(held)[:2], list(held)[2:5]
    delete_items(objects, gone, patches_field="parts")
    save_changes(objects)
    assert suggestions(objects, "parts").keys() == held.keys() - set(gone)
    report = accept_suggestions(objects, [*gone, *kept], field="parts", patches_field="parts")
    assert set(report.queued) == set(kept)
    assert acts.reject_suggestions(objects, gone, patches_field="parts") == 0
    acts.suggest_labels(objects, embeddings="emb", precision=0.6, follow=False)
    assert not suggestions(objects, "parts").keys() & set(gone)
    undo_save(objects)
    back = suggestions(objects, "parts")
    assert {item: back[item] for item in gone} == {item: held[item] for item in gone}
    acts.suggest_labels(objects, embeddings="emb", precision=0.6, follow=False)
    assert suggestions(objects, "parts").keys() == held.keys()


def test_samples_checked_and_found_empty_are_evidence_and_get_no_suggestion(make_digits_dataset):
    dataset = make_digits_dataset(200, labeled=0)
    digits = dict(zip(*dataset.values(["id", "true_digit"]), strict=True))
    known = dataset.values("id")[:100]
    dataset.delete_sample_field("ground_truth")
    target = label_field(dataset, "thing")
    ensure_label_field(dataset, target)
    label = {item: "zero" if int(digits[item]) == 0 else None for item in known if int(digits[item]) in (0, 1, 4)}
    values = {item: fo.Classification(label=name, labelscape="human") for item, name in label.items()}
    dataset.set_values("thing", values, key_field="id")
    compute_embeddings(dataset, key="emb")
    report = suggest(dataset, "thing")
    assert report.unlabeled == len(dataset) - len(label)
    made = dict(zip(dataset.values("id"), read_suggestions(dataset, list_items(dataset)), strict=True))
    assert [item for item in label if made[item] is not None] == []
    suggested = {item: one.label for item, one in made.items() if one is not None}
    assert set(suggested.values()) == {"zero"}  # “nothing there” is no label to suggest
    wrong = [item for item in suggested if int(digits[item]) in (1, 4)]  # such were looked at, and nothing was found
    assert len(wrong) <= 1
    assert set(next_to_label(dataset, embeddings="emb", field="thing", count=5)).isdisjoint(label)
