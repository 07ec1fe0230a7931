"""Coefficients measured on reference datasets, for datasets that have too few labels to hold any out."""

from __future__ import annotations

import numpy as np

from .calibration import Reliability

# Mean and covariance of the logistic coefficients over 130 draws of 1 to 100 labels a class from six image, sound
# and text datasets, clean and with noise on the embeddings; `benchmarks/labeling_reference.py` measures them.
# Order: 1; log odds of the pooled guess, of the five voters; all agree; agreement over the dataset, by the log odds.
_MEAN = [-1.387, 0.507, 0.082, 0.241, -0.151, 0.085, 0.072, 0.056, 0.36, 0.658]
_COVARIANCE = [  # lower triangle
    [0.1853],
    [0.0445, 0.2381],
    [-0.2155, -0.2211, 2.6639],
    [0.0803, -0.0135, -0.7072, 0.3257],
    [0.015, -0.0412, 0.2243, -0.0957, 0.1346],
    [0.0202, -0.0179, -0.0403, 0.023, 0.0108, 0.0207],
    [-0.0358, -0.0187, -0.1341, 0.0817, -0.102, -0.0222, 0.1243],
    [-0.0116, 0.0289, -0.0558, -0.0261, -0.0383, -0.0139, 0.0194, 0.1722],
    [-0.077, -0.0139, -0.121, 0.0312, -0.0073, 0.0025, 0.0122, -0.0098, 0.1276],
    [-0.0328, -0.1674, 0.0907, -0.0423, 0.0452, 0.0116, -0.0306, -0.0244, -0.0175, 0.3673],
]


def reliability(mean: list[float], triangle: list[list[float]]) -> Reliability:
    """Build a `Reliability` from the benchmark's output: coefficients and the lower triangle of their covariance."""
    lower = np.zeros((len(mean), len(mean)))
    for row, values in enumerate(triangle):
        lower[row, : len(values)] = values
    return Reliability(np.array(mean), lower + np.tril(lower, -1).T)


REFERENCE = reliability(_MEAN, _COVARIANCE)

# Weights of the second calibration, in the order of `representativeness.FEATURES`: 420 labelings of ten datasets by
# ten simulated ways of labeling (`benchmarks/labeling_ways.py`); `benchmarks/labeling_reference.py` fits them.
SECOND = np.array(
    [
        0.5587,
        0.4608,
        0.0294,
        0.0591,
        0.9612,
        0.4109,
        1.3577,
        6.9944,
        1.8863,
        -2.8897,
        -7.4212,
        11.6661,
        -0.9901,
        0.1706,
        0.5158,
        -0.2164,
        3.6063,
        0.1789,
        -1.0345,
        -0.3563,
    ]
)
