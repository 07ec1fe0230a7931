"""Fingerprints tell which media changed since they were embedded, for each embeddings of each dataset."""

import pytest
from labelscape.ml_backend.store.fingerprints import (
    copy_fingerprints,
    forget_datasets_that_are_gone,
    forget_fingerprints,
    read_fingerprints,
    rename_fingerprints,
    write_fingerprints,
)


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(1)
    write_fingerprints(dataset, "emb", ["a", "b", "c"], ["1", "2", "3"])
    return dataset


def test_the_last_fingerprint_of_an_item_counts(dataset):
    write_fingerprints(dataset, "emb", ["b"], ["9"])

    assert read_fingerprints(dataset, "emb") == {"a": "1", "b": "9", "c": "3"}
    assert read_fingerprints(dataset, "other") == {}


def test_some_or_all_are_forgotten_of_these_embeddings_alone(dataset):
    write_fingerprints(dataset, "other", ["a"], ["7"])

    forget_fingerprints(dataset, "emb", ["a", "unknown"])
    assert read_fingerprints(dataset, "emb") == {"b": "2", "c": "3"}
    forget_fingerprints(dataset, "emb")
    assert read_fingerprints(dataset, "emb") == {}
    assert read_fingerprints(dataset, "other") == {"a": "7"}


def test_renamed_embeddings_keep_them(dataset):
    rename_fingerprints(dataset, "emb", "new")

    assert (read_fingerprints(dataset, "emb"), len(read_fingerprints(dataset, "new"))) == ({}, 3)


def test_a_copy_has_its_own(dataset, make_digits_dataset):
    other = make_digits_dataset(1)
    copy_fingerprints(dataset._doc.id, "emb", other, "theirs")
    forget_fingerprints(dataset, "emb")

    assert read_fingerprints(other, "theirs") == {"a": "1", "b": "2", "c": "3"}


def test_those_of_deleted_datasets_go_and_all_others_stay(dataset, make_digits_dataset):
    other = make_digits_dataset(1)
    gone = other._doc.id
    write_fingerprints(other, "emb", ["a"], ["1"])
    other.delete()

    forget_datasets_that_are_gone()

    copy_fingerprints(gone, "emb", dataset, "of_the_dead")
    assert read_fingerprints(dataset, "of_the_dead") == {}
    assert len(read_fingerprints(dataset, "emb")) == 3
