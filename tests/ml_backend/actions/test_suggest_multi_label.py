"""Items with several classes: each class is suggested, accepted, and rejected by itself."""

from dataclasses import replace

import fiftyone as fo
import numpy as np
from labelscape.ml_backend.actions import suggest as acts
from labelscape.ml_backend.actions.accept import accept_suggestions
from labelscape.ml_backend.actions.queue import clear_labels
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.actions.undo import undo_last
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.suggestions import remember_rejections

from .suggesting import parity, shape, suggest, suggestions


def true_classes(dataset):
    """Item id → the shape and the parity of the digit."""
    return {
        item: {shape(digit), parity(digit)} for item, digit in zip(*dataset.values(["id", "true_digit"]), strict=True)
    }


def test_an_item_that_is_two_things_is_suggested_both_where_both_are_sure(two_things):
    report = suggest(two_things, "kinds")
    made, truth = suggestions(two_things), true_classes(two_things)
    assert report.suggested == len(made) <= report.unlabeled == 80
    both = [item for item, suggestion in made.items() if suggestion.confidences.keys() == truth[item]]
    assert len(both) > 40
    proposed = [(item, name) for item, suggestion in made.items() if suggestion.sure for name in suggestion.confidences]
    assert np.mean([name in truth[item] for item, name in proposed]) >= 0.9
    for suggestion in made.values():
        assert suggestion.sure or not suggestion.more
        assert list(suggestion.confidences.values()) == sorted(suggestion.confidences.values(), reverse=True)


def test_every_class_suggested_has_an_anchor_that_is_labeled_with_it(two_things):
    suggest(two_things, "kinds")
    labeled = true_classes(two_things.limit(80))
    assert all(
        name in labeled[anchor]
        for suggestion in suggestions(two_things).values()
        for name, anchor in suggestion.nearest.items()
    )


def test_all_classes_suggested_are_accepted_and_saved_with_confidence_and_anchor(two_things):
    suggest(two_things, "kinds")
    item, suggestion = next(
        (item, suggestion) for item, suggestion in suggestions(two_things).items() if suggestion.more
    )
    report = accept_suggestions(two_things, [item], field="kinds")
    assert set(report.queued) == {item}
    waiting = pending_changes(two_things).labels
    assert {label.label: label.confidence for label in waiting} == suggestion.confidences
    assert {label.label: label.anchor for label in waiting} == suggestion.nearest
    save_changes(two_things)
    saved = fo.load_dataset(two_things.name)[item].kinds.classifications
    assert {label.label: label.labelscape for label in saved} == dict.fromkeys(suggestion.confidences, "neighbors")
    undo_save(two_things)
    assert not two_things.select(item).values("kinds.classifications.label", unwind=True)


def test_a_rejection_takes_all_classes_of_an_item_and_leaves_those_it_was_not_suggested(two_things):
    suggest(two_things, "kinds")
    before = suggestions(two_things)
    item, rejected = next((item, suggestion) for item, suggestion in before.items() if suggestion.more)
    other = next(other for other, suggestion in before.items() if other != item and suggestion.label == rejected.label)
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
    item, suggestion = next(
        (item, suggestion) for item, suggestion in suggestions(two_things).items() if suggestion.more
    )
    first = replace(suggestion, more=(), more_confidence=(), more_anchors=())
    with remember_rejections(two_things, None, {item: first}):
        pass
    suggest(two_things, "kinds", follow=False)
    assert tuple(suggestions(two_things)[item].confidences) == suggestion.more


def test_suggesting_several_classes_again_writes_nothing(two_things):
    suggest(two_things, "kinds")
    before = two_things.values("last_modified_at")
    suggest(two_things, "kinds")
    assert two_things.values("last_modified_at") == before


def test_no_class_keeps_an_anchor_that_lost_its_label(two_things):
    suggest(two_things, "kinds")
    anchors = [anchor for suggestion in suggestions(two_things).values() for anchor in suggestion.more_anchors]
    gone = max(set(anchors), key=anchors.count)
    clear_labels(two_things.select(gone), field="kinds", which="all")
    save_changes(two_things)
    suggest(two_things, "kinds", follow=False)
    made = suggestions(two_things)
    assert made
    assert all(gone not in [*suggestion.anchors, *suggestion.more_anchors] for suggestion in made.values())


def test_a_class_that_only_followed_neighbors_does_not_stop_the_others(two_things):
    one = two_things.first()
    one.kinds.classifications.append(fo.Classification(label="prime", labelscape="neighbors"))
    one.save()
    two_things.add_sample_field("kinds.classifications.labelscape", fo.StringField)
    suggest(two_things, "kinds")
    assert {"even", "odd"} <= {
        name for suggestion in suggestions(two_things).values() for name in suggestion.confidences
    }
    assert not any("prime" in suggestion.confidences for suggestion in suggestions(two_things).values())
