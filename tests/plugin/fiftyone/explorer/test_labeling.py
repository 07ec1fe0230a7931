"""Labeling in the data explorer, over the App's own routes: labels, neighbors, suggestions, deletions, undo, save."""

import base64
import time

import fiftyone as fo
import numpy as np
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions
from sklearn.datasets import load_digits

from ...conftest import give_map

UNLABELED, HUMAN, SUGGESTED, PENDING_LABEL, PENDING_DELETE, NEIGHBORS, UNCERTAIN = range(7)


def unpack(packed, dtype="<u4"):
    return np.frombuffer(base64.b64decode(packed), dtype).tolist()


def pack(rows):
    return base64.b64encode(np.asarray(rows, "<u4").tobytes()).decode()


def apply(patch, states, labels):
    """What a front end makes of a patch."""
    for row, state, code in zip(
        unpack(patch["rows"]), unpack(patch["states"], "u1"), unpack(patch["codes"], "<u2"), strict=True
    ):
        states[row] = state
        labels[row] = None if code == 0xFFFF else patch["labels"][code]


def saved(dataset):
    return fo.load_dataset(dataset.name).values("ground_truth.label")


class Front:
    """States and labels as a front end holds them, which reads the columns once and then only applies patches."""

    def __init__(self, explorer):
        self.explorer = explorer
        self.version = explorer.state["map"]["label_state"]["version"]
        self.states = explorer.states()
        self.labels = explorer.field("ground_truth.label")

    def take(self, reply):
        patch = reply["patch"]
        assert patch["from"] == self.version
        apply(patch, self.states, self.labels)
        self.version = patch["to"]
        assert self.explorer.state["map"]["label_state"]["version"] == self.version
        assert self.states == self.explorer.states()
        assert self.labels == self.explorer.field("ground_truth.label")
        return reply


def test_patches_alone_keep_a_front_end_in_step_from_label_to_save_to_undo(explorer, mapped_digits):
    front = Front(explorer)
    before = saved(mapped_digits)
    reply = front.take(explorer.do("set_label", **explorer.rows(50, 51, 3), label="new"))
    assert reply["count"] == 3
    assert [front.states[row] for row in (50, 51, 3)] == [PENDING_LABEL] * 3
    assert explorer.state["pending"] == {"labels": 3, "cleared": 0, "deletions": 0}
    assert words_of_undo(explorer)[0] == "label 3 samples “new”"
    assert saved(mapped_digits) == before
    front.take(explorer.do("set_label", **explorer.rows(52), label="9"))
    front.take(explorer.do("undo"))
    assert front.labels[52] is None
    reply = explorer.do("save")
    assert any(request["operator_uri"].endswith("reload_samples") for request in explorer.requests)
    front.take(reply)
    assert (reply["labels"], reply["deletions"]) == (3, 0)
    assert [front.states[row] for row in (50, 51, 3)] == [HUMAN] * 3
    assert [saved(mapped_digits)[row] for row in (50, 51, 3)] == ["new"] * 3
    front.take(explorer.do("undo"))
    assert saved(mapped_digits) == before
    assert "nothing to undo" in explorer.ask("undo")["error"]


def test_neighbors_are_shown_then_taken_as_far_as_reached_and_undone_at_once(explorer, mapped_digits):
    front = Front(explorer)
    truth = mapped_digits.values("true_digit")
    front.take(explorer.do("set_label", **explorer.rows(70), label=truth[70]))
    found = explorer.do("label_neighbors", **explorer.map, rows=[70], label=truth[70])
    order, confidence = unpack(found["order"]), unpack(found["confidence"], "<f4")
    assert len(order) == len(confidence) == len(set(order)) > 0
    assert confidence == sorted(confidence, reverse=True)
    assert not {row for row in order if front.labels[row] is not None}
    assert found["why"]
    assert explorer.state["pending"]["labels"] == 1
    taken = order[:3]
    reply = front.take(explorer.do("accept_neighbors", **explorer.map, anchors=[70], rows=pack(taken), label=truth[70]))
    assert reply["count"] == 3
    assert [front.labels[row] for row in taken] == [truth[70]] * 3
    preview = explorer.do("preview", **explorer.map, row=taken[0], k=2)["preview"]
    assert preview["origin"] == "neighbors of 1 sample, not saved yet"
    front.take(explorer.do("undo"))
    assert [front.states[row] for row in taken] == [UNLABELED] * 3
    assert explorer.state["pending"]["labels"] == 1
    front.take(explorer.do("accept_neighbors", **explorer.map, anchors=[70], rows=pack(taken), label=truth[70]))
    front.take(explorer.do("save"))
    assert [front.states[row] for row in taken] == [NEIGHBORS] * 3
    assert front.states[70] == HUMAN


