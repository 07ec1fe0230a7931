"""Which other controls of a label config must be answered, as Label Studio's editor decides it at submit."""

from typing import Any

import pytest
from labelscape.ml_backend.label_studio.config import read_label_config
from labelscape.ml_backend.label_studio.questions import Question, shown_items, unanswered

SERVED = '<Choices name="kind" toName="i"><Choice value="Cat"/><Choice value="Dog" alias="dog"/></Choices>'
BOXES = '<RectangleLabels name="box" toName="i"><Label value="Car"/><Label value="Bus"/></RectangleLabels>'


def questions(*parts: str) -> tuple[Question, ...]:
    return read_label_config(f'<View><Image name="i" value="$image"/>{SERVED}{"".join(parts)}</View>').questions


def kind(label: str) -> dict[str, Any]:
    return {"from_name": "kind", "to_name": "i", "type": "choices", "value": {"choices": [label]}}


def box(region: str, label: str) -> dict[str, Any]:
    value = {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": [label]}
    return {"id": region, "from_name": "box", "to_name": "i", "type": "rectanglelabels", "value": value}


def note(region: str | None = None, name: str = "note") -> dict[str, Any]:
    item = {"from_name": name, "to_name": "i", "type": "textarea", "value": {"text": ["hm"]}}
    return item if region is None else {**item, "id": region}


@pytest.mark.parametrize(
    ("chosen", "condition", "missing"),
    [
        ("Cat", 'visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="Cat"', ["note"]),
        ("dog", 'visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="Cat"', []),
        ("dog", 'visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="Cat,Dog"', ["note"]),
        ("Cat", 'visibleWhen="choice-selected" whenTagName="kind"', ["note"]),
        ("Cat", 'visibleWhen="choice-unselected" whenTagName="kind" whenChoiceValue="Cat"', []),
        ("dog", 'visibleWhen="choice-unselected" whenTagName="kind" whenChoiceValue="Cat"', ["note"]),
        ("Cat", 'visibleWhen="region-selected"', []),
        ("Cat", "", ["note"]),
    ],
)
@pytest.mark.parametrize("around", [True, False])
def test_a_required_control_must_be_answered_while_it_is_visible(
    chosen: str, condition: str, missing: list[str], around: bool
) -> None:
    control = f'<TextArea name="note" toName="i" required="true" {"" if around else condition}/>'
    config_questions = questions(f"<View {condition}>{control}</View>" if around else control)
    assert unanswered(config_questions, [kind(chosen)]) == missing
    assert unanswered(config_questions, [kind(chosen), note()]) == []


def test_a_required_control_per_region_must_be_answered_for_each_region_it_is_shown_for() -> None:
    every = questions(BOXES, '<TextArea name="note" toName="i" required="true" perRegion="true"/>')
    assert unanswered(every, [kind("Cat")]) == [], "there is no region"
    assert unanswered(every, [kind("Cat"), box("a", "Car"), note("a")]) == []
    assert unanswered(every, [kind("Cat"), box("a", "Car"), note("a"), box("b", "Bus")]) == ["note"]
    condition = 'visibleWhen="region-selected" whenTagName="box" whenLabelValue="Bus"'
    buses = questions(BOXES, f'<TextArea name="note" toName="i" required="true" perRegion="true" {condition}/>')
    assert unanswered(buses, [kind("Cat"), box("a", "Car")]) == []
    assert unanswered(buses, [kind("Cat"), box("a", "Car"), box("b", "Bus")]) == ["note"]


def test_answers_of_controls_that_a_new_label_hides_are_left_out() -> None:
    condition = 'visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="Cat"'
    config_questions = questions(
        f'<TextArea name="note" toName="i" {condition}/>', '<TextArea name="free" toName="i"/>'
    )
    given = [note(), note(name="free")]
    assert shown_items(config_questions, [kind("Cat"), *given]) == [kind("Cat"), *given]
    assert shown_items(config_questions, [kind("dog"), *given]) == [kind("dog"), given[1]]


@pytest.mark.parametrize(
    "value", [None, 3, "x", {"choices": None}, {"choices": [None, [], [3]]}, {"choices": [["a", "Cat"]]}]
)
def test_an_item_of_any_form_is_read(value: Any) -> None:
    condition = 'visibleWhen="choice-selected" whenTagName="kind"'
    config_questions = questions(f'<TextArea name="note" toName="i" required="true" perRegion="true" {condition}/>')
    unanswered(config_questions, [{**kind("Cat"), "value": value}, {"id": 3, "to_name": "i", "value": value}])
