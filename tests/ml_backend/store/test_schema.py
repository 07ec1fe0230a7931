"""A field keeps its identity through a rename, and a new field of the old name has another."""

import time

import fiftyone as fo
import pytest
from labelscape.ml_backend.store.schema import field_mark, field_today


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(1)


def make(dataset, name):
    time.sleep(0.002)  # FiftyOne tells fields apart by the millisecond
    dataset.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)


def test_a_renamed_field_is_found_under_its_new_name(dataset):
    make(dataset, "kind")
    mark = field_mark(dataset, "kind")
    dataset.rename_sample_field("kind", "sort")

    assert field_today(dataset, "kind", mark) == "sort"
    assert field_mark(dataset, "sort") == mark


def test_a_deleted_field_is_gone_even_where_another_has_its_name(dataset):
    make(dataset, "kind")
    mark = field_mark(dataset, "kind")
    dataset.delete_sample_field("kind")
    assert field_today(dataset, "kind", mark) is None

    make(dataset, "kind")
    assert field_today(dataset, "kind", mark) is None


def test_fields_of_other_types_have_other_marks(dataset):
    make(dataset, "kind")
    dataset.add_sample_field("number", fo.IntField)

    assert len({field_mark(dataset, name) for name in ("kind", "number", "ground_truth")}) == 3
    assert field_mark(dataset, "missing") is None


def test_without_a_mark_the_name_is_all_there_is(dataset):
    assert field_today(dataset, "whatever", None) == "whatever"


def test_a_mark_survives_a_reload_from_the_database(dataset):
    make(dataset, "kind")
    mark = field_mark(dataset, "kind")
    dataset.reload()

    assert field_mark(dataset, "kind") == mark
