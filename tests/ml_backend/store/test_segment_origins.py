"""How a segment was made is stored completely, read from records of earlier versions too, and described in words."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.store.segment_origins import ConfusionRule, Selected, origin_of_record, record_of_origin

names = st.text(max_size=5)
rules = st.builds(
    ConfusionRule,
    names,
    names,
    st.floats(0, 1),
    st.floats(0, 1),
    st.lists(names, max_size=3).map(tuple),
    st.lists(st.tuples(st.none() | names, st.none() | names), max_size=3).map(tuple),
    names,
    st.integers(0, 9),
    st.none() | st.just("[]"),
    st.booleans(),
    st.booleans(),
    st.none() | st.just("old-slug"),
)
RULE = ConfusionRule("truth", "guess", 0.5, 0.8, ("false positives",), (("cat", "dog"),), "predictions", 1200)


@settings(deadline=None)
@given(rules | st.builds(Selected, names, st.none() | names))
def test_an_origin_survives_its_record_as_json(origin):
    assert origin_of_record(json.loads(json.dumps(record_of_origin(origin)))) == origin


def test_records_of_earlier_versions_are_read():
    record = record_of_origin(RULE)
    del record["too_large"], record["remade_from"], record["by_hand"]
    old = {**record, "view": "too large", "again": "old-slug", "by": "choice among a confusion"}

    origin = origin_of_record(old)

    assert (origin.view, origin.too_large, origin.remade_from, origin.by_hand) == (None, True, "old-slug", True)
    assert origin_of_record({}) == Selected()
    del record["pairs"]
    record["cells"] = [["(no label)", "cat"], ["cat", "(no prediction)"], ["cat", "dog"]]
    assert origin_of_record(record).cells == ((None, "cat"), ("cat", None), ("cat", "dog"))


@pytest.mark.parametrize(
    ("origin", "sentence"),
    [
        (Selected(), "Made from a selection on May 1."),
        (Selected("lasso", "umap"), "Made from a lasso on the map 'umap' on May 1."),
        (
            RULE,
            "Made on May 1 from false positives, label cat as dog of 'guess' against 'truth' at IoU 0.5, confidence "
            "0.8.",
        ),
        (
            replace(RULE, outcomes=(), cells=((None, "cat"), ("(no label)", None))),
            "Made on May 1 from no label predicted as cat, label (no label) without prediction of 'guess' against "
            "'truth' at IoU 0.5, confidence 0.8.",
        ),
    ],
)
def test_an_origin_is_reported_in_words(origin, sentence):
    assert origin.sentence("May 1") == sentence


@pytest.mark.parametrize("how", [{"view": "[]"}, {"too_large": True}])
def test_a_confusion_in_a_view_says_of_how_many_samples(how):
    assert replace(RULE, **how).sentence("May 1").endswith("confidence 0.8, in a view of 1,200 samples.")
