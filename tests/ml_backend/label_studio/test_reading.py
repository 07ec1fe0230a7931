"""The result of an annotation is read as marks; whatever cannot be read is reported by its place."""

from dataclasses import replace

import pytest
from bson import ObjectId
from labelscape.ml_backend.label_studio.config import read_label_config
from labelscape.ml_backend.label_studio.reading import ImageSizes, marks_of_result
from labelscape.ml_backend.label_studio.reading import stated_marks as stated
from labelscape.ml_backend.label_studio.regions import object_id
from PIL import Image

VIEW = '<View><Image name="img" value="$image"/>{}</View>'
ONE = read_label_config(
    VIEW.format('<Choices name="kind" toName="img"><Choice value="Cat"/><Choice value="Dog"/></Choices>')
)
SEVERAL = read_label_config(
    VIEW.format(
        '<Choices name="kind" toName="img" choice="multiple"><Choice value="Cat"/><Choice value="Dog"/></Choices>'
    )
)
BOXES = read_label_config(
    VIEW.format('<RectangleLabels name="obj" toName="img"><Label value="Cat"/></RectangleLabels>')
)
SHAPE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}


def chosen(*names):
    return [{"from_name": "kind", "to_name": "img", "type": "choices", "value": {"choices": list(names)}}]


def box(region, label="Cat", **value):
    value = {**SHAPE, "rectanglelabels": [label] if label else [], **value}
    kind = "rectanglelabels" if label else "rectangle"
    return {"id": region, "from_name": "obj", "to_name": "img", "type": kind, "value": value}


def read(control, result, size=lambda: None):
    return marks_of_result(control, result, 1, 2, size)


def test_of_one_class_the_first_counts_and_of_several_all():
    assert {place: mark.label for place, mark in read(ONE, chosen("Dog", "Cat")).marks.items()} == {"": "Dog"}
    assert {place: mark.label for place, mark in read(SEVERAL, chosen("Dog", "Cat")).marks.items()} == {
        "Dog": "Dog",
        "Cat": "Cat",
    }


def test_a_class_that_the_config_lacks_is_unknown_but_something_was_said():
    marks = read(ONE, chosen("Bird"))

    assert (marks.marks, marks.unknown, marks.silent_places) == ({}, {"": "Bird"}, {""})
    assert not marks.says_nothing_is_there


def test_a_result_without_an_answer_says_that_nothing_is_there():
    assert read(BOXES, []).says_nothing_is_there
    assert read(SEVERAL, []).says_nothing_is_there


def test_an_object_sent_from_here_keeps_its_id_and_one_drawn_there_gets_a_stable_one():
    ours = str(ObjectId())

    marks = read(BOXES, [box(ours), box("drawn")])

    assert list(marks.marks) == [ours, object_id(1, 2, "drawn")]
    assert object_id(1, 3, "drawn") != object_id(1, 2, "drawn") == object_id(1, 2, "drawn")
    assert marks.marks[ours].box == pytest.approx((0.1, 0.2, 0.3, 0.4))


def test_a_box_without_a_class_is_there_but_silent():
    marks = read(BOXES, [box("a", None)])

    assert [mark.label for mark in marks.marks.values()] == [""]
    assert marks.silent_places == set(marks.marks)
    assert not marks.says_nothing_is_there


def test_a_rotated_box_becomes_the_frame_around_it_once_the_size_is_known():
    turned = box("a", rotation=90, x=60)

    unknown, known = read(BOXES, [turned]), read(BOXES, [turned], lambda: (200, 100))

    assert (unknown.marks, unknown.unplaced) == ({}, {object_id(1, 2, "a")})
    (mark,) = known.marks.values()
    assert known.turned == 1
    assert mark.box[2:] == pytest.approx((0.4 * 100 / 200, 0.3 * 200 / 100))


def test_the_size_of_an_image_is_read_only_for_a_rotated_box():
    def never():
        raise AssertionError

    assert len(read(BOXES, [box("a"), box("b")], never).marks) == 2


def test_a_renamed_class_is_found_by_its_former_name_too():
    renamed = replace(ONE, classes=("Feline", "Dog"), renamed=(("Cat", "Feline"),), paths=())

    states = stated(renamed, chosen("Cat"), 1, 2, lambda: None)

    assert [state[""].label for state in states] == ["Feline", "Cat"]


def test_sizes_of_images_are_read_once_and_a_deleted_sample_has_none(digits_dataset):
    sizes = ImageSizes(digits_dataset)
    sample = digits_dataset.first()

    name = str(sample.id)
    size = sizes.of(name)()
    digits_dataset.delete_samples([name])

    assert size == Image.open(sample.filepath).size
    assert sizes.of(name)() == size
    assert sizes.of(str(ObjectId()))() is None
