"""Classes offered for a selection."""

import time

import numpy as np
from sklearn.datasets import load_digits

from ...conftest import give_map


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
