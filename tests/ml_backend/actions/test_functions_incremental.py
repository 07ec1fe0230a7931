"""A run of a function costs what is new: only vectors that changed since its last run are read."""

from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.functions import create_function, edit_function, look_at_matches, run_functions
from labelscape.ml_backend.actions.search import Scope, preview_search, search
from labelscape.ml_backend.store.embeddings import vector_table
from labelscape.ml_backend.store.lance_table import LanceTable
from labelscape.ml_backend.store.search_index import index_large_table
from labelscape.ml_backend.store.searches import Query

FIELD = "fn_first"


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(120)
    compute_embeddings(dataset.limit(100), key="emb")
    create_function(dataset, Query("emb", tuple(dataset.limit(2).values("id"))), name="First", threshold=0.9)
    return dataset


@dataclass
class Reads:
    """How many vectors were read from tables since the last look."""

    vectors: int = 0

    def look(self):
        seen, self.vectors = self.vectors, 0
        return seen


@pytest.fixture
def reads(dataset, monkeypatch):
    reads = Reads()
    read, fetch, batches = LanceTable.read, LanceTable.fetch, LanceTable.batches

    def counted_read(table):
        ids, vectors = read(table)
        reads.vectors += len(vectors)
        return ids, vectors

    def counted_fetch(table, ids):
        rows = fetch(table, ids)
        reads.vectors += len(rows)
        return rows

    def counted_batches(table):
        for rows in batches(table):
            reads.vectors += len(rows)
            yield rows

    monkeypatch.setattr(LanceTable, "read", counted_read)
    monkeypatch.setattr(LanceTable, "fetch", counted_fetch)
    monkeypatch.setattr(LanceTable, "batches", counted_batches)
    return reads


def run(dataset):
    (ran,) = run_functions(dataset).runs
    return ran.scored, ran.changed, ran.function.scored


def test_only_vectors_of_samples_without_a_score_are_read(dataset, reads):
    before = dataset.limit(100).values(FIELD)
    compute_embeddings(dataset.skip(100).limit(3), key="emb")
    reads.look()
    assert run(dataset) == (3, 3, 103)
    assert reads.look() == 3
    assert dataset.limit(100).values(FIELD) == before
    assert None not in dataset.limit(103).values(FIELD)
    compute_embeddings(dataset, key="emb")
    reads.look()
    assert run(dataset) == (17, 17, 120)
    assert reads.look() == 17


def test_nothing_is_read_if_nothing_is_new(dataset, reads):
    assert run(dataset) == (0, 0, 100)
    assert run(dataset) == (0, 0, 100)
    look_at_matches(dataset, "first")
    assert reads.look() == 0


def test_deleted_samples_are_no_longer_counted_and_nothing_is_read(dataset, reads):
    dataset.delete_samples(dataset.limit(4).values("id"))
    assert run(dataset) == (0, 0, 96)
    assert reads.look() == 0


def test_a_changed_image_is_scored_again_alone(dataset, reads, tmp_path):
    first, other = dataset.first(), dataset.skip(50).first()
    copy = tmp_path / "changed.png"
    copy.write_bytes(Path(other.filepath).read_bytes())
    first.filepath = str(copy)
    first.save()
    compute_embeddings(dataset.limit(100), key="emb")
    reads.look()
    assert run(dataset) == (0, 1, 100)
    assert reads.look() == 1
    scores = dict(zip(*dataset.values(["id", FIELD]), strict=True))
    assert scores[first.id] == pytest.approx(scores[other.id], abs=1e-4)


def test_vectors_that_another_program_wrote_are_all_read(dataset, reads):
    table = vector_table(dataset, "emb")
    batch = table.fetch(np.asarray(dataset.limit(1).values("id")))
    table.upsert(batch.ids, batch.sample_ids, -batch.vectors)
    reads.look()
    assert run(dataset) == (0, 1, 100)
    assert reads.look() == 100
    assert run(dataset) == (0, 0, 100)
    assert reads.look() == 0


def test_another_query_scores_everything_again(dataset, reads):
    query = Query("emb", tuple(dataset.skip(5).limit(2).values("id")))
    assert edit_function(dataset, "first", query=query).changed > 90
    reads.look()
    assert run(dataset) == (0, 0, 100)
    assert reads.look() == 0


def test_an_index_changes_no_vector(dataset, reads, monkeypatch):
    monkeypatch.setattr("labelscape.ml_backend.store.search_index.EXACT_UP_TO", 50)
    assert index_large_table(dataset, "emb") is not None
    reads.look()
    assert run(dataset) == (0, 0, 100)
    assert reads.look() == 0


def test_new_objects_alone_are_read(make_digits_dataset, monkeypatch):
    dataset = make_digits_dataset(30)
    boxes = [[0, 0, 0.5, 1], [0.5, 0, 0.5, 1]]
    parts = [fo.Detections(detections=[fo.Detection(label="a", bounding_box=box) for box in boxes]) for _ in range(30)]
    dataset.set_values("parts", parts)
    compute_embeddings(dataset.limit(28), key="objects", patches_field="parts")
    first = dataset.first().parts.detections[0]
    create_function(dataset, Query("objects", (first.id,)), name="Left", threshold=0.9)
    compute_embeddings(dataset, key="objects", patches_field="parts")
    read = []
    fetch = LanceTable.fetch
    monkeypatch.setattr(LanceTable, "fetch", lambda table, ids: read.append(len(ids)) or fetch(table, ids))
    assert run(dataset) == (4, 4, 60)
    assert read == [4]
    assert None not in dataset.values("parts.detections.fn_left", unwind=True)


@pytest.mark.parametrize("rank", range(3, 20))
def test_a_threshold_equal_to_a_score_keeps_that_hit_however_scores_are_rounded(dataset, rank):
    query = Query("emb", (dataset.first().id,))
    hit = preview_search(Scope(dataset), query, shown=20).best[rank]
    threshold = hit.score  # not rounded
    matches = preview_search(Scope(dataset), query, threshold=threshold).matches
    assert matches >= rank + 1
    function = edit_function(dataset, "first", query=query, threshold=threshold).function
    assert function.matches == matches + 1  # the example matches, too
    assert hit.id in look_at_matches(dataset, "first").values("id")
    assert dataset.match(fo.ViewField(FIELD) >= function.threshold).count() == function.matches
    result = search(Scope(dataset), query, limit=None, threshold=threshold)
    assert len(result.hits) == matches
    assert dataset.match(fo.ViewField("search_score") >= result.threshold).count() == matches


def test_at_a_threshold_of_zero_everything_with_a_score_matches_and_nothing_else(dataset):
    assert edit_function(dataset, "first", threshold=0).function.matches == 100
    assert look_at_matches(dataset, "first").count() == 100
