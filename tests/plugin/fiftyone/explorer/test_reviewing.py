"""Lists to review: from rankings, suggestions, segments, and searches, in their order and with what is proposed."""

from labelscape.ml_backend.actions.segments import create_segment
from labelscape.ml_backend.store.segments import list_segments

from ...conftest import numbers


def open_list(explorer, name):
    return explorer.do("open_list", **explorer.map, list=name)


def rows_of(answer):
    return numbers(answer["rows"])


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
    change = {**explorer.map, "rows": [6], "segment": "odd-ones"}
    assert explorer.do("change_segment", **change, member=False)["size"] == 3
    assert rows_of(open_list(explorer, "segment:odd-ones")) == [5, 7, 8]
    assert explorer.do("change_segment", **change, member=True)["size"] == 4
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
