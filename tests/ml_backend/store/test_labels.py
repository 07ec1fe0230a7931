"""Labels of a field as they are read."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.labels import (
    default_label_field,
    ensure_label_field,
    label_field,
    read_labels,
    usable_label_fields,
)
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions


@pytest.fixture
def dataset(unlabeled_digits):
    return unlabeled_digits


def test_suggestions_are_no_label_field(dataset):
    write_suggestions(dataset, list_items(dataset), [Suggestion("a", 0.9, True, [])] * len(dataset))
    assert usable_label_fields(dataset) == []
    assert default_label_field(dataset).name == "ground_truth"


def test_checked_and_nothing_there_is_a_state_of_its_own(dataset):
    ids = dataset.values("id")
    field = label_field(dataset, "kind")
    ensure_label_field(dataset, field)
    values = [fo.Classification(label="a", labelscape="human"), fo.Classification(labelscape="human"), None]
    dataset.set_values("kind", dict(zip(ids, values, strict=False)), key_field="id")
    labels = read_labels(dataset, list_items(dataset), field)
    assert labels.codes.tolist()[:3] == [0, -1, -1]
    assert labels.checked.tolist()[:3] == [False, True, False]
    assert labels.unlabeled.tolist()[:3] == [False, False, True]
    codes, classes = labels.with_nothing(labels.codes)
    assert (codes.tolist()[:3], classes) == ([0, 1, -1], 2)
