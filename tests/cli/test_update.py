"""`labelscape update`: what cron runs."""

import pytest
from labelscape.cli import app
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.functions import create_function
from labelscape.ml_backend.store.searches import Query
from typer.testing import CliRunner


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(50)
    compute_embeddings(dataset.limit(40), key="emb")
    create_function(dataset, Query("emb", tuple(dataset.limit(2).values("id"))), name="First", threshold=0.9)
    return dataset


def test_new_samples_are_embedded_and_scored_and_a_second_run_changes_nothing(dataset):
    result = CliRunner().invoke(app, ["update", dataset.name])
    assert result.exit_code == 0, result.output
    assert "Embedded 10 samples" in result.output
    assert "“First” scored 10 new samples" in result.output
    dataset.reload()
    assert None not in dataset.values("fn_first")
    before = dataset.values("last_modified_at")
    assert "Embedded" not in CliRunner().invoke(app, ["update", dataset.name]).output
    dataset.reload()
    assert dataset.values("last_modified_at") == before


def test_a_dataset_that_is_not_there_is_named_with_those_that_are(dataset):
    result = CliRunner().invoke(app, ["update", "nothing"])
    assert result.exit_code == 1
    assert "There is no dataset 'nothing'" in result.output
    assert dataset.name in result.output
