"""The rules for a label that is already there: who may overwrite it, and what a clearing takes away."""

from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.store.label_documents import confirms, is_meant, label_document, may_overwrite, provenance
from labelscape.ml_backend.store.pending_columns import FieldChanges, PendingLabel

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
ORIGINS = st.sampled_from([None, "human", "neighbors"])
BY_PERSON = PendingLabel("0" * 24, "ground_truth", None, "cat", "human", None, None, False)
BY_NEIGHBORS = PendingLabel("0" * 24, "ground_truth", None, "cat", "neighbors", 0.9, "1" * 24, False)


def one_change(*, replace: bool, lifted: str) -> FieldChanges:
    column = np.zeros(1, int)
    return FieldChanges(
        "ground_truth", None, False, None, ("cat",), column, column, column.astype(bool), np.asarray([replace]),
        np.asarray([lifted]), column.astype(float), column, column, np.empty(0, "S12"), np.empty(0, "U9"), column[:0],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("which", "meant"),
    [("all", {None, "human", "neighbors"}), ("ours", {"human", "neighbors"}), ("neighbors", {"neighbors"})],
)
def test_a_clearing_takes_the_labels_that_it_names_and_no_others(which, meant):
    assert {origin for origin in (None, "human", "neighbors") if is_meant(origin, which)} == meant


@given(ORIGINS, st.sampled_from(["", "all", "ours", "neighbors"]), st.booleans())
def test_a_label_is_overwritten_only_if_requested_or_cleared_before(origin, lifted, replace):
    allowed = may_overwrite(one_change(replace=replace, lifted=lifted), 0, origin)
    assert allowed == (replace or (lifted != "" and is_meant(origin, lifted)))


def test_only_a_person_confirms_and_only_what_came_from_neighbors():
    assert confirms(BY_PERSON, "neighbors")
    assert not any(confirms(BY_PERSON, origin) for origin in (None, "human"))
    assert not any(confirms(BY_NEIGHBORS, origin) for origin in (None, "human", "neighbors"))


def test_a_label_from_neighbors_carries_its_confidence_and_anchor_and_a_persons_label_does_not():
    followed, set_by_hand = label_document(BY_NEIGHBORS, NOW), label_document(BY_PERSON, NOW)
    assert (followed["label"], followed["confidence"], followed["labelscape"]) == ("cat", 0.9, "neighbors")
    assert followed["anchor"] == "1" * 24
    assert (set_by_hand["confidence"], set_by_hand["labelscape"], set_by_hand["anchor"]) == (None, "human", None)
    assert provenance(BY_PERSON, NOW)["labeled_at"] == NOW
