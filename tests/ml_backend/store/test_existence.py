"""An action accepts its dataset by position or by keyword."""

import inspect

import pytest
from labelscape.ml_backend.actions.rank import rank_outliers
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.existence import ends_with_dataset


@ends_with_dataset
def size(samples, factor=1):
    return factor * len(samples)


def test_the_dataset_is_given_by_place_or_by_name(make_digits_dataset):
    dataset = make_digits_dataset(3)
    assert [size(dataset), size(dataset, 2), size(dataset, factor=3), size(factor=4, samples=dataset)] == [3, 6, 9, 12]
    assert next(iter(inspect.signature(rank_outliers).parameters)) == "samples"
    with pytest.raises(TypeError, match="samples"):
        size()


def test_a_dataset_that_was_deleted_is_reported_however_it_was_given(make_digits_dataset):
    dataset = make_digits_dataset(3)

    @ends_with_dataset
    def delete(samples):
        samples.delete()

    with pytest.raises(Refusal, match="was deleted while this was running"):
        delete(samples=dataset)