def words_of_undo(explorer):
    return [act["words"] for act in explorer.state["undoable"]]


def test_accept_takes_the_confident_suggestions_and_the_uncertain_only_when_told_so(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    mapped_digits.set_values(
        "suggested_label",
        {
            ids[row]: fo.Classification(label="7", confidence=0.6 + 0.3 * (row < 82), sure=row < 82)
            for row in range(80, 85)
        },
        key_field="id",
    )
    mapped_digits.add_sample_field("suggested_label.sure", fo.BooleanField)
    explorer.do("sync", revision=-1)
    front = Front(explorer)
    assert [front.states[row] for row in range(80, 85)] == [SUGGESTED] * 2 + [UNCERTAIN] * 3
    assert explorer.field("@labels")[80:86] == ["7"] * 5 + [None]
    reply = front.take(explorer.do("accept", which="confident", **explorer.rows(*range(80, 90))))
    assert (reply["count"], reply["uncertain"], reply["skipped"]) == (2, 3, 5)
    assert [front.labels[row] for row in range(80, 85)] == ["7", "7", None, None, None]
    reply = front.take(explorer.do("accept", which="uncertain", **explorer.rows(*range(80, 90))))
    assert (reply["count"], reply["uncertain"]) == (3, 0)
    front.take(explorer.do("undo"))
    assert [front.states[row] for row in range(82, 85)] == [UNCERTAIN] * 3


def test_a_discard_and_several_actions_are_undone_by_name(explorer):
    front = Front(explorer)
    for row, label in ((50, "one"), (51, "two"), (52, "three")):
        front.take(explorer.do("set_label", **explorer.rows(row), label=label))
    assert front.take(explorer.do("discard"))["undoable"] is True
    assert explorer.state["pending"]["labels"] == 0
    front.take(explorer.do("undo"))
    assert [front.labels[row] for row in (50, 51, 52)] == ["one", "two", "three"]
    assert [words.split()[-1] for words in words_of_undo(explorer)[:3]] == ["“three”", "“two”", "“one”"]
    second = explorer.state["undoable"][1]["key"]
    front.take(explorer.do("undo", key=second))
    assert [front.labels[row] for row in (50, 51, 52)] == ["one", None, None]


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


def test_maps_and_embeddings_are_renamed_and_deleted_one_by_one(explorer, mapped_digits):
    items = {item["id"]: item for item in explorer.do("clearable")["items"]}
    assert {"map:flat", "embeddings:pixels", "view"} <= set(items)
    assert "120 points" in items["map:flat"]["size"]
    explorer.do("rename_run", key="flat", name="plane")
    assert [run["key"] for run in explorer.state["maps"]] == ["plane"]
    assert explorer.state["map"]["key"] == "plane"
    assert "“plane”" in explorer.do("delete_run", key="plane")["done"]
    assert (explorer.state["maps"], explorer.state["map"]) == ([], None)
    assert [run["key"] for run in explorer.state["embeddings"]] == ["pixels"]
    explorer.do("clear_explorer", ids=["embeddings:pixels"])
    assert explorer.state["embeddings"] == []
    assert "tick what to clear" in explorer.ask("clear_explorer", ids=[])["error"]


def test_the_labels_that_would_be_cleared_are_counted_by_where_they_came_from(explorer):
    explorer.do("set_label", **explorer.rows(60), label="mine")
    explorer.do("save")
    assert explorer.do("count_labels") == {"field": "ground_truth", "all": 41, "ours": 1}
    explorer.do("clear_labels", which="ours")
    assert explorer.state["pending"] == {"labels": 0, "cleared": 1, "deletions": 0}


def test_what_is_ticked_in_the_grid_is_found_on_the_map(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    found = explorer.do("locate", **explorer.map, ids=[ids[7], ids[3], "0" * 24])
    assert unpack(found["rows"]) == [3, 7]


def test_suggestions_are_accepted_and_rejected(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    mapped_digits.set_values(
        "suggested_label",
        {ids[row]: fo.Classification(label=str(row % 2), confidence=0.75, sure=True) for row in (80, 81, 82, 83)},
        key_field="id",
    )
    mapped_digits.add_sample_field("suggested_label.sure", fo.BooleanField)
    explorer.do("sync", revision=-1)
    front = Front(explorer)
    assert [front.states[row] for row in (80, 83)] == [SUGGESTED] * 2
    fact = explorer.do("facts", **explorer.map, rows=[81])["facts"][0]
    assert fact["suggestion"] == {"label": "1", "confidence": 0.75}
    reply = front.take(explorer.do("accept", which="confident", **explorer.rows(80, 81, 90)))
    assert (reply["count"], reply["skipped"]) == (2, 1)
    assert [front.labels[row] for row in (80, 81, 90)] == ["0", "1", None]
    front.take(explorer.do("undo"))
    assert [front.states[row] for row in (80, 81)] == [SUGGESTED] * 2
    reply = front.take(explorer.do("reject", **explorer.rows(82, 83, 84)))
    assert (reply["count"], reply["skipped"]) == (2, 1)
    assert [front.states[row] for row in (82, 83)] == [UNLABELED] * 2
    assert "no suggestions to accept" in explorer.ask("accept", which="confident", **explorer.rows(90))["error"]


def test_deleted_samples_leave_the_map_when_saved_and_return_when_undone(explorer, mapped_digits):
    front = Front(explorer)
    ids = mapped_digits.values("id")
    before = explorer.map
    reply = front.take(explorer.do("delete", **explorer.rows(10, 11)))
    assert reply["count"] == 2
    assert [front.states[row] for row in (10, 11)] == [PENDING_DELETE] * 2
    assert explorer.state["pending"] == {"labels": 0, "cleared": 0, "deletions": 2}
    assert explorer.do("save")["patch"] is None
    assert len(fo.load_dataset(mapped_digits.name)) == 118
    assert explorer.state["sample_count"] == 118
    assert explorer.map["map_version"] != before["map_version"]
    places, _ = explorer.column(explorer.state["map"]["positions"])
    assert np.flatnonzero(np.isnan(places[:, 0])).tolist() == [10, 11]
    assert explorer.state["maps"][0]["stale"] == {"missing": 0, "removed": 2}
    assert explorer.do("facts", **explorer.map, rows=[10])["facts"][0]["name"] == "no longer in the dataset"
    explorer.do("undo")
    assert explorer.map == before
    assert sorted(fo.load_dataset(mapped_digits.name).values("id")) == sorted(ids)


def test_review_lists_what_is_pending_newest_first_and_single_rows_are_taken_out(explorer):
    explorer.do("set_label", **explorer.rows(2, 60), label="cat")
    explorer.do("delete", **explorer.rows(61))
    before = explorer.field("ground_truth.label")
    reply = explorer.do("review", offset=0, limit=2)
    assert reply["total"] == 3
    assert [(item["row"], item["action"], item["after"]) for item in reply["items"]] == [
        (61, "delete", None),
        (60, "label", "cat"),
    ]
    last = explorer.do("review", offset=2, limit=2)["items"]
    assert [(item["row"], item["origin"]) for item in last] == [(2, "human")]
    assert last[0]["before"] == "2"
    assert before[2] == "cat"
    assert explorer.do("unqueue", **explorer.map, rows=[2, 61])["count"] == 2
    assert explorer.state["pending"] == {"labels": 1, "cleared": 0, "deletions": 0}
    assert explorer.do("discard")["count"] == 1
    assert explorer.state["pending"] == {"labels": 0, "cleared": 0, "deletions": 0}
    assert "Nothing is pending" in explorer.ask("save")["error"]


def test_what_one_tab_queues_the_other_sees_at_its_next_poll(explorer, make_explorer, mapped_digits):
    other = make_explorer(mapped_digits, "panel-2")
    other.load("flat")
    revision = other.state["revision"]
    explorer.do("set_label", **explorer.rows(77), label="8")
    reply = other.do("sync", revision=revision)
    assert reply["state"]["pending"]["labels"] == 1
    assert other.states()[77] == PENDING_LABEL
    other.do("save")
    explorer.do("sync", revision=-1)
    assert explorer.states()[77] == HUMAN


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
    told = " ".join(one["text"] for one in explorer.state["messages"])
    assert "“theirs” instead of “red”" in told


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


def test_several_classes_suggested_are_shown_together_and_accepted_as_one(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    mapped_digits.add_sample_field("kinds", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classifications)
    several = Suggestion("7", 0.99, True, [], "kinds", ("odd",), (0.96,), ("",))
    write_suggestions(mapped_digits, list_items(mapped_digits.select([ids[80], ids[81]])), [several] * 2)
    explorer.do("set_label_field", field="kinds")
    fact = explorer.do("facts", **explorer.map, rows=[80])["facts"][0]
    assert fact["suggestion"] == {"label": "7, odd", "confidence": 0.96}
    reply = explorer.do("accept", which="confident", **explorer.rows(80, 81, 90))
    assert (reply["count"], reply["skipped"]) == (2, 1)
    assert explorer.state["pending"]["labels"] == 4
    assert explorer.do("facts", **explorer.map, rows=[80])["facts"][0]["label"] == "7"
    explorer.do("save")
    assert explorer.do("facts", **explorer.map, rows=[80])["facts"][0]["label"] == "7, odd"


def test_suggestions_are_shown_for_the_label_field_they_were_made_for(explorer, mapped_digits):
    explorer.finish(explorer.do("suggest_labels", selection=None, precision=0.8)["job"])
    suggested = [row for row, state in enumerate(explorer.states()) if state == SUGGESTED]
    assert suggested
    mapped_digits.add_sample_field("color", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    explorer.do("set_label_field", field="color")
    assert explorer.states() == [UNLABELED] * 120
    assert explorer.do("facts", **explorer.map, rows=suggested[:1])["facts"][0]["suggestion"] is None
    # An earlier version did not write down the field.
    mapped_digits._sample_collection.update_many({}, {"$unset": {"suggested_label.field": ""}})
    explorer.do("set_label_field", field="ground_truth")
    explorer.do("clear_explorer", ids=["view"])
    explorer.load("flat")
    assert [row for row, state in enumerate(explorer.states()) if state == SUGGESTED] == suggested


def test_clearing_all_labels_is_one_action_that_can_be_undone(explorer, mapped_digits):
    front = Front(explorer)
    before = saved(mapped_digits)
    assert front.take(explorer.do("clear_labels", which="all"))["done"]
    assert front.labels == [None] * 120
    assert words_of_undo(explorer)[0] == "clear the labels of 40 samples"
    front.take(explorer.do("undo"))
    assert saved(mapped_digits) == before


def test_next_best_is_an_unlabeled_row(explorer):
    row = explorer.do("next_best", **explorer.map)["row"]
    assert explorer.states()[row] == UNLABELED


def test_the_selection_becomes_a_segment(explorer, mapped_digits):
    reply = explorer.do(
        "create_segment", **explorer.rows(5, 6, 7), name="Odd ones", segment_kind="data quality", note="why"
    )
    assert reply["count"] == 3
    ids = mapped_digits.values("id")
    dataset = fo.load_dataset(mapped_digits.name)
    assert sorted(dataset.match_tags(f"segment:{reply['slug']}").values("id")) == sorted(ids[5:8])


def test_actions_on_nothing_say_what_to_do(explorer):
    for act in ("set_label", "accept", "reject", "delete"):
        reply = explorer.ask(act, **explorer.rows(), label="cat", which="confident")
        assert reply["error"] == "Nothing is selected: click a point, or draw a lasso around some."
    assert "label is empty" in explorer.ask("set_label", **explorer.rows(1), label="  ")["error"]


def test_a_class_is_offered_for_a_selection_first_by_its_neighbors_then_by_its_suggestions(explorer, mapped_digits):
    truth = [str(digit) for digit in load_digits().target[:120]]
    hits = 0
    deadline = time.monotonic() + 60
    while "still being computed" in explorer.ask("grow", **explorer.rows(40), k=3).get("error", ""):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for row in range(40, 120):
        offered = explorer.do("likely_classes", **explorer.rows(row))["classes"]
        assert 1 <= len(offered) <= 3
        assert offered[0]["why"].endswith("of the nearest labeled items have this label")
        hits += offered[0]["label"] == truth[row]
    assert hits > 60  # of 80
    job = explorer.do("suggest_labels", selection=None, precision=0.95)["job"]
    done = explorer.finish(job)
    assert (done["status"], "Method" in done["message"]) == ("done", False)
    one = explorer.do("likely_classes", **explorer.rows(50))["classes"]
    assert [(hint["label"], hint["why"]) for hint in one] == [(explorer.field("@labels")[50], "Suggested")]
    several = explorer.do("likely_classes", **explorer.rows(*range(40, 120)))["classes"]
    assert len(several) == 3
    assert several[0]["why"].endswith("of 80 selected items")
    assert explorer.states()[40] != 1  # nothing is set by asking


def test_no_class_is_offered_where_nothing_is_labeled(make_digits_dataset, make_explorer):
    dataset = make_digits_dataset(30, labeled=0)
    give_map(dataset, np.asarray(load_digits().data[:30], np.float32))
    panel = make_explorer(dataset)
    panel.load("flat")
    assert panel.do("likely_classes", **panel.rows(3))["classes"] == []
