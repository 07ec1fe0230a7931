"""Results of annotations: one region ID is one object, in one form; whatever a tool wrote, nothing raises."""

import math
from typing import Any

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.label_studio.annotations import as_annotation
from labelscape.ml_backend.label_studio.config import Control, read_label_config
from labelscape.ml_backend.label_studio.regions import is_unreadable

BOXES = read_label_config(
    '<View><Image name="img" value="$image"/><RectangleLabels name="obj" toName="img"><Label value="Cat"/>'
    '<Label value="Dog"/></RectangleLabels><Choices name="state" toName="img" perRegion="true"><Choice value="whole"/>'
    '</Choices><TextArea name="note" toName="img" perRegion="true"/></View>'
)
CHOICES = read_label_config(
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img" choice="multiple" allowNested="true">'
    '<Choice value="Animal"><Choice value="Cat"/><Choice value="Other"/></Choice><Choice value="Plant">'
    '<Choice value="Other"/></Choice></Choices></View>'
)
SHAPE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}


def box(region: str | None = "r1", labels: Any = ("Cat",), **more: Any) -> dict[str, Any]:
    value = {**SHAPE, "rectanglelabels": list(labels), **more.pop("value", {})}
    item = {"from_name": "obj", "to_name": "img", "type": "rectanglelabels", "value": value, **more}
    return item if region is None else {**item, "id": region}


def test_one_region_id_is_one_object_with_the_class_of_the_served_control() -> None:
    state = {"id": "r1", "from_name": "state", "to_name": "img", "type": "choices", "value": {"choices": ["whole"]}}
    note = {**state, "from_name": "note", "type": "textarea", "value": {**SHAPE, "text": ["scratched"]}}
    (region,) = BOXES.regions_of([note, box(), state, box()])
    assert (region.id, region.label) == ("r1", "Cat")
    assert region.box == pytest.approx((0.1, 0.2, 0.3, 0.4))


def test_a_class_without_a_box_of_its_own_takes_the_box_of_the_same_region() -> None:
    drawn = {"id": "r1", "from_name": "tool", "to_name": "img", "type": "rectangle", "value": SHAPE}
    named = {"id": "r1", "from_name": "obj", "to_name": "img", "type": "rectanglelabels"}
    (region,) = BOXES.regions_of([drawn, {**named, "value": {"rectanglelabels": ["Dog"]}}])
    assert (region.label, region.box) == ("Dog", pytest.approx((0.1, 0.2, 0.3, 0.4)))


def test_items_without_an_id_are_objects_of_their_own() -> None:
    regions = BOXES.regions_of([box(None), box(None, ["Dog"]), box("r1")])
    assert [region.label for region in regions] == ["Cat", "Dog", "Cat"]
    assert len({region.id for region in regions}) == 3


def test_a_box_is_the_same_from_whichever_corner_it_was_drawn() -> None:
    drawn = {"x": 40, "y": 60, "width": -30, "height": -40}
    (region,) = BOXES.regions_of([box(value=drawn)])
    assert region.box == pytest.approx((0.1, 0.2, 0.3, 0.4))


def test_a_box_that_reaches_outside_is_clipped_and_one_that_lies_outside_is_no_object() -> None:
    over, outside = {"x": -1, "y": 90, "width": 11, "height": 20}, {"x": 110, "width": 5}
    (region,) = BOXES.regions_of([box(value=over), box("r2", value=outside), box("r3", value={"width": 0})])
    assert region.box == pytest.approx((0, 0.9, 0.1, 0.1))


def test_a_turned_box_needs_the_size_of_its_image_and_never_takes_it_for_square() -> None:
    (region,) = BOXES.regions_of([box(value={"x": 50, "y": 20, "width": 10, "height": 40, "rotation": 90})])
    assert not region.can_be_placed
    with pytest.raises(ValueError, match="size of its image"):
        _ = region.upright
    assert region.sized((200, 100)).upright == pytest.approx((0.3, 0.2, 0.2, 0.2))


def test_a_class_that_the_config_has_not_is_kept_by_its_name() -> None:
    (region,) = BOXES.regions_of([box(labels=["Bird"])])
    assert (region.label, region.unknown, region.stated) == (None, "Bird", "Bird")


def test_nested_choices_are_read_and_written_as_paths_and_told_apart() -> None:
    assert CHOICES.classes == ("Animal", "Cat", "Animal / Other", "Plant", "Plant / Other")
    result = CHOICES.choice(["Cat", "Plant / Other"])
    assert result[0]["value"] == {"choices": [["Animal", "Cat"], ["Plant", "Other"]]}
    assert CHOICES.labels_of(result) == ["Cat", "Plant / Other"]


def test_an_answer_to_other_questions_only_says_that_nothing_was_chosen() -> None:
    other = {"from_name": "state", "to_name": "img", "type": "choices", "value": {"choices": ["whole"]}}
    gone = {"from_name": "old", "to_name": "img", "type": "choices", "value": {"choices": ["Cat"]}}
    assert [BOXES.is_silent(result) for result in ([], [other], [box()], [gone], [{"type": "relation"}], [3])] == [
        False, False, False, True, False, True,
    ]  # fmt: skip


