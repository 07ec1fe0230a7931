"""Scores go only into fields that Labelscape made, and only where they changed."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store import scores
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.own_fields import is_own_field
from labelscape.ml_backend.store.scores import Score, read_words, score_path, write_scores
from labelscape.testing.faults import counted_writes


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(6)


@pytest.mark.parametrize(("field_type", "value"), [(fo.StringField, "mine"), (fo.FloatField, 7.5)])
def test_beside_a_field_that_somebody_else_made_the_scores_have_another_name(dataset, field_type, value):
    dataset.add_sample_field("outlier_score", field_type)
    dataset.set_values("outlier_score", [value] * 6)
    items = list_items(dataset)
    columns = [Score("outlier_score", np.ones(6)), Score("outlier_reason", ["odd"] * 6)]
    assert write_scores(dataset, items, columns) == 6
    assert dataset.values("outlier_score") == [value] * 6
    assert dataset.values("outlier_score_2") == [1.0] * 6
    assert read_words(dataset, items, "outlier_reason") == ["odd"] * 6
    assert score_path(dataset, None, "outlier_score") == "outlier_score_2"
    assert write_scores(dataset, items, columns) == 0  # what is there already is found


def test_a_read_only_field_is_refused_in_words(dataset):
    write_scores(dataset, list_items(dataset), [Score("outlier_score", np.ones(6))])
    assert is_own_field(dataset, "outlier_score")
    field = dataset.get_field("outlier_score")
    field.read_only = True
    field.save()
    with pytest.raises(Refusal, match="'outlier_score' is read-only"):
        write_scores(dataset, list_items(dataset), [Score("outlier_score", np.zeros(6))])


def test_only_what_changed_is_written_all_fields_of_a_sample_in_one_write(dataset):
    items = list_items(dataset)
    numbers, words = np.array([0.1, np.nan, 0.3, np.nan, np.nan, np.nan]), ["a", None, None, None, None, None]
    before = dataset.values("last_modified_at")
    assert write_scores(dataset, items, [Score("outlier_score", numbers), Score("outlier_reason", words)]) == 2
    dataset.reload()
    changed = [new != old for new, old in zip(dataset.values("last_modified_at"), before, strict=True)]
    assert changed == [True, False, True, False, False, False]
    with counted_writes() as writes:
        assert write_scores(dataset, items, [Score("outlier_score", numbers), Score("outlier_reason", words)]) == 0
    assert not [name for name in writes.names if "samples" in name]
    numbers[0] = 0.5
    with counted_writes() as writes:
        assert write_scores(dataset, items, [Score("outlier_score", numbers), Score("outlier_reason", words)]) == 1
    assert len([name for name in writes.names if "samples" in name]) == 1
    assert dataset.values("outlier_score") == [0.5, None, 0.3, None, None, None]
    assert read_words(dataset, items, "outlier_reason") == words


@pytest.mark.parametrize("field", ["boxes", "one"])
def test_scores_of_objects_are_attributes_of_theirs(dataset, field):
    box = fo.Detection(label="a", bounding_box=[0.1, 0.1, 0.5, 0.5])
    dataset.limit(1).set_values(field, [fo.Detections(detections=[box]) if field == "boxes" else box])
    items = list_items(dataset, field)
    write_scores(dataset, items, [Score("outlier_score", np.array([0.25])), Score("outlier_reason", ["x"])])
    path = "boxes.detections.outlier_score" if field == "boxes" else "one.outlier_score"
    assert dataset.values(path, unwind=field == "boxes")[0] == 0.25
    assert read_words(dataset, items, "outlier_reason") == ["x"]


def test_many_scores_are_each_written_to_their_own_sample(make_digits_dataset, monkeypatch):
    monkeypatch.setattr(scores, "ROWS_PER_UPDATE", 3)
    dataset = make_digits_dataset(11)
    items = list_items(dataset)
    rng = np.random.default_rng(0)
    for _ in range(3):
        numbers = np.where(rng.random(11) < 0.3, np.nan, rng.random(11).round(1))
        words = [rng.choice(["$a", "b", None]) for _ in range(11)]
        write_scores(dataset, items, [Score("outlier_score", numbers), Score("outlier_reason", words)])
        stored = [None if np.isnan(number) else number for number in numbers]
        assert dataset.values("outlier_score") == stored
        assert read_words(dataset, items, "outlier_reason") == words


def test_a_write_that_fails_halfway_leaves_the_scores_as_they_were(make_digits_dataset, monkeypatch):
    monkeypatch.setattr(scores, "ROWS_PER_UPDATE", 2)
    monkeypatch.setattr(scores, "UPDATES_AT_ONCE", 1)
    dataset = make_digits_dataset(6)
    items = list_items(dataset)
    write_scores(dataset, items, [Score("outlier_score", np.arange(6.0))])
    write = scores.bulk_write
    made = []

    def failing(*args, **options):
        made.append(write(*args, **options))
        if len(made) == 2:
            raise ConnectionError("the database went away")

    monkeypatch.setattr(scores, "bulk_write", failing)
    with pytest.raises(ConnectionError):
        write_scores(dataset, items, [Score("outlier_score", np.full(6, 9.0))])
    assert dataset.values("outlier_score") == list(np.arange(6.0))
