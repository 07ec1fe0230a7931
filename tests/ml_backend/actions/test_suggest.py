"""Suggestions: what counts as evidence, and what is rewritten."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions import suggest as acts
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.label_neighbors import preview_neighbors
from labelscape.ml_backend.actions.next_best import next_to_label
from labelscape.ml_backend.actions.queue import clear_labels, set_label
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.labels import ensure_label_field, label_field, read_labels, with_pending
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.suggestions import read_suggestions

from .suggesting import classifications, parity, suggest, suggestions


@pytest.fixture
def dataset(embedded_digits):
    return embedded_digits


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
    anchors = [anchor for suggestion in suggestions(dataset).values() for anchor in suggestion.anchors]
    gone = max(set(anchors), key=anchors.count)
    clear_labels(dataset.select(gone), which="all")
    save_changes(dataset)
    suggest(dataset, follow=False)
    assert suggestions(dataset)
    assert all(gone not in suggestion.anchors for suggestion in suggestions(dataset).values())


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
    report = acts.suggest_labels(dataset.exists("ground_truth"), embeddings="emb", precision=0.9)
    assert suggestions(dataset) == before
    assert report.outcome() == "Nothing to suggest: all of these items are already labeled."


def test_a_class_called_other_reaches_whom_any_other_name_would(several):
    path = "kinds.classifications.label"
    anchor, name = several.first().id, several.first().kinds.classifications[0].label
    settings = {"embeddings": "emb", "field": "kinds", "reach": 20}
    usual = preview_neighbors(several, [anchor], name, **settings).ids
    renamed = [["other" if label == name else label for label in names or []] for names in several.values(path)]
    several.set_values(path, [names or None for names in renamed])
    assert preview_neighbors(several, [anchor], "other", **settings).ids == usual


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
