"""In a grouped dataset “all samples” are those of all slices, whichever slice is active."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.actions.accept import accept_suggestions
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.actions.queue import clear_labels, count_clearable
from labelscape.ml_backend.actions.rank import find_duplicates, rank_mislabels, rank_outliers
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.actions.suggest import clear_suggestions, reject_suggestions, suggest_labels
from labelscape.ml_backend.store.items import every_sample, list_items
from labelscape.ml_backend.store.suggestions import read_suggestions

_GROUPS, _LABELED = 24, 8


@pytest.fixture
def pairs(tmp_path):
    """24 pairs of a left and a right sample with embeddings; the samples of the first eight pairs are labeled."""
    paths, _ = write_digits(tmp_path, count=2 * _GROUPS)
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    names = iter(paths)
    for number in range(_GROUPS):
        group = fo.Group()
        kind = fo.Classification(label="ab"[number % 2]) if number < _LABELED else None
        members = [fo.Sample(filepath=str(next(names)), group=group.element(side), kind=kind) for side in SIDES]
        dataset.add_samples(members)
    items = list_items(dataset)
    near = np.eye(2)[[of_pair(dataset, item) % 2 for item in items.ids.tolist()]]
    vectors = np.hstack([near, np.random.default_rng(0).normal(0, 0.02, (len(items), 14))])
    import_embeddings(dataset, key="e", ids=items.ids.tolist(), vectors=vectors, source="a test")
    yield dataset
    dataset.delete()


SIDES = ("left", "right")


def of_pair(dataset, item):
    """The number of the pair that a sample belongs to."""
    return every_sample(dataset).values("id").index(item) // 2


def kinds(dataset):
    return dict(zip(*every_sample(fo.load_dataset(dataset.name)).values(["id", "kind.label"]), strict=True))


@pytest.mark.parametrize("active", SIDES)
def test_suggestions_reach_all_slices_and_are_accepted_saved_and_undone(pairs, active):
    pairs.group_slice = active
    items = list_items(pairs)
    report = suggest_labels(pairs, embeddings="e", field="kind")
    unlabeled = 2 * (_GROUPS - _LABELED)
    assert (report.unlabeled, report.suggested) == (unlabeled, unlabeled)
    pairs.group_slice = "right"  # the next run of another process may find another slice active
    made = read_suggestions(pairs, items)
    expected = {item: "ab"[of_pair(pairs, item) % 2] for item in items.ids.tolist()}
    assert all(one is None or one.label == expected[item] for item, one in zip(items.ids.tolist(), made, strict=True))
    assert sum(one is not None for one in made) == unlabeled
    queued = accept_suggestions(pairs, which="all", field="kind")
    assert len(queued.queued) == unlabeled
    assert save_changes(pairs).labels == unlabeled
    assert kinds(pairs) == expected
    undo_save(pairs)
    assert list(kinds(pairs).values()).count(None) == unlabeled


def test_suggestions_of_a_slice_that_is_not_active_are_rejected_and_cleared(pairs):
    suggest_labels(pairs, embeddings="e", field="kind")
    right = pairs.select_group_slices("right").values("id")[-3:]
    assert reject_suggestions(pairs, right) == 3
    items = list_items(pairs)
    left = [item for item, one in zip(items.ids.tolist(), read_suggestions(pairs, items), strict=True) if one]
    assert len(left) == 2 * (_GROUPS - _LABELED) - 3
    assert set(left).isdisjoint(right)
    assert clear_suggestions(pairs) == len(left)
    assert set(read_suggestions(pairs, items)) == {None}


def test_rankings_score_all_slices(pairs):
    assert len(rank_outliers(pairs, embeddings="e").ids) == 2 * _GROUPS
    assert len(rank_mislabels(pairs, embeddings="e", field="kind").ids) == 2 * _LABELED
    assert len(find_duplicates(pairs, embeddings="e", threshold=1.0).ids) == 2 * _GROUPS
    scores = every_sample(fo.load_dataset(pairs.name)).values("outlier_score")
    assert None not in scores


def test_labels_of_all_slices_are_counted_and_cleared(pairs):
    assert count_clearable(pairs, field="kind").imported == 2 * _LABELED
    assert len(clear_labels(pairs, field="kind", which="all").queued) == 2 * _LABELED
    save_changes(pairs)
    assert set(kinds(pairs).values()) == {None}
    undo_save(pairs)
    assert list(kinds(pairs).values()).count(None) == 2 * (_GROUPS - _LABELED)


def test_labels_of_all_members_of_dynamic_groups_are_cleared(make_digits_dataset):
    dataset = make_digits_dataset(6, labeled=6)
    dataset.set_values("scene", ["x", "x", "x", "y", "y", "z"])
    scenes = dataset.group_by("scene")
    assert count_clearable(scenes).imported == 6
    assert len(clear_labels(scenes, which="all").queued) == 6
