"""Texts, and a model fitted on them, that the text models are tested with."""

import numpy as np
import pytest
from labelscape.cli.synthetic import make_requests
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media


def texts(*lines):
    return [Media("", text=line) for line in lines]


@pytest.fixture(scope="session")
def requests():
    made = make_requests(count=300)
    return texts(*made.media), np.unique(made.classes, return_inverse=True)[1]


@pytest.fixture(scope="session")
def fitted(requests, tmp_path_factory):
    model = load("text-preprocessing")
    model.fit(requests[0])
    path = str(tmp_path_factory.mktemp("fitted") / "text.npz")
    model.save(path)
    return path
