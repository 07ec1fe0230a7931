"""Motions, and a model fitted on them, that the series models are tested with."""

import numpy as np
import pytest
from labelscape.cli.synthetic import write_motions
from labelscape.ml_backend.embedding import load


@pytest.fixture(scope="session")
def motions(tmp_path_factory):
    made = write_motions(tmp_path_factory.mktemp("motions"), count=240)
    return made.media, np.unique(made.classes, return_inverse=True)[1]


@pytest.fixture(scope="session")
def fitted(motions, tmp_path_factory):
    model = load("series-preprocessing")
    model.fit(motions[0])
    path = tmp_path_factory.mktemp("fitted") / "series.npz"
    model.save(str(path))
    return str(path)
