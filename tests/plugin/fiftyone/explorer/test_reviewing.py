"""Lists to review: from rankings, suggestions, segments, and searches, in their order and with what is proposed."""

from labelscape.ml_backend.actions.segments import create_segment
from labelscape.ml_backend.store.items import items_of
from labelscape.ml_backend.store.scores import Score, write_scores
from labelscape.ml_backend.store.segments import list_segments
from labelscape.plugin.fiftyone.explorer.column_files import MISSING_CODE

from ...conftest import numbers


def open_list(explorer, name):
    return explorer.do("open_list", **explorer.map, list=name)


def rows_of(answer):
    return numbers(answer["rows"])


def decision(name, item, kind, value=""):
    return {"id": name, "map": "flat", "field": "ground_truth", "item": item, "kind": kind, "value": value}


def decide(explorer, *decisions):
    shown = [{"shown": explorer.shown, **one} for one in decisions]
    return explorer.do("decide", dataset=explorer.dataset, decisions=shown)


def test_suspected_labels_come_worst_first_with_the_label_that_fits_better(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    mapped_digits.set_values("mislabel_score", [7.5] * len(mapped_digits))  # the user's own: ours has another name
    wrong = {3: "wrong", 7: "wrong"}
    for row in wrong:
        sample = mapped_digits[ids[row]]
        sample.ground_truth.label = "0" if sample.true_digit != "0" else "1"
        sample.save()
    assert explorer.finish(explorer.do("rank_mislabels", selection=None)["job"])["status"] == "done"
    assert [entry["id"] for entry in explorer.state["lists"]] == ["mislabels"]
    answer = open_list(explorer, "mislabels")
    rows, scores = rows_of(answer), numbers(answer["scores"], "<f4")
    assert set(wrong) <= set(rows)
    assert scores == sorted(scores, reverse=True)
    proposed = [answer["labels"][code] for code in numbers(answer["proposals"], "<u2")]
    shown = explorer.field("ground_truth.label")
    assert all(name != shown[row] for row, name in zip(rows, proposed, strict=True))

    # A label that was corrected is no suspect any more.
    row = rows[0]
    explorer.do("set_label", **explorer.rows(row), label=proposed[0])
    assert row not in rows_of(open_list(explorer, "mislabels"))


def test_a_label_where_the_evidence_favors_none_is_listed_without_a_proposal(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    items = items_of(mapped_digits, [ids[row] for row in (3, 4, 5, 50)], None)
    scores = Score("mislabel_score", [0.9, 0.8, 0.2, 0.7])  # the last item has no label
    write_scores(mapped_digits, items, [scores, Score("mislabel_suggestion", [None, "other", None, None])])
    answer = open_list(explorer, "mislabels")
    assert rows_of(answer) == [3, 4]
    assert numbers(answer["proposals"], "<u2") == [MISSING_CODE, 0]
    assert answer["labels"] == ["other"]
    assert answer["note"] == "the evidence favors no label at all for 1"
    explorer.do("set_label", **explorer.rows(3), label="other")
    assert rows_of(open_list(explorer, "mislabels")) == [4]


def test_suggestions_come_least_confident_first_and_only_open_ones(explorer):
    explorer.finish(explorer.do("suggest_labels", selection=None, precision=0.8)["job"])
    answer = open_list(explorer, "suggestions")
    rows, confidence = rows_of(answer), numbers(answer["scores"], "<f4")
    assert confidence == sorted(confidence)
    assert rows == [row for row in rows if row >= 40]
    explorer.do("accept", **explorer.rows(rows[-1]), which="confident")
    assert rows_of(open_list(explorer, "suggestions")) == rows[:-1]


def test_outliers_and_duplicates_are_lists_too(explorer, mapped_digits):
    explorer.finish(explorer.do("rank_outliers", selection=None)["job"])
    explorer.finish(explorer.do("find_duplicates", selection=None, threshold=0.05)["job"])
    outliers = open_list(explorer, "outliers")
    scores = numbers(outliers["scores"], "<f4")
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 50  # no digit stands out, so the highest are listed
    assert "none of them stands out" in outliers["note"]
    groups = numbers(open_list(explorer, "duplicates")["groups"])
    assert groups == sorted(groups)
    assert all(groups.count(group) > 1 for group in groups)


def test_what_is_removed_from_a_segment_can_be_put_back(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    create_segment(mapped_digits, ids[5:9], name="odd ones", kind="data quality", note="look again")
    answer = open_list(explorer, "segment:odd-ones")
    assert (answer["kind"], rows_of(answer), answer["note"]) == ("segment", [5, 6, 7, 8], "look again")
    assert answer["ids"] == ids[5:9]
    assert decide(explorer, decision("d1", ids[6], "remove_from_segment", "odd-ones"))["failed"] == []
    assert rows_of(open_list(explorer, "segment:odd-ones")) == [5, 7, 8]
    assert decide(explorer, decision("d2", ids[6], "add_to_segment", "odd-ones"))["failed"] == []
    assert list_segments(mapped_digits)[0].size == 4
    assert "no segment" in explorer.ask("open_list", **explorer.map, list="segment:gone")["error"].lower()


def test_similar_samples_come_best_first_and_marks_move_them(explorer, mapped_digits):
    truth = mapped_digits.values("true_digit")
    zero = truth.index("0")
    answer = explorer.do("search_similar", **explorer.map, liked=[zero], disliked=[])
    rows, scores = rows_of(answer), numbers(answer["scores"], "<f4")
    assert answer["adds_field"], "the sidebar is told when the list is closed"
    assert zero not in rows
    assert scores == sorted(scores, reverse=True)
    assert [truth[row] for row in rows[:5]].count("0") >= 4
    disliked = rows[1]
    again = explorer.do("search_similar", **explorer.map, liked=[zero, rows[0]], disliked=[disliked])
    assert not again["adds_field"]
    assert {zero, rows[0], disliked}.isdisjoint(rows_of(again))
    assert explorer.state["functions"]["last_search"] == "2 positives and 1 negative"


def test_decisions_of_one_call_are_actions_of_their_own_with_one_patch(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    answer = decide(
        explorer,
        decision("d1", ids[50], "label", "7"),
        decision("d2", ids[51], "label", " 8 "),
        decision("d3", ids[52], "delete"),
    )
    assert answer["failed"] == []
    assert numbers(answer["patch"]["rows"]) == [50, 51, 52]
    assert explorer.state["pending"] == {"labels": 2, "cleared": 0, "deletions": 1}
    assert len(explorer.state["undoable"]) == 3
    explorer.do("undo", key=None)
    assert explorer.state["pending"] == {"labels": 2, "cleared": 0, "deletions": 0}
    explorer.do("undo", key=None)
    assert explorer.field("ground_truth.label")[50:52] == ["7", None]


def test_a_decision_that_comes_again_is_applied_once_even_after_save_and_undo(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    first = decision("d1", ids[50], "label", "7")
    decide(explorer, first)
    assert decide(explorer, first, first, decision("d2", ids[51], "label", "8"))["failed"] == []
    assert len(explorer.state["undoable"]) == 2
    explorer.do("save")
    decide(explorer, first)
    assert explorer.state["pending"]["labels"] == 0
    explorer.do("undo", key=None)
    decide(explorer, first)
    assert explorer.state["pending"]["labels"] == 0


def test_undoing_a_decision_leaves_what_another_tab_queued_since(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    decide(explorer, decision("mine", ids[50], "label", "cat"))
    explorer.do("set_label", **explorer.rows(51, 52), label="dog")

    assert explorer.do("undo", key=None, decision="mine")["done"] == "Undid: label 1 sample “cat”."

    assert explorer.state["pending"]["labels"] == 2
    assert "came after it" in explorer.ask("undo", key=None, decision="mine")["error"]


def test_a_decision_that_cannot_be_applied_is_named_and_stops_no_other(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    mapped_digits.delete_samples([ids[60]])
    answer = decide(
        explorer,
        decision("d1", ids[60], "label", "1"),
        decision("d2", ids[61], "label", "  "),
        decision("d3", ids[62], "accept"),
        decision("d4", ids[63], "fly"),
        decision("d5", ids[64], "label", "4") | {"map": "no such map"},
        decision("d6", ids[65], "label", "5"),
    )
    assert [failed["id"] for failed in answer["failed"]] == ["d1", "d2", "d3", "d4", "d5"]
    reasons = " ".join(failed["reason"] for failed in answer["failed"])
    for part in ("no longer in the dataset", "label is empty", "no suggestion", "not a known decision", "no such map"):
        assert part in reasons
    assert explorer.state["pending"]["labels"] == 1
    old = {"id": "d8", "item": ids[67], "kind": "label", "value": "7"}  # kept in a browser since an earlier version
    answer = decide(explorer, old, decision("d9", ids[68], "label", "8"))
    assert [failed["id"] for failed in answer["failed"]] == ["d8"]
    assert explorer.state["pending"]["labels"] == 2
    other = explorer.ask("decide", dataset="elsewhere", decisions=[decision("d7", ids[66], "label", "6")])
    assert "“elsewhere”" in other["error"]


def test_suggestions_are_accepted_and_rejected_by_decisions(explorer):
    explorer.finish(explorer.do("suggest_labels", selection=None, precision=0.8)["job"])
    listed = open_list(explorer, "suggestions")
    proposed = [listed["labels"][code] for code in numbers(listed["proposals"], "<u2")]
    last, before = rows_of(listed)[-1], rows_of(listed)[-2]
    answer = decide(explorer, decision("d1", listed["ids"][-1], "accept"), decision("d2", listed["ids"][-2], "reject"))
    assert answer["failed"] == []
    assert explorer.field("ground_truth.label")[last] == proposed[-1]
    assert not {last, before} & set(rows_of(open_list(explorer, "suggestions")))
    assert explorer.do("undo", key=None, decision="d2")["done"] == "Undid: rejection of 1 suggestion."
    assert "came after it" in explorer.ask("undo", key=None, decision="d2")["error"]
    explorer.do("undo", key=None, decision="d1")
    assert {last, before} <= set(rows_of(open_list(explorer, "suggestions")))
