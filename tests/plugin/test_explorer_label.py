"""The data explorer labels: queue, neighbors, suggestions, deletions, undo, save. Over the App's own routes."""

import base64

import fiftyone as fo
import numpy as np
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions

UNLABELED, HUMAN, SUGGESTED, PENDING_LABEL, PENDING_DELETE, NEIGHBORS = range(6)


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
    assert explorer.state["pending"] == {"labels": 3, "deletions": 0}
    assert explorer.state["undo"] == "label 3 samples “new”"
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
    reply = front.take(explorer.do("accept", **explorer.rows(80, 81, 90)))
    assert (reply["count"], reply["skipped"]) == (2, 1)
    assert [front.labels[row] for row in (80, 81, 90)] == ["0", "1", None]
    front.take(explorer.do("undo"))
    assert [front.states[row] for row in (80, 81)] == [SUGGESTED] * 2
    reply = front.take(explorer.do("reject", **explorer.rows(82, 83, 84)))
    assert (reply["count"], reply["skipped"]) == (2, 1)
    assert [front.states[row] for row in (82, 83)] == [UNLABELED] * 2
    assert "no suggestion to accept" in explorer.ask("accept", **explorer.rows(90))["error"]


def test_deleted_samples_leave_the_map_when_saved_and_return_when_undone(explorer, mapped_digits):
    front = Front(explorer)
    ids = mapped_digits.values("id")
    before = explorer.map
    reply = front.take(explorer.do("delete", **explorer.rows(10, 11)))
    assert reply["count"] == 2
    assert [front.states[row] for row in (10, 11)] == [PENDING_DELETE] * 2
    assert explorer.state["pending"] == {"labels": 0, "deletions": 2}
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
    assert explorer.state["pending"] == {"labels": 1, "deletions": 0}
    assert explorer.do("discard")["count"] == 1
    assert explorer.state["pending"] == {"labels": 0, "deletions": 0}
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
    explorer.do("clear_explorer")
    explorer.do("sync", revision=-1)
    assert (explorer.state["label_field"], explorer.state["map"]) == ("ground_truth", None)


def test_several_classes_suggested_are_shown_together_and_accepted_as_one(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    mapped_digits.add_sample_field("kinds", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classifications)
    several = Suggestion("7", 0.99, True, [], "kinds", ("odd",), (0.96,), ("",))
    write_suggestions(mapped_digits, list_items(mapped_digits.select([ids[80], ids[81]])), [several] * 2)
    explorer.do("set_label_field", field="kinds")
    fact = explorer.do("facts", **explorer.map, rows=[80])["facts"][0]
    assert fact["suggestion"] == {"label": "7, odd", "confidence": 0.96}
    reply = explorer.do("accept", **explorer.rows(80, 81, 90))
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
    explorer.do("clear_explorer")
    explorer.load("flat")
    assert [row for row, state in enumerate(explorer.states()) if state == SUGGESTED] == suggested


def test_clearing_all_labels_is_one_act_that_can_be_undone(explorer, mapped_digits):
    front = Front(explorer)
    before = saved(mapped_digits)
    assert front.take(explorer.do("clear_labels"))["count"] == 40
    assert front.labels == [None] * 120
    assert explorer.state["undo"] == "clear the labels of 40 samples"
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


def test_acts_on_nothing_say_what_to_do(explorer):
    for act in ("set_label", "accept", "reject", "delete"):
        reply = explorer.ask(act, **explorer.rows(), label="cat")
        assert reply["error"] == "Nothing is selected: click a point, or draw a lasso around some."
    assert "label is empty" in explorer.ask("set_label", **explorer.rows(1), label="  ")["error"]
