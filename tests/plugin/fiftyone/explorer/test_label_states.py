"""Which field the labels on the map come from, and how they follow changes made elsewhere."""

import fiftyone as fo
import numpy as np

from ...conftest import give_map
from .front import UNLABELED


def test_predictions_are_never_the_default_label_field(make_explorer, make_digits_dataset):
    dataset = make_digits_dataset(12)
    dataset.delete_sample_field("ground_truth")
    guesses = [fo.Classification(label="1", confidence=0.9) for _ in range(12)]
    dataset.set_values("predictions", guesses)
    give_map(dataset, np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32))
    panel = make_explorer(dataset)
    panel.load("flat")
    assert (panel.state["label_field"], panel.state["label_field_exists"]) == ("ground_truth", False)
    assert "predictions" not in panel.state["label_fields"]
    panel.do("set_label", **panel.rows(0), label="2")
    panel.do("save")
    saved = fo.load_dataset(dataset.name)
    assert saved.values("predictions.label") == ["1"] * 12
    assert saved.first().ground_truth.label == "2"


def test_a_field_that_may_hold_predictions_is_written_to_only_once_it_was_chosen(make_explorer, make_digits_dataset):
    dataset = make_digits_dataset(12)
    dataset.delete_sample_field("ground_truth")
    dataset.set_values("kind", [fo.Classification(label="1") for _ in range(12)])
    give_map(dataset, np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32))
    panel = make_explorer(dataset)
    panel.load("flat")
    assert (panel.state["label_field"], panel.state["label_field_unclear"]) == ("kind", True)
    refused = panel.ask("set_label", **panel.rows(0), label="2")["error"]
    assert refused == (
        "Nothing tells whether a person or a model set the labels in 'kind'. Choose it, or a new field, under “Labels "
        "go to” first."
    )
    decision = {"id": "d", "map": "flat", "field": "kind", "item": dataset.first().id, "kind": "label", "value": "2"}
    assert panel.do("decide", dataset=dataset.name, decisions=[decision])["failed"] == [{"id": "d", "reason": refused}]
    assert panel.state["pending"]["labels"] == 0
    panel.do("set_label_field", field="kind")
    assert not panel.state["label_field_unclear"]
    panel.do("set_label", **panel.rows(0), label="2")
    assert panel.state["pending"]["labels"] == 1


def test_labels_set_elsewhere_are_on_the_map_at_the_next_poll(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    labels = {ids[row]: fo.Classification(label="elsewhere") for row in (100, 101)}
    mapped_digits.set_values("ground_truth", labels, key_field="id")
    explorer.do("sync", revision=-1)
    assert [explorer.field("ground_truth.label")[row] for row in (100, 101)] == ["elsewhere"] * 2


def test_another_label_field_is_chosen_for_every_tab(explorer, mapped_digits, make_explorer):
    mapped_digits.add_sample_field("color", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    explorer.do("set_label_field", field="color")
    assert explorer.state["label_field"] == "color"
    assert set(explorer.state["label_fields"]) == {"color", "ground_truth"}
    assert explorer.states() == [UNLABELED] * 120
    other = make_explorer(mapped_digits, "panel-2")
    other.load("flat")
    other.do("set_label", **other.rows(1), label="red")
    other.do("save")
    assert fo.load_dataset(mapped_digits.name).values("color.label")[1] == "red"
    assert "does not hold classifications" in explorer.ask("set_label_field", field="filepath")["error"]
    explorer.do("clear_explorer", ids=["view"])
    explorer.do("sync", revision=-1)
    assert (explorer.state["label_field"], explorer.state["map"]) == ("ground_truth", None)


def test_a_label_that_another_person_sets_before_the_save_is_kept(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    explorer.do("set_label", **explorer.rows(0, 100, 101), label="red")
    mapped_digits.set_values("ground_truth", {ids[100]: fo.Classification(label="theirs")}, key_field="id")
    explorer.do("save")
    saved = fo.load_dataset(mapped_digits.name).values("ground_truth.label")
    assert [saved[row] for row in (0, 100, 101)] == ["red", "theirs", "red"]
    messages = " ".join(one["text"] for one in explorer.state["messages"])
    assert "“theirs” instead of “red”" in messages


def test_a_second_label_on_a_row_replaces_no_label_that_the_first_one_hides(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    explorer.do("set_label", **explorer.rows(0, 100), label="red")
    mapped_digits.set_values("ground_truth", {ids[100]: fo.Classification(label="theirs")}, key_field="id")
    explorer.do("sync", revision=-1)
    explorer.do("set_label", **explorer.rows(0, 100), label="blue")
    explorer.do("save")
    saved = fo.load_dataset(mapped_digits.name).values("ground_truth.label")
    assert [saved[row] for row in (0, 100)] == ["blue", "theirs"]


def test_the_chosen_field_is_the_one_that_took_the_name_of_a_renamed_one(explorer, mapped_digits):
    explorer.do("set_label_field", field="ground_truth")
    mapped_digits.rename_sample_field("ground_truth", "ground_truth_several")
    mapped_digits.add_sample_field("ground_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    explorer.do("sync", revision=-1)
    assert explorer.state["label_field"] == "ground_truth"


def test_labels_follow_the_chosen_field_when_it_is_renamed(explorer, mapped_digits):
    explorer.do("set_label_field", field="ground_truth")
    mapped_digits.rename_sample_field("ground_truth", "animal")
    explorer.do("sync", revision=-1)
    assert explorer.state["label_field"] == "animal"
    explorer.do("set_label", **explorer.rows(50), label="red")
    explorer.do("save")
    dataset = fo.load_dataset(mapped_digits.name)
    assert dataset.values("animal.label")[50] == "red"
    assert not dataset.has_field("ground_truth")


def test_labels_follow_a_new_field_that_is_renamed_after_its_first_label(explorer, mapped_digits):
    explorer.do("set_label_field", field="kind")
    explorer.do("set_label", **explorer.rows(50), label="red")
    explorer.do("save")
    explorer.do("sync", revision=-1)
    mapped_digits.reload()
    mapped_digits.rename_sample_field("kind", "species")
    explorer.do("sync", revision=-1)
    assert explorer.state["label_field"] == "species"
