"""Suggestions are accepted and rejected for their own field, and both can be undone."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions import suggest as acts
from labelscape.ml_backend.actions.accept import accept_suggestions
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.queue import clear_labels, delete_items, set_label
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.labels import label_field, read_labels
from labelscape.ml_backend.store.pending_changes import pending_changes

from .suggesting import suggest, suggestions


@pytest.fixture
def dataset(embedded_digits):
    return embedded_digits


def test_suggestions_are_accepted_for_the_field_they_were_made_for_only(several):
    suggest(several, "kinds")
    for_kinds = suggestions(several)
    assert {suggestion.field for suggestion in for_kinds.values()} == {"kinds"}
    suggest(several.skip(140))  # the last ten get suggestions for ground_truth instead
    last = set(several.skip(140).values("id"))
    assert {suggestion.field for item, suggestion in suggestions(several).items() if item in last} == {"ground_truth"}
    with pytest.raises(ValueError, match="made for 'kinds', not for 'ground_truth'"):
        accept_suggestions(several, [next(iter(for_kinds.keys() - last))])
    confident = [item for item, suggestion in suggestions(several).items() if item in last and suggestion.sure]
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
    assert len(report.queued) == sum(suggestion.sure for suggestion in suggestions(dataset).values())
    undo_last(dataset)
    assert len(pending_changes(dataset)) == 0


@pytest.fixture(params=["several objects a sample", "one object a sample"])
def objects(request, make_digits_dataset):
    """Digits whose objects carry the labels: of three in every sample, or of the single one; a third is unlabeled."""
    dataset = make_digits_dataset(80, labeled=0)
    several = request.param.startswith("several")
    for row, sample in enumerate(dataset.iter_samples(autosave=True)):
        label = sample.true_digit if row % 3 else None
        boxes = [[0, 0, 1, 1], [0, 0, 1, 0.95], [0.02, 0, 0.95, 1]] if several else [[0, 0, 1, 1]]
        detections = [fo.Detection(label=label, bounding_box=box) for box in boxes]
        sample["parts"] = fo.Detections(detections=detections) if several else detections[0]
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
    proposed = suggestions(objects, "parts")
    assert len(proposed) >= 10
    assert proposed.keys() == {item for item, label in before.items() if label is None}
    chosen = list(proposed)[:4]
    accept_suggestions(objects, chosen, which="all", field="parts", patches_field="parts")
    save_changes(objects)
    after = labels_of(objects)
    assert after == before | {item: proposed[item].label for item in chosen}
    assert suggestions(objects, "parts").keys() >= proposed.keys() - set(chosen)
    clear_labels(objects, field="parts", patches_field="parts", which="ours")
    save_changes(objects)
    assert labels_of(objects) == before
    undo_save(objects)
    assert labels_of(objects) == after


def test_clearing_suggestions_of_objects_can_be_undone(objects):
    acts.suggest_labels(objects, embeddings="emb", precision=0.6)
    proposed = suggestions(objects, "parts")
    assert acts.clear_suggestions(objects, patches_field="parts") == len(proposed)
    assert not suggestions(objects, "parts")
    undo_save(objects)
    assert suggestions(objects, "parts") == proposed


def test_a_rejected_suggestion_of_an_object_leaves_the_others_of_its_sample(objects):
    acts.suggest_labels(objects, embeddings="emb", precision=0.6)
    proposed = suggestions(objects, "parts")
    item = list(proposed)[1 % len(proposed)]
    assert acts.reject_suggestions(objects, [item], patches_field="parts") == 1
    assert suggestions(objects, "parts").keys() == proposed.keys() - {item}
    undo_last(objects)
    assert suggestions(objects, "parts") == proposed


def test_deleted_objects_are_passed_over_and_come_back_with_their_suggestions(objects):
    acts.suggest_labels(objects, embeddings="emb", precision=0.6, follow=False)
    proposed = suggestions(objects, "parts")
    gone, kept = list(proposed)[:2], list(proposed)[2:5]
    delete_items(objects, gone, patches_field="parts")
    save_changes(objects)
    assert suggestions(objects, "parts").keys() == proposed.keys() - set(gone)
    report = accept_suggestions(objects, [*gone, *kept], field="parts", patches_field="parts")
    assert set(report.queued) == set(kept)
    assert acts.reject_suggestions(objects, gone, patches_field="parts") == 0
    acts.suggest_labels(objects, embeddings="emb", precision=0.6, follow=False)
    assert not suggestions(objects, "parts").keys() & set(gone)
    undo_save(objects)
    back = suggestions(objects, "parts")
    assert {item: back[item] for item in gone} == {item: proposed[item] for item in gone}
    acts.suggest_labels(objects, embeddings="emb", precision=0.6, follow=False)
    assert suggestions(objects, "parts").keys() == proposed.keys()
