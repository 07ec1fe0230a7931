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


def test_a_renamed_field_of_frames_is_found_under_its_new_name():
    dataset = fo.Dataset()
    sample = fo.Sample(filepath="/nowhere/video.mp4")
    sample.frames[1] = fo.Frame(kind=fo.Classification())
    dataset.add_sample(sample)
    mark = field_mark(dataset, "frames.kind")
    dataset.rename_frame_field("kind", "sort")

    assert field_today(dataset, "frames.kind", mark) == "frames.sort"
    dataset.delete()


def test_fields_of_a_clone_that_change_their_names_are_not_taken_for_each_other(dataset):
    make(dataset, "kind")
    clone = dataset.clone()
    marks = {name: field_mark(clone, name) for name in ("kind", "ground_truth")}
    clone.rename_sample_field("kind", "sort")
    clone.rename_sample_field("ground_truth", "kind")

    assert field_today(clone, "kind", marks["kind"]) == "sort"
    assert field_today(clone, "ground_truth", marks["ground_truth"]) == "kind"
    clone.delete()


def test_a_deleted_field_of_a_clone_is_not_taken_for_another(dataset):
    make(dataset, "kind")
    clone = dataset.clone()
    mark = field_mark(clone, "kind")
    clone.delete_sample_field("kind")

    assert field_today(clone, "kind", mark) is None
    clone.delete()