# What the controls of Label Studio 1.23 write into "value", each with its own geometry.
VALUES: dict[str, dict[str, Any]] = {
    "choices": {"choices": ["Cat"]},
    "taxonomy": {"taxonomy": [["Animal", "Cat"], ["Plant"]]},
    "rating": {"rating": 3},
    "number": {"number": 2.5},
    "datetime": {"datetime": "2026-01-01"},
    "textarea": {"text": ["some text"]},
    "pairwise": {"selected": "left"},
    "ranker": {"ranker": {"first": ["a"], "rest": []}},
    "rectangle": SHAPE,
    "rectanglelabels": {**SHAPE, "rectanglelabels": ["Cat"]},
    "ellipse": {"x": 1, "y": 2, "radiusX": 3, "radiusY": 4, "rotation": 0},
    "ellipselabels": {"x": 1, "y": 2, "radiusX": 3, "radiusY": 4, "ellipselabels": ["Cat"]},
    "polygonlabels": {"points": [[1, 2], [3, 4], [5, 6]], "closed": True, "polygonlabels": ["Cat"]},
    "keypointlabels": {"x": 1, "y": 2, "width": 0.5, "keypointlabels": ["Cat"]},
    "brushlabels": {"format": "rle", "rle": [0, 1, 2, 255], "brushlabels": ["Cat"]},
    "vectorlabels": {"vertices": [{"x": 1, "y": 2}], "vectorlabels": ["Cat"]},
    "labels": {"start": 0, "end": 3, "text": "cat", "labels": ["Cat"], "channel": 0},
    "hypertextlabels": {"start": "/p[1]", "end": "/p[1]", "startOffset": 0, "endOffset": 2, "hypertextlabels": ["Cat"]},
    "paragraphlabels": {"start": "0", "end": "1", "paragraphlabels": ["Cat"]},
    "timeserieslabels": {"start": 0.5, "end": 2, "instant": False, "timeserieslabels": ["Cat"]},
    "timelinelabels": {"ranges": [{"start": 1, "end": 5}], "timelinelabels": ["Cat"]},
    "videorectangle": {"sequence": [{"frame": 1, "enabled": True, **SHAPE}], "framesCount": 10, "labels": ["Cat"]},
    "chatmessage": {"chatmessage": {"role": "user", "content": "hi"}},
    "reactcode": {"reactcode": {"anything": [1, {"at": "all"}]}},
}
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["obj", "kind", "state", "gone"])


@st.composite
def items(draw: st.DrawFn) -> Any:
    """An item as some control writes it, perhaps with anything put in some places, or anything at all."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    value = {**VALUES[kind], **draw(st.dictionaries(st.sampled_from([*VALUES[kind], "rotation"]), ODD, max_size=2))}
    item: dict[str, Any] = {"id": draw(st.sampled_from(["r1", "r2"])), "from_name": draw(NAMES), "to_name": "img"}
    item |= {"type": kind, "value": value, "original_width": 640, "original_height": 480}
    item |= draw(st.dictionaries(st.sampled_from(sorted(item)), ODD, max_size=2))
    for name in draw(st.sets(st.sampled_from(sorted(item)), max_size=2)):
        del item[name]
    return draw(st.sampled_from([item, item, item, draw(ODD), {"type": "relation", "from_id": "r1", "to_id": "r2"}]))


@settings(max_examples=400, deadline=None)
@given(result=st.lists(items(), max_size=5) | ODD, control=st.sampled_from([BOXES, CHOICES]))
def test_any_result_of_any_control_is_read_and_can_be_stored(result: Any, control: Control) -> None:
    annotation = as_annotation(control, {"id": 1, "task": 1, "result": result})
    if annotation is None:
        assert not isinstance(result, list) or is_unreadable(result, control.names, control.kind)
        return
    bson.encode({"result": annotation.result})
    assert control.own(annotation.result) == annotation.result  # one form, however often it is read
    regions = control.regions_of(annotation.result)
    assert len({region.id for region in regions}) == len(regions)
    for region in regions:
        x, y, width, height = region.sized((640, 480)).upright
        assert all(math.isfinite(side) for side in region.box)
        assert 0 <= x <= x + width <= 1.000001
        assert 0 <= y <= y + height <= 1.000001
    assert all(isinstance(name, str) and name for name in control.stated(annotation.result))


@settings(max_examples=100, deadline=None)
@given(payload=ODD | st.dictionaries(st.sampled_from(["id", "result", "completed_by", "updated_at"]), ODD))
def test_any_annotation_is_read_or_is_none(payload: Any) -> None:
    annotation = as_annotation(CHOICES, payload)
    assert annotation is None or isinstance(annotation.id, int)
