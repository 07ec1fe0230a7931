"""What to label next: unlabeled and informative samples, in a message that agrees with their number."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.next_best import label_next, next_to_label
from labelscape.ml_backend.actions.queue import set_label
from labelscape.ml_backend.errors import Refusal

from .clusters import embed_clusters


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(60, labeled=0)
    embed_clusters(dataset)
    return dataset


def test_the_first_to_label_are_of_many_classes(dataset):
    ids = next_to_label(dataset, embeddings="emb", count=9)

    assert len(set(ids)) == 9
    assert len({dataset[item].true_digit for item in ids}) >= 6


def test_what_is_labeled_or_pending_is_not_proposed_again(dataset):
    first = next_to_label(dataset, embeddings="emb", count=5)
    set_label(dataset, first, "seen")

    assert not set(next_to_label(dataset, embeddings="emb", count=55)) & set(first)


def test_the_view_has_them_in_their_order_and_the_message_fits_their_number(dataset):
    one, some = (label_next(dataset, embeddings="emb", count=count) for count in (1, 4))

    assert some.view.values("id") == some.ids
    assert one.sentence().startswith("Label this 1 sample next: the most informative of all, because its label is the")
    assert some.sentence().startswith(
        "Label these 4 samples next: the most informative of all, because their labels are"
    )


def test_when_everything_is_labeled_that_is_reported(dataset):
    dataset.set_values("ground_truth", [fo.Classification(label="x")] * 60)

    assert next_to_label(dataset, embeddings="emb") == []
    with pytest.raises(Refusal, match="Everything with an embedding in 'emb' is already labeled in 'ground_truth'"):
        label_next(dataset, embeddings="emb")
