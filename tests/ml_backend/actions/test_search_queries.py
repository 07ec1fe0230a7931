"""Queries by example become scorers, and report how well they score."""

from dataclasses import replace

import numpy as np
import pytest
from labelscape.ml_backend.actions.search_queries import describe_query, fit_query, reads_texts
from labelscape.ml_backend.analysis.probe import Fitted, HeldOut
from labelscape.ml_backend.analysis.search import Scorer, unit_vectors
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.search_tables import MemoryTable
from labelscape.ml_backend.store.searches import Query

from .clusters import cluster_vectors, embed_clusters

MEAN, PROBE = Scorer("mean", np.ones(1, np.float32)), Scorer("probe", np.ones(1, np.float32))


@pytest.mark.parametrize(
    ("fitted", "sentence"),
    [
        (Fitted(MEAN, None), "Scored by similarity to the mean of the examples."),
        (
            Fitted(PROBE, HeldOut(0.925, 0.9, 1200, 7)),
            "Scored by a linear probe of 1,200 positive and 7 negative marks: on held-out marks, a positive scores "
            "higher than a negative 92% of the time.",
        ),
        (
            Fitted(MEAN, HeldOut(0.5, 0.9, 6, 7)),
            "Scored by similarity to the mean of the examples, which ranks held-out marks at least as well as a probe "
            "(6 positive and 7 negative marks: on held-out marks, a positive scores higher than a negative 50% of the "
            "time).",
        ),
    ],
)
def test_how_a_query_scores_is_reported_with_its_quality_on_held_out_marks(fitted, sentence):
    quality = describe_query(Query("emb", ("a", "b")), fitted)

    assert quality.sentence == sentence
    assert quality.auc == (fitted.held_out.auc if fitted.held_out else None)


@pytest.mark.parametrize(
    ("query", "compared"),
    [
        (Query("emb", ("a",)), "the example"),
        (Query("emb", text="a bird"), "the text"),
        (Query("emb", image_vector=(1.0,)), "the uploaded image"),
        (Query("emb", ("a",), text="a bird"), "the mean of the example and the text"),
        (
            Query("emb", ("a", "b"), text="a bird", image_vector=(1.0,)),
            "the mean of the examples, the text, and the uploaded image",
        ),
    ],
)
def test_what_results_are_compared_with_is_what_was_searched_for(query, compared):
    assert describe_query(query, Fitted(MEAN, None)).sentence == f"Scored by similarity to {compared}."


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(40)
    embed_clusters(dataset)
    return dataset


def table_of(dataset):
    return MemoryTable("emb", list_items(dataset, None), unit_vectors(cluster_vectors(dataset)))


def test_a_query_is_fitted_once_for_the_same_vectors_and_again_for_new_ones(dataset):
    table = table_of(dataset)
    query = Query("emb", tuple(dataset.values("id")[:2]))

    first = fit_query(dataset, query, table)

    assert fit_query(dataset, query, table) is first
    assert fit_query(dataset, replace(query, negatives=tuple(dataset.values("id")[5:6])), table) is not first
    assert fit_query(dataset, query, table_of(dataset)) is not first


def test_an_image_counts_as_one_more_example(dataset):
    table = table_of(dataset)
    first, second = dataset.values("id")[:2]

    examples = fit_query(dataset, Query("emb", (first, second)), table)
    image = fit_query(dataset, Query("emb", (first,), image_vector=tuple(table.unit[1].tolist())), table)

    np.testing.assert_allclose(examples.scorer.weights, image.scorer.weights, atol=1e-6)


def test_imported_vectors_are_not_searched_by_text(dataset):
    assert not reads_texts(dataset, "emb")
    with pytest.raises(Refusal, match="imported from test, so Labelscape cannot embed a text in the same way"):
        fit_query(dataset, Query("emb", text="seven"), table_of(dataset))


def test_an_example_without_an_embedding_is_refused(dataset):
    with pytest.raises(Refusal, match="1 of the 1 negative examples has no embedding"):
        fit_query(dataset, Query("emb", tuple(dataset.values("id")[:1]), ("0" * 24,)), table_of(dataset))
