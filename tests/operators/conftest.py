"""Fixtures of the tests of the operator menu."""

import pytest

from .menu import run


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(150, labeled=60)


@pytest.fixture
def embedded(dataset):
    run("compute_embeddings", dataset, key="emb", way="preprocessing")
    return dataset
