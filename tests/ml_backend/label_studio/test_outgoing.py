"""A label saved here becomes an annotation that keeps every other answer, or is held back with the reason."""

import copy

import pytest
from labelscape.ml_backend.label_studio.config import read_label_config
from labelscape.ml_backend.label_studio.ledger import TaskRecord
from labelscape.ml_backend.label_studio.mirror import Mirror
from labelscape.ml_backend.label_studio.outgoing import HeldBack, annotation_of

CHOICES = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img"{}>'
    '<Choice value="Cat"/><Choice value="Dog"/></Choices><TextArea name="note" toName="img"{}/></View>'
)
BOXES = (
    '<View><Image name="img" value="$image"/><RectangleLabels name="obj" toName="img">'
    '<Label value="Cat"/><Label value="Dog"/></RectangleLabels></View>'
)
SHAPE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}
NOTE = {"from_name": "note", "to_name": "img", "type": "textarea", "value": {"text": ["blurred"]}}


def mirror(config):
    return Mirror(1, None, config, read_label_config(config), None)  # no database: only the control is used


def chosen(*names):
    return {"from_name": "kind", "to_name": "img", "type": "choices", "value": {"choices": list(names)}}


def box(region, label, **more):
    value = {**SHAPE, **({"rectanglelabels": [label]} if label else {})}
    kind = "rectanglelabels" if label else "rectangle"
    return {"id": region, "from_name": "obj", "to_name": "img", "type": kind, "value": value, **more}


def sent(config, labeling, base=(), **record):
    return annotation_of(mirror(config), TaskRecord(5, "", "", **record), labeling, base)


def test_a_relabel_keeps_the_answers_of_other_controls():
    result = sent(CHOICES.format("", ""), (("", "Dog"),), [chosen("Cat"), NOTE])

    assert [item["value"] for item in result] == [{"choices": ["Dog"]}, NOTE["value"]]


def test_a_required_answer_that_is_missing_holds_the_label_back_by_name():
    config = CHOICES.format("", ' required="true"')

    with pytest.raises(HeldBack, match=r"also requires an answer to “note”: annotate the task in Label Studio"):
        sent(config, (("", "Dog"),))
    assert len(sent(config, (("", "Dog"),), [NOTE])) == 2


def test_a_class_that_left_the_config_may_stay_but_is_not_assigned_again():
    config = CHOICES.format("", "")

    with pytest.raises(HeldBack, match=r"no class “Bird”: add it there, or relabel here"):
        sent(config, (("", "Bird"),))
    assert sent(config, (("", "Bird"),), [chosen("Bird")])[0]["value"] == {"choices": ["Bird"]}


def test_boxes_that_another_model_proposed_go_out_with_their_classes():
    result = sent(BOXES, (("a", "Cat"), ("b", "Dog")), candidates=[box("a", None), box("b", None)])

    assert {item["id"]: item["value"]["rectanglelabels"] for item in result} == {"a": ["Cat"], "b": ["Dog"]}
    assert result[0]["value"]["width"] == pytest.approx(30)


@pytest.mark.parametrize("labeling", [(("a", "Cat"),), (("a", "Cat"), ("b", "Dog"), ("c", "Dog"))])
def test_boxes_without_a_class_or_drawn_here_hold_the_annotation_back(labeling):
    with pytest.raises(HeldBack, match="label all of them"):
        sent(BOXES, labeling, candidates=[box("a", None), box("b", None)])


def test_a_relabeled_box_keeps_everything_else_of_its_annotation_and_the_base_is_untouched():
    base = [box("a", "Cat", meta={"text": ["x"]}), box("b", "Dog", score=0.3)]
    before = copy.deepcopy(base)

    result = sent(BOXES, (("a", "Dog"), ("b", "Dog")), base, candidates=[box("a", None), box("b", None)])

    assert result == [{**base[0], "value": {**SHAPE, "rectanglelabels": ["Dog"]}}, base[1]]
    assert base == before
