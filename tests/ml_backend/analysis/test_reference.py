"""The measured coefficients make a plausible calibration before any label is held out."""

import numpy as np
from labelscape.ml_backend.analysis.reference import REFERENCE, SECOND, reliability
from labelscape.ml_backend.analysis.representativeness import FEATURES


def test_a_lower_triangle_becomes_a_symmetric_covariance():
    made = reliability([1.0, 2.0], [[0.5], [-0.1, 0.7]])

    assert made.mean.tolist() == [1, 2]
    assert made.covariance.tolist() == [[0.5, -0.1], [-0.1, 0.7]]


def test_the_reference_is_a_distribution_of_one_coefficient_for_each_piece_of_evidence():
    assert REFERENCE.covariance.shape == (10, 10) == (len(REFERENCE.mean), len(REFERENCE.mean))
    assert (np.linalg.eigvalsh(REFERENCE.covariance) > 0).all()
    assert len(SECOND) == len(FEATURES)


def test_unanimous_confident_voters_are_trusted_and_divided_ones_are_not():
    unanimous = np.array([[1, 4, 4, 4, 4, 4, 4, 1, 2, 8 / 3]])
    divided = np.array([[1, 0.1, 0.1, -0.1, 0.1, -0.1, 0, 0, 0, 0]])

    assert REFERENCE.probability(unanimous)[0] > 0.8
    assert REFERENCE.probability(divided)[0] < 0.5
