"""A model's predictions go into a field of their own, never into somebody else's."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.predictions import add_predictions_field, check_predictions_field, write_predictions


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(3)


def test_the_most_probable_class_is_written_with_its_probability_and_the_logits(dataset):
    ids = dataset.values("id")
    logits = np.array([[0.0, np.log(3)], [1000.0, 0.0]], np.float32)
    add_predictions_field(dataset, "guess", "resnet18")

    write_predictions(dataset, "guess", ids[1:], logits, ["cat", "dog"])

    assert dataset.values("guess.label") == [None, "dog", "cat"]
    assert dataset.values("guess.confidence")[1:] == pytest.approx([0.75, 1.0])
    np.testing.assert_allclose(dataset.values("guess.logits")[1], logits[0])


def test_a_field_of_ours_may_be_written_again_and_says_which_model_made_it(dataset):
    for _ in range(2):
        add_predictions_field(dataset, "guess", "resnet18")
        check_predictions_field(dataset, "guess", None)
    dataset.reload()

    assert dataset.get_field("guess").description == "Predicted by resnet18 while Labelscape computed embeddings"
    assert dataset.get_field("guess").document_type is fo.Classification


@pytest.mark.parametrize(
    ("field", "patches", "says"),
    [
        ("ground_truth", None, "'ground_truth' already exists and was not created by Labelscape"),
        ("my guess", None, "'my guess' cannot be a field"),
        ("guess", "parts", "for whole samples, not for patches"),
    ],
)
def test_a_field_that_predictions_must_not_go_into_is_refused(dataset, field, patches, says):
    with pytest.raises(Refusal, match=says):
        check_predictions_field(dataset, field, patches)
