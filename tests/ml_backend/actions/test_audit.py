"""An audit: a few random checks guarantee how many of all confident suggestions are right."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.audit import accept_audited, audit_result, start_audit
from labelscape.ml_backend.actions.queue import set_label
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.analysis.audit import lower_bound
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions


@pytest.fixture
def dataset(make_digits_dataset):
    """200 digits without labels, with a confident suggestion each: every tenth is wrong; 20 more are uncertain."""
    dataset = make_digits_dataset(220, labeled=0)
    items, truth = list_items(dataset), dataset.values("true_digit")
    suggestions = [
        Suggestion("x" if row % 10 == 0 else digit, 0.9, row < 200, [], "ground_truth")
        for row, digit in enumerate(truth)
    ]
    write_suggestions(dataset, items, suggestions)
    return dataset


def check(dataset, ids):
    """Label them as a person would who knows the truth."""
    truth = dict(zip(*dataset.values(["id", "true_digit"]), strict=True))
    for item in ids:
        set_label(dataset, [item], truth[item])


def test_checks_give_a_guarantee_that_holds_and_the_rest_can_be_accepted(dataset):
    started = start_audit(dataset, target=0.8, seed=0)
    assert started.population == 200
    assert started.view.values("id") == started.ids
    assert f"Check {len(started.ids)} suggestions, drawn at random from 200" in started.sentence()
    assert audit_result(dataset).guarantee is None
    check(dataset, started.ids)
    result = audit_result(dataset)
    assert result.left == 0
    assert result.guarantee.checked == len(started.ids)
    assert result.guarantee.bound <= 0.9
    save_changes(dataset)
    assert audit_result(dataset).guarantee == result.guarantee
    queued = accept_audited(dataset, anyway=True)
    assert len(queued.queued) == 200 - len(started.ids)
    with pytest.raises(Refusal, match="There is no audit yet"):
        audit_result(dataset)


def test_nothing_is_accepted_before_the_target_is_guaranteed(dataset):
    started = start_audit(dataset, target=0.9, seed=0)
    check(dataset, started.ids[:3])
    assert "left to check" in audit_result(dataset).sentence()
    with pytest.raises(Refusal, match="not accepted yet"):
        accept_audited(dataset)


def test_only_checks_without_a_gap_in_the_draw_count(dataset):
    started = start_audit(dataset, checks=20, seed=0)
    check(dataset, started.ids[5:])
    assert audit_result(dataset).guarantee is None
    check(dataset, started.ids[:2])
    result = audit_result(dataset)
    assert (result.guarantee.checked, result.left) == (2, 3)
    assert result.view.values("id") == started.ids[2:5]


def test_deleted_samples_count_as_wrong(dataset):
    started = start_audit(dataset, checks=20, seed=0)
    check(dataset, started.ids)
    save_changes(dataset)
    before = audit_result(dataset).guarantee
    suggested, truth = (dataset.values(path) for path in ("suggested_label.label", "true_digit"))
    right = {item for item, one, true in zip(dataset.values("id"), suggested, truth, strict=True) if one == true}
    dataset.delete_samples(next(item for item in started.ids if item in right))
    after = audit_result(dataset).guarantee
    assert (after.checked, after.right) == (20, before.right - 1)


def test_the_guarantee_holds_as_often_as_it_says(dataset):
    suggested, truth = (dataset.values(path) for path in ("suggested_label.label", "true_digit"))
    right = dict(zip(dataset.values("id"), np.asarray(suggested) == truth, strict=True))
    bounds = []
    for seed in range(30):
        started = start_audit(dataset, checks=20, seed=seed)
        bounds.append(lower_bound(sum(map(right.get, started.ids)), 20, population=started.population))
    assert sum(bound > 0.9 for bound in bounds) <= 4  # 1.5 are expected


def test_without_confident_suggestions_there_is_nothing_to_audit(make_digits_dataset):
    with pytest.raises(Refusal, match="run “Labelscape: suggest labels” first"):
        start_audit(make_digits_dataset(10))


def test_objects_are_audited_too(make_digits_dataset):
    dataset = make_digits_dataset(30)
    boxes = [fo.Detections(detections=[fo.Detection(bounding_box=[0, 0, 0.5, 0.5])]) for _ in range(30)]
    dataset.set_values("boxes", boxes)
    items = list_items(dataset, "boxes")
    write_suggestions(dataset, items, [Suggestion("a", 0.9, True, [], "boxes")] * 30)
    started = start_audit(dataset, field="boxes", patches_field="boxes", seed=0)
    assert started.population == 30
    assert started.view.count("boxes.detections" if not started.view._is_patches else "id") == len(started.ids)
