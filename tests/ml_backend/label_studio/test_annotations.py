"""Annotations are read as Label Studio sends them; what is not an annotation is None, never an error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.label_studio.annotations import as_annotation
from labelscape.ml_backend.label_studio.config import read_label_config

from .setting import KIND, QUALITY, chosen, view

CONTROL = read_label_config(view(KIND, QUALITY))
VALID = {"id": 5, "result": [chosen("Cat"), chosen("good", name="quality")], "completed_by": 3}


def test_an_annotation_has_the_results_of_its_control_alone() -> None:
    annotation = as_annotation(CONTROL, VALID)
    assert annotation is not None
    assert (annotation.id, annotation.by, annotation.silent, annotation.skipped) == (5, 3, False, False)
    assert [item["from_name"] for item in annotation.result] == ["kind"]


@pytest.mark.parametrize(("name", "silent"), [("quality", False), ("gone", True)])
def test_only_one_for_a_control_that_the_config_no_longer_has_says_nothing_about_ours(name: str, silent: bool) -> None:
    annotation = as_annotation(CONTROL, {**VALID, "result": [chosen("good", name=name)]})
    assert annotation is not None
    assert (annotation.result, annotation.silent) == ([], silent)


@pytest.mark.parametrize(
    ("user", "number"),
    [(3, 3), ({"id": 3, "email": "a@b"}, 3), (None, None), ({}, None), ("3", None), (True, None), (2**63, None)],
)
def test_the_annotator_is_a_number_or_an_object_with_one(user: Any, number: int | None) -> None:
    annotation = as_annotation(CONTROL, {**VALID, "completed_by": user})
    assert annotation is not None
    assert annotation.by == number


def test_the_time_is_that_of_the_last_change() -> None:
    times = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z"}
    changed, new = as_annotation(CONTROL, VALID | times), as_annotation(CONTROL, VALID | times | {"updated_at": None})
    assert changed is not None
    assert new is not None
    assert (changed.at, new.at) == (times["updated_at"], times["created_at"])


@pytest.mark.parametrize(
    "value",
    [{}, None, 3, {"choices": None}, {"choices": [None]}, {"choices": [None, {"a": 1}]}, {"choices": {"0": "Cat"}}],
)
def test_an_answer_that_cannot_be_read_does_not_say_that_nothing_is_there(value: Any) -> None:
    item = {**chosen("Cat"), "value": value}
    assert as_annotation(CONTROL, {**VALID, "result": [item]}) is None
    assert as_annotation(CONTROL, {**VALID, "result": [chosen("good", name="quality"), item]}) is None
    partly = as_annotation(CONTROL, {**VALID, "result": [item, chosen("Cat")]})
    assert partly is not None
    assert CONTROL.labels_of(partly.result) == ["Cat"]


def test_an_empty_list_of_choices_says_that_nothing_is_there() -> None:
    item = {**chosen("Cat"), "value": {"choices": []}}
    annotation = as_annotation(CONTROL, {**VALID, "result": [item]})
    assert annotation is not None
    assert (CONTROL.labels_of(annotation.result), annotation.silent) == ([], False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(JSON, JSON, JSON)
def test_whatever_is_sent_it_is_an_annotation_or_none(payload: Any, number: Any, result: Any) -> None:
    assert as_annotation(CONTROL, payload) is None
    annotation = as_annotation(CONTROL, {"id": number, "result": result})
    is_id = isinstance(number, int) and not isinstance(number, bool) and abs(number) < 2**63
    assert (annotation is not None) == (is_id and isinstance(result, list))
