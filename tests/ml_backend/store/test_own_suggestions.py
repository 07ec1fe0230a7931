"""Suggestions are written only into a field that Labelscape made and that can be written."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.labels import label_field, usable_label_fields
from labelscape.ml_backend.store.proposals import read_proposed_labels
from labelscape.ml_backend.store.suggestions import Suggestion, read_suggestions, write_suggestions

ONE = Suggestion("7", 0.97, True, [], "ground_truth")


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(3, labeled=0)


@pytest.mark.parametrize("value", ["mine", fo.Classification(label="mine")])
def test_beside_a_field_of_somebody_else_suggestions_have_another_name(dataset, value):
    dataset.set_values("suggested_label", [value] * 3)
    items = list_items(dataset)
    write_suggestions(dataset, items, [ONE, None, ONE])
    dataset = fo.load_dataset(dataset.name)
    assert all(getattr(suggestion, "label", suggestion) == "mine" for suggestion in dataset.values("suggested_label"))
    assert read_suggestions(dataset, items) == [ONE, None, ONE]
    assert dataset.values("suggested_label_2.label") == ["7", None, "7"]
    labels = label_field(dataset, "ground_truth")
    assert read_proposed_labels(dataset, None, labels).names == ["7"]
    assert "suggested_label_2" not in usable_label_fields(dataset)
    assert ("suggested_label" in usable_label_fields(dataset)) == isinstance(value, fo.Classification)
    with pytest.raises(Refusal, match="holds Labelscape's suggestions"):
        label_field(dataset, "suggested_label_2")


def test_a_read_only_field_of_suggestions_is_not_written(dataset):
    items = list_items(dataset)
    write_suggestions(dataset, items, [ONE, None, None])
    field = dataset.get_field("suggested_label")
    field.read_only = True
    field.save()
    with pytest.raises(Refusal, match="read-only"):
        write_suggestions(dataset, items, [ONE] * 3)
    assert read_suggestions(dataset, items) == [ONE, None, None]


def test_a_field_of_an_early_version_is_still_ours(dataset):
    dataset.add_sample_field("suggested_label", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    dataset.add_sample_field("suggested_label.sure", fo.BooleanField)
    assert len(write_suggestions(dataset, list_items(dataset), [ONE] * 3)) == 3
