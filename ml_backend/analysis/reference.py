"""What held-out labels of reference datasets say about evidence, for datasets that have too few labels to hold out."""

from __future__ import annotations

import numpy as np

from .calibration import Reliability

# Mean and covariance of the logistic coefficients over 135 draws of 1 to 100 labels a class from six image, sound
# and text datasets, clean and with noise on the embeddings; `benchmarks/labeling_reference.py` measures them.
# Order: 1; log odds of the pooled guess, of the four voters; all agree; agreement over the dataset, by the log odds.
_MEAN = [-1.378, 0.752, 1.363, -0.317, 0.058, 0.082, 0.13, 0.369, 0.237]
_COVARIANCE = [  # lower triangle
    [0.1853],
    [0.1061, 0.3284],
    [0.1759, 0.1266, 1.6926],
    [-0.0149, -0.0786, -0.1522, 0.123],
    [0.0057, -0.0227, 0.0042, 0.0034, 0.021],
    [-0.0507, -0.0576, 0.0454, -0.0684, -0.014, 0.1141],
    [-0.013, 0.0875, -0.2009, -0.0098, -0.018, -0.018, 0.2182],
    [-0.1033, -0.0446, -0.1048, -0.0115, -0.0029, 0.0405, -0.0011, 0.1273],
    [-0.0605, -0.2437, -0.2801, 0.081, 0.0166, -0.0043, -0.0544, -0.0075, 0.3635],
]


def _reliability(mean: list[float], triangle: list[list[float]]) -> Reliability:
    lower = np.zeros((len(mean), len(mean)))
    for row, values in enumerate(triangle):
        lower[row, : len(values)] = values
    return Reliability(np.array(mean), lower + np.tril(lower, -1).T)


REFERENCE = _reliability(_MEAN, _COVARIANCE)
