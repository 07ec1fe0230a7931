"""If samples may have several labels, everything confident enough is proposed, and the target share of it is right."""

from __future__ import annotations

import numpy as np
import pytest
from labelscape.ml_backend.analysis.multi_label import Proposals, as_proposals, suggest_multi_label
from labelscape.ml_backend.analysis.neighbors import Neighbors, knn
from labelscape.ml_backend.analysis.propagation import suggest
from sklearn.datasets import load_digits

Data = tuple[np.ndarray, np.ndarray, Neighbors]
NAMES = ("even", "odd", "loop", "eight")


@pytest.fixture(scope="module")
def digits() -> Data:
    """Vectors, which of the classes (n, c) each of 900 digits has, and neighbors."""
    vectors, truth = (values[:900] for values in load_digits(return_X_y=True))
    having = np.column_stack([truth % 2 == 0, truth % 2 == 1, np.isin(truth, [0, 6, 8, 9]), truth == 8])
    return vectors.astype(np.float32), having, knn(vectors, 15)


def drawn(truth: np.ndarray, count: int) -> np.ndarray:
    """States (n, c), with some samples fully labeled: 1 = has the class, 0 = does not, -1 = unlabeled."""
    states = np.full(truth.shape, -1)
    labeled = np.random.default_rng(0).permutation(len(truth))[:count]
    states[labeled] = truth[labeled]
    return states


@pytest.fixture(scope="module")
def states(digits: Data) -> np.ndarray:
    """Of 80 digits it is known what they are."""
    return drawn(digits[1], 80)


@pytest.fixture(scope="module")
def made_proposals(digits: Data, states: np.ndarray) -> Proposals:
    return made(digits, states)


def made(data: Data, states: np.ndarray, precision: float = 0.95) -> Proposals:
    vectors, _, neighbors = data
    return suggest_multi_label(vectors, neighbors, lambda code: states[:, code], states.shape[1], precision=precision)


def test_of_several_accepted_labels_a_sample_the_wanted_share_is_right(
    digits: Data, states: np.ndarray, made_proposals: Proposals
) -> None:
    right = digits[1][made_proposals.rows, made_proposals.classes][made_proposals.accepted]
    assert right.mean() >= 0.94
    assert right.sum() >= 0.75 * digits[1][states[:, 0] < 0].sum()


def test_what_samples_surely_are_not_makes_no_doubtful_class_sure(digits: Data) -> None:
    states = drawn(digits[1], 40)[:, [NAMES.index("eight")]]  # nine in ten are surely no eight
    made_proposals = made(digits, states)
    assert (~made_proposals.accepted).any()
    assert not made_proposals.accepted.any() or made_proposals.confidence[made_proposals.accepted].mean() >= 0.95


def test_the_classes_of_a_sample_come_together_the_surest_first(made_proposals: Proposals) -> None:
    assert (np.diff(made_proposals.rows) >= 0).all()
    same = np.diff(made_proposals.rows) == 0
    assert same.sum() > 200
    assert (np.diff(made_proposals.confidence)[same] <= 0).all()
    assert (made_proposals.accepted[:-1] >= made_proposals.accepted[1:])[same].all()


def test_anchors_are_labeled_with_the_class_they_speak_for(states: np.ndarray, made_proposals: Proposals) -> None:
    for place in range(made_proposals.anchors.shape[1]):
        there = made_proposals.anchors[:, place] >= 0
        assert (states[made_proposals.anchors[there, place], made_proposals.classes[there]] == 1).all()


def test_a_class_that_everything_labeled_has_and_one_without_labels_leave_the_others_alone(
    digits: Data, states: np.ndarray, made_proposals: Proposals
) -> None:
    labeled = states[:, 0] >= 0
    everywhere, nowhere = np.where(labeled, 1, -1), np.where(labeled, 0, -1)
    unknown = np.full(len(states), -1)
    among = made(digits, np.column_stack([everywhere, nowhere, unknown, states]))
    assert np.array_equal(among.classes, made_proposals.classes + 3)
    assert np.array_equal(among.accepted, made_proposals.accepted)
    assert among.calibration == made_proposals.calibration == "calibrated on 80 labels"


def test_a_single_class_that_everything_labeled_has_is_answered_with_what_to_do(
    digits: Data, states: np.ndarray
) -> None:
    made_proposals = made(digits, np.where(states[:, :1] >= 0, 1, -1))
    assert len(made_proposals.rows) == 0
    assert "label a sample of another class" in made_proposals.calibration


def test_nothing_labeled_is_refused_with_what_to_do(digits: Data) -> None:
    with pytest.raises(ValueError, match="label at least one sample"):
        made(digits, np.full((len(digits[1]), 2), -1))


def test_progress_rises_and_what_it_raises_stops_the_work(digits: Data, states: np.ndarray) -> None:
    vectors, _, neighbors = digits
    seen: list[float] = []

    def stop_late(fraction: float, message: str) -> None:
        seen.append(fraction)
        if fraction > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        suggest_multi_label(vectors, neighbors, lambda code: states[:, code], len(NAMES), progress=stop_late)
    assert seen == [0, 0.25]


def test_one_label_a_sample_is_one_proposal_each(digits: Data, states: np.ndarray) -> None:
    vectors, _, neighbors = digits
    labels = states[:, NAMES.index("odd")]
    made_proposals = suggest(vectors, neighbors, labels, 2)
    proposals = as_proposals(made_proposals)
    unlabeled = labels < 0
    assert np.array_equal(proposals.rows, np.flatnonzero(unlabeled))
    assert np.array_equal(proposals.classes, made_proposals.labels[unlabeled])
    assert np.array_equal(proposals.confidence, made_proposals.confidence[unlabeled])
    assert np.array_equal(proposals.accepted, made_proposals.accepted[unlabeled])
    assert np.array_equal(proposals.anchors, made_proposals.anchors[unlabeled])
    assert (proposals.method, proposals.calibration) == (made_proposals.method, made_proposals.calibration.sentence)
