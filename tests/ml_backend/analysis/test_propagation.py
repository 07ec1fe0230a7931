"""Suggestions keep the target precision, report their confidence, and abstain if there is no evidence for a label."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.neighbors import Neighbors, knn
from labelscape.ml_backend.analysis.propagation import Suggestions, suggest
from sklearn.datasets import load_digits

Data = tuple[np.ndarray, np.ndarray, Neighbors]


@pytest.fixture(scope="module")
def digits() -> Data:
    vectors, truth = load_digits(return_X_y=True)
    return vectors.astype(np.float32), truth, knn(vectors, 15)


def drawn(truth: np.ndarray, each: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    labels = np.full(len(truth), -1)
    for name in np.unique(truth):
        labels[random.permutation(np.flatnonzero(truth == name))[:each]] = name
    return labels


def made(data: Data, each: int, precision: float = 0.95, seed: int = 0) -> tuple[Suggestions, np.ndarray]:
    vectors, truth, neighbors = data
    labels = drawn(truth, each, seed)
    return suggest(vectors, neighbors, labels, 10, precision=precision, seed=seed), labels


@pytest.mark.parametrize("each", [3, 10, 30])
@pytest.mark.parametrize("precision", [0.9, 0.95])
def test_accepted_suggestions_keep_the_target_precision_on_average(digits: Data, each: int, precision: float) -> None:
    real = []
    for seed in range(3):
        suggestions, _ = made(digits, each, precision, seed)
        real.append((suggestions.labels == digits[1])[suggestions.accepted].mean())
    assert np.mean(real) >= precision - 0.01


def test_a_few_labels_reach_most_of_the_digits(digits: Data) -> None:
    suggestions, labels = made(digits, 10)
    assert suggestions.accepted.sum() >= 0.8 * (labels < 0).sum()


def test_confidence_is_about_the_share_that_is_right(digits: Data) -> None:
    suggestions, labels = made(digits, 30)
    unlabeled = labels < 0
    assert suggestions.confidence[unlabeled].mean() == pytest.approx(
        (suggestions.labels == digits[1])[unlabeled].mean(), abs=0.04
    )


def test_one_label_per_class_is_said_to_be_too_few_to_calibrate(digits: Data) -> None:
    suggestions, labels = made(digits, 1)
    assert suggestions.calibration.held_out == 0
    assert "only 10 labels: too few to calibrate" in suggestions.calibration.sentence
    assert suggestions.accepted.sum() < 0.5 * (labels < 0).sum()


def test_many_labels_are_said_to_be_enough_to_calibrate(digits: Data) -> None:
    suggestions, _ = made(digits, 30)
    assert suggestions.calibration.sentence == "calibrated on 300 labels"
    assert 0 < suggestions.calibration.uncertainty < 0.05


def test_noise_gets_no_accepted_suggestion() -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((600, 32)).astype(np.float32)
    labels = drawn(random.integers(0, 4, 600), 20)
    assert suggest(vectors, None, labels, 4, precision=0.9).accepted.mean() < 0.02


def test_labeled_samples_get_no_suggestion(digits: Data) -> None:
    suggestions, labels = made(digits, 10)
    assert (suggestions.labels[labels >= 0] == -1).all()
    assert not suggestions.accepted[labels >= 0].any()


def test_anchors_are_labeled_samples_of_the_suggested_class(digits: Data) -> None:
    suggestions, labels = made(digits, 10)
    suggested = np.flatnonzero(suggestions.labels >= 0)
    assert (labels[suggestions.anchors[suggested]] == suggestions.labels[suggested][:, None]).all()


def test_anchors_are_padded_where_a_class_has_fewer_labels(digits: Data) -> None:
    suggestions, _ = made(digits, 1)
    suggested = np.flatnonzero(suggestions.labels >= 0)
    assert (suggestions.anchors[suggested, 0] >= 0).all()
    assert (suggestions.anchors[suggested, 1:] == -1).all()


def test_same_seed_gives_the_same_suggestions(digits: Data) -> None:
    one, other = made(digits, 3)[0], made(digits, 3)[0]
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.confidence, other.confidence)


def test_class_without_labels_is_never_suggested(digits: Data) -> None:
    vectors, truth, neighbors = digits
    labels = drawn(truth, 5)
    labels[labels == 7] = -1
    assert not (suggest(vectors, neighbors, labels, 10).labels == 7).any()


def test_a_single_class_is_answered_with_what_to_do(digits: Data) -> None:
    vectors, truth, neighbors = digits
    labels = np.where(np.arange(len(truth)) < 3, 0, -1)
    suggestions = suggest(vectors, neighbors, labels, 10)
    assert (suggestions.labels == -1).all()
    assert "label a sample of another class" in suggestions.calibration.sentence


def test_everything_labeled_leaves_nothing_to_suggest(digits: Data) -> None:
    vectors, truth, neighbors = digits
    suggestions = suggest(vectors, neighbors, truth, 10)
    assert not suggestions.accepted.any()
    assert suggestions.calibration.sentence == "everything is labeled"


def test_nothing_labeled_is_refused_with_what_to_do(digits: Data) -> None:
    vectors, truth, neighbors = digits
    with pytest.raises(ValueError, match="label at least one sample"):
        suggest(vectors, neighbors, np.full(len(truth), -1), 10)


@pytest.mark.parametrize("precision", [0.0, 0.49, 1.01])
def test_precision_out_of_range_is_refused(digits: Data, precision: float) -> None:
    vectors, truth, neighbors = digits
    with pytest.raises(ValueError, match=f"got {precision}"):
        suggest(vectors, neighbors, drawn(truth, 1), 10, precision=precision)


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.full(1797, 10), np.full(1797, -2), np.zeros(1797)], ids=str)
def test_labels_that_do_not_fit_are_refused(digits: Data, labels: np.ndarray) -> None:
    vectors, _, neighbors = digits
    with pytest.raises(ValueError, match="labels must"):
        suggest(vectors, neighbors, labels, 10)


def test_a_neighbor_table_of_other_samples_is_refused(digits: Data) -> None:
    vectors, truth, neighbors = digits
    with pytest.raises(ValueError, match="compute the neighbors again"):
        suggest(vectors[:-1], neighbors, drawn(truth, 2)[:-1], 10)


def test_disagreeing_labels_on_exact_duplicates_are_not_believed() -> None:
    random = np.random.default_rng(0)
    centers = random.standard_normal((2, 16)) * 3
    vectors = np.repeat(centers, 100, axis=0) + 0.3 * random.standard_normal((200, 16))
    vectors[:20] = vectors[0]
    labels = np.full(200, -1)
    labels[:10], labels[100:110] = [0, 1] * 5, 1
    suggestions = suggest(vectors, None, labels, 2)
    assert suggestions.confidence[10:20].max() < suggestions.confidence[110:].mean()


@pytest.mark.parametrize("seed", range(3))
def test_an_isolated_zero_vector_gets_no_suggestion(digits: Data, seed: int) -> None:
    vectors, truth, _ = digits
    with_zero = np.concatenate([vectors[:500], np.zeros((1, 64), np.float32)])
    labels = drawn(np.append(truth[:500], 0), 5, seed)
    labels[-1] = -1
    suggestions = suggest(with_zero, None, labels, 10)
    assert (suggestions.labels[-1], suggestions.accepted[-1], suggestions.confidence[-1]) == (-1, False, 0)


def test_progress_rises_and_what_it_raises_stops_the_work(digits: Data) -> None:
    vectors, truth, neighbors = digits
    seen: list[float] = []
    suggest(vectors, neighbors, drawn(truth, 2), 10, progress=lambda fraction, message: seen.append(fraction))
    assert seen == sorted(seen)
    assert 0 <= seen[0] <= seen[-1] <= 1

    def stop(fraction: float, message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        suggest(vectors, neighbors, drawn(truth, 2), 10, progress=stop)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 10_000))
def test_any_small_dataset_gets_probabilities(n: int, dim: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.integers(-1, 2, (n, dim)).astype(np.float32)
    labels = random.integers(-1, 3, n)
    labels[0] = 0
    suggestions = suggest(vectors, None, labels, 3)
    assert ((suggestions.confidence >= 0) & (suggestions.confidence <= 1)).all()
    assert (suggestions.labels[labels >= 0] == -1).all()
    assert np.isin(suggestions.labels, [-1, *labels[labels >= 0]]).all()


def test_one_more_label_moves_few_confidences(digits: Data) -> None:
    vectors, truth, neighbors = digits
    labels = drawn(truth, 20)
    before = suggest(vectors, neighbors, labels, 10)
    labels[np.flatnonzero(labels < 0)[0]] = truth[np.flatnonzero(labels < 0)[0]]
    after = suggest(vectors, neighbors, labels, 10)
    assert (np.abs(before.confidence - after.confidence) > 0.05).mean() < 0.05
