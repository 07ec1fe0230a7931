"""Vectors that do not fit into memory are searched like those that do, read in batches and by row."""

import numpy as np
import pytest
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.actions.functions import create_function, run_functions
from labelscape.ml_backend.actions.search import Scope, marks_to_ask, preview_search, search
from labelscape.ml_backend.analysis.search import Scorer
from labelscape.ml_backend.errors import Cancelled
from labelscape.ml_backend.store import search_tables
from labelscape.ml_backend.store.embeddings import vector_table
from labelscape.ml_backend.store.scores import read_numbers
from labelscape.ml_backend.store.search_tables import MemoryTable, StreamedTable, open_search_table
from labelscape.ml_backend.store.searches import Query


@pytest.fixture
def dataset(make_digits_dataset, backend, monkeypatch):
    monkeypatch.setattr("labelscape.ml_backend.store.vector_table.BATCH_BYTES", 4)  # batches of 100
    dataset = make_digits_dataset(350)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(10, 16))[random.integers(0, 10, 330)] + 0.3 * random.normal(size=(330, 16))
    import_embeddings(dataset, key="emb", ids=dataset.values("id")[:330], vectors=vectors, source="a test")
    return dataset


@pytest.fixture
def stream(monkeypatch, dataset):
    """From the call on, vectors are never read all at once."""

    def all_at_once(table):
        raise AssertionError("all vectors were read at once")

    def call():
        monkeypatch.setattr(search_tables, "MOST_BYTES", 1000)
        table = type(vector_table(dataset, "emb"))
        monkeypatch.setattr(table, "read", all_at_once)
        dataset.add_sample(dataset.first().copy())  # tables in memory no longer fit

    return call


def test_scores_and_rows_are_those_of_the_table_in_memory(dataset, stream):
    before = open_search_table(dataset, "emb")
    assert isinstance(before, MemoryTable)
    stream()
    table = open_search_table(dataset, "emb")
    assert isinstance(table, StreamedTable)
    assert open_search_table(dataset, "emb") is table
    assert table.items.ids.tolist() == before.items.ids.tolist()
    scorer = Scorer("mean", before.unit[7])
    reported = []
    scores = table.scores(scorer, lambda fraction, message: reported.append((fraction, message)))
    np.testing.assert_allclose(scores, before.scores(scorer), atol=1e-6)
    assert reported[-1] == (1.0, "Scored 330 of 330 vectors")
    assert len(reported) > 2
    rows = np.array([5, 300, 5, 0])
    np.testing.assert_allclose(table.unit[rows], before.unit[rows], atol=1e-6)
    np.testing.assert_allclose(table.background(20), before.background(20), atol=1e-6)


def test_a_search_by_threshold_and_its_preview_and_marks_are_the_same(dataset, stream):
    query = Query("emb", tuple(dataset.values("id")[:3]), tuple(dataset.values("id")[9:10]))

    def everything():
        preview = preview_search(Scope(dataset), query, threshold=0.7)
        result = search(Scope(dataset), query, limit=None, threshold=0.7, fold=True)
        return preview.matches, result.ids, [hit.id for hit in marks_to_ask(Scope(dataset), query, threshold=0.7)]

    before = everything()
    stream()
    assert everything() == before


def test_a_function_scores_everything_that_is_embedded(dataset, stream):
    query = Query("emb", tuple(dataset.values("id")[:3]))
    first = create_function(dataset, query, name="In memory", threshold=0.8)
    stream()
    again = create_function(dataset, query, name="Streamed", threshold=0.8)
    assert (again.scored, again.function.matches) == (330, first.function.matches)
    items = open_search_table(dataset, "emb").items
    scores = [read_numbers(dataset, items, run.function.field) for run in (first, again)]
    np.testing.assert_allclose(*scores, atol=2e-4)
    assert [run.changed for run in run_functions(dataset).runs] == [0, 0]


def test_scoring_can_be_stopped_between_batches_and_writes_nothing(dataset, stream):
    stream()

    def stopping(fraction, message):
        if "vectors" in message:
            raise Cancelled

    query = Query("emb", tuple(dataset.values("id")[:3]))
    with pytest.raises(Cancelled):
        create_function(dataset, query, name="Stopped", threshold=0.8, progress=stopping)
    assert not dataset.has_field("fn_stopped")
    with pytest.raises(Cancelled):
        search(Scope(dataset), query, limit=None, threshold=0.7, progress=stopping)
    assert not dataset.has_field("search_score")
