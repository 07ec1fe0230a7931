"""Names of segments in any script, and records that FiftyOne's server can read."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from labelscape.ml_backend.actions.segments import create_segment
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.records import moment, read_records
from labelscape.ml_backend.store.segment_origins import ConfusionRule, Selected, origin_of_record, record_of_origin
from labelscape.ml_backend.store.segment_records import as_record, as_segment, segment_slug
from labelscape.ml_backend.store.segments import list_segments

NAMES = ["Überprüfen", "猫", "犬", "сомнительные", "C++", "C#", "C", "a/b", "a b", "né", "ne", "🙂 blurred", "blurred"]
RULE = ConfusionRule("gt", "pred", 0.5, 0.2, ("confusions",), (("a", "b"),), "labels", 12, view="[]", by_hand=True)


def test_different_names_in_any_script_are_segments_of_their_own(make_digits_dataset):
    dataset = make_digits_dataset(len(NAMES))
    for name, sample in zip(NAMES, dataset.values("id"), strict=True):
        assert create_segment(dataset, [sample], name=name, kind="data quality").segment.name == name
    segments = list_segments(dataset)
    assert [(one.name, one.size) for one in segments] == [(name, 1) for name in NAMES]
    assert len(dataset.list_saved_views()) == len(NAMES)
    for same in ("  c++ ", "BLURRED", "猫 "):
        with pytest.raises(Refusal, match="There is already a segment"):
            create_segment(dataset, dataset.values("id")[:1], name=same, kind="data quality")


@given(st.text(max_size=200))
@example("𝑨")
def test_a_short_form_is_fit_for_a_tag_and_a_saved_view(name):
    try:
        slug = segment_slug(name)
    except Refusal:
        assert not any(letter.isalnum() for letter in name)
        return
    assert slug
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(slug) <= 110


@pytest.mark.parametrize("origin", [Selected("view"), Selected("lasso", map="m"), RULE])
def test_how_a_segment_was_made_survives_as_json(origin):
    assert origin_of_record(json.loads(json.dumps(record_of_origin(origin)))) == origin


def test_records_are_json_and_those_of_earlier_versions_are_read(make_digits_dataset):
    dataset = make_digits_dataset(2)
    segment = create_segment(dataset, dataset.values("id"), name="A", kind="data quality").segment
    (record,) = read_records(dataset, "labelscape.segments").values()
    assert as_segment(json.loads(json.dumps(record))) == segment
    earlier = {
        **as_record(segment),
        "created_at": segment.created_at,
        "sizes": [[moment(), 2]],
        "made_by": {"by": "confusion", "truth_field": "gt", "prediction_field": "p", "iou": 0.5, "confidence": 0.0,
                    "whats": ["confusions"], "cells": [["a", "b"]], "members": "labels", "samples": 3,
                    "view": "too large", "again": "b"},
    }  # fmt: skip
    rule = as_segment(earlier).made_by
    assert (rule.too_large, rule.view, rule.remade_from, rule.by_hand) == (True, None, "b", False)
