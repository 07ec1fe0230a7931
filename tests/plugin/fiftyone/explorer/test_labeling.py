"""Labeling in the data explorer, over the App's own routes: labels, neighbors, suggestions, deletions, undo, save."""

import fiftyone as fo
import numpy as np

from .front import HUMAN, NEIGHBORS, PENDING_DELETE, PENDING_LABEL, UNLABELED, Front, pack, saved, unpack, words_of_undo


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
    answer = explorer.do("label_neighbors", **explorer.map, rows=[70], label=truth[70])
    order, confidence = unpack(answer["order"]), unpack(answer["confidence"], "<f4")
    assert len(order) == len(confidence) == len(set(order)) > 0
    assert confidence == sorted(confidence, reverse=True)
    assert not {row for row in order if front.labels[row] is not None}
    assert answer["why"]
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


def test_what_is_ticked_in_the_grid_is_found_on_the_map(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    answer = explorer.do("locate", **explorer.map, ids=[ids[7], ids[3], "0" * 24])
    assert unpack(answer["rows"]) == [3, 7]


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
