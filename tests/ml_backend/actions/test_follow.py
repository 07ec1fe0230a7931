"""Suggestions made for the whole dataset follow the labels in the background; others do not."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.follow import follow_labels
from labelscape.ml_backend.store.suggestions import SuggestionSettings, save_settings

from .clusters import embed_clusters

SETTINGS = SuggestionSettings("emb", "ground_truth", 0.95, whole=True)


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(80, labeled=40)
    embed_clusters(dataset)
    return dataset


def test_without_settings_or_for_a_view_alone_or_without_the_embeddings_nothing_follows(dataset):
    assert follow_labels(dataset) is None
    for settings in (
        SuggestionSettings("emb", "ground_truth", 0.95, whole=False),
        SuggestionSettings("deleted", "ground_truth", 0.95, whole=True),
    ):
        save_settings(dataset, settings)
        assert follow_labels(dataset) is None


def test_after_a_change_of_labels_the_suggestions_are_made_again(dataset):
    save_settings(dataset, SETTINGS)

    follow_labels(dataset).join(120)

    dataset.reload()
    suggested = dataset.match(fo.ViewField("suggested_label.label") != None)  # noqa: E711
    assert len(suggested) > 20
    right = [sample.suggested_label.label == sample.true_digit for sample in suggested]
    assert sum(right) / len(right) > 0.8


def test_labels_that_change_while_suggestions_are_made_are_followed_too(dataset):
    save_settings(dataset, SETTINGS)

    running = [follow_labels(dataset) for _ in range(3)]

    assert len(set(running)) == 1
    running[0].join(120)
    assert not running[0].is_alive()
    again = follow_labels(dataset)
    assert again is not running[0]
    again.join(120)


def test_a_failure_is_logged_and_the_next_change_is_followed(dataset, caplog):
    save_settings(dataset, SETTINGS)
    dataset.set_values("ground_truth", [None] * 80)  # nothing to learn from: a refusal

    with caplog.at_level("INFO"):
        follow_labels(dataset).join(120)

    assert follow_labels(dataset) is not None
    follow_labels(dataset).join(120)
