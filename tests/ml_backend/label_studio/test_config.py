"""Label configs: what is filled in, and how results read."""

import pytest
from labelscape.ml_backend.label_studio.config import Region, invalid_reason, read_label_config
from labelscape.ml_backend.label_studio.objects import nested_under, value_at

CHOICES = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img" choice="{choice}">'
    '<Choice value="Cat"/><Choice value="Dog" alias="dog"/></Choices></View>'
)
BOXES = (
    '<View><Image name="img" value="$image"/><RectangleLabels name="obj" toName="img">'
    '<Label value="Cat"/><Label value="Dog"/></RectangleLabels></View>'
)


def test_single_and_multiple_choices_are_filled_in_and_a_class_is_called_by_its_alias() -> None:
    single, multiple = (read_label_config(CHOICES.format(choice=choice)) for choice in ("single", "multiple"))
    assert (single.kind, single.from_name, single.to_name, single.data_key) == ("choices", "kind", "img", "image")
    assert single.classes == ("Cat", "dog")
    assert (single.multi, multiple.multi, single.boxes) == (False, True, False)


def test_what_is_chosen_reads_back_and_passes_label_studios_own_validation() -> None:
    config = CHOICES.format(choice="multiple")
    control = read_label_config(config)
    result = control.choice(["dog", "Cat"])
    assert control.labels_of(result) == ["dog", "Cat"]
    assert invalid_reason(config, {"result": result, "score": 0.5, "model_version": "v"}) is None
    wrong = control.choice(["Dog"])  # the name on screen, not the alias: Label Studio would drop it without a word
    assert "'Dog'" in str(invalid_reason(config, {"result": wrong, "score": 0.5, "model_version": "v"}))


def test_boxes_keep_their_place_and_get_a_class() -> None:
    control = read_label_config(BOXES)
    region = Region("r1", (0.1, 0.2, 0.3, 0.4), None, 15.0, 640, 480)
    item = control.box(region, "Dog", 0.75)
    assert item["value"] == {
        "x": pytest.approx(10),
        "y": pytest.approx(20),
        "width": pytest.approx(30),
        "height": pytest.approx(40),
        "rotation": 15.0,
        "rectanglelabels": ["Dog"],
    }
    (again,) = control.regions_of([item])
    assert (again.id, again.label, again.rotation, again.original_width) == ("r1", "Dog", 15.0, 640)
    assert again.box == pytest.approx(region.box)
    assert invalid_reason(BOXES, {"result": [item], "score": 0.75, "model_version": "v"}) is None


def test_boxes_of_another_control_are_no_objects_of_ours() -> None:
    control = read_label_config(BOXES)
    value = {"x": 1, "y": 2, "width": 3, "height": 4}
    drawn = {"id": "a", "from_name": "rect", "to_name": "img", "type": "rectangle", "value": value}
    unlabeled = {"id": "b", "from_name": "obj", "to_name": "img", "type": "rectanglelabels", "value": value}
    (region,) = control.regions_of([drawn, unlabeled, {"type": "brush"}])
    assert (region.id, region.label) == ("b", None)


def test_a_class_that_the_config_no_longer_has_is_no_label() -> None:
    control = read_label_config(CHOICES.format(choice="single"))
    gone = [{"from_name": "kind", "to_name": "img", "type": "choices", "value": {"choices": ["Bird", "Cat"]}}]
    assert control.labels_of(gone) == ["Cat"]


IMAGE = '<Image name="i" value="{value}"/>'
CHOICE = '<Choices name="c" toName="{to}"><Choice value="a"/></Choices>'
BITMASK = '<BitmaskLabels name="b" toName="i"><Label value="a"/></BitmaskLabels>'
BOXES_OF_TEXT = '<RectangleLabels name="r" toName="t"><Label value="a"/></RectangleLabels>'
HIDDEN = '<View visibleWhen="region-selected"><Choices name="c" toName="i"><Choice value="a"/></Choices></View>'


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ('<Table name="t" value="$rows"/>' + CHOICE.format(to="t"), "Choices “c” on Table “t”"),
        ('<Text name="t" value="$text"/>' + BOXES_OF_TEXT, "RectangleLabels “r” on Text “t”"),
        (
            '<Image name="i" valueList="$pages"/>' + CHOICE.format(to="i"),
            "on Image “i”, which shows a list",
        ),
        (IMAGE.format(value="$image") + BITMASK, "BitmaskLabels “b” of a kind that is not served"),
        (IMAGE.format(value="$image"), "no control"),
        (
            IMAGE.format(value="https://x/$id.png") + CHOICE.format(to="i"),
            "Choices “c” on Image “i”, whose value https://x/",
        ),
        (IMAGE.format(value="$image") + HIDDEN, "Choices “c” that is shown only under a condition"),
    ],
)
def test_a_config_with_nothing_to_fill_in_says_what_it_has(inside: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"like \\$image. This label config has .*{said}"):
        read_label_config(f"<View>{inside}</View>")


def test_a_config_that_is_no_xml_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_label_config("<View><Choices")


def test_choices_inside_a_choice_count_only_where_label_studio_shows_them() -> None:
    inner = '<Choice value="Animal"><Choice value="Cat"/></Choice><Choice value="Plant"/>'
    config = '<View><Image name="i" value="$image"/><Choices name="c" toName="i"{}>{}</Choices></View>'
    flat, nested = (read_label_config(config.format(more, inner)) for more in ("", ' allowNested="true"'))
    assert flat.classes == ("Animal", "Plant")
    assert nested.classes == ("Animal", "Cat", "Plant")
    assert (flat.takes_imports, nested.takes_imports) == (True, False)
    prediction = {"result": nested.choice(["Cat"]), "score": 0.5, "model_version": "v"}
    assert invalid_reason(config.format(' allowNested="true"', inner), prediction) is not None


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("image", {"image": "/a"}),
        ("meta.url", {"meta": {"url": "/a"}}),
        ("meta.url", {"meta.url": "/a", "meta": {"url": "/b"}}),
        ("my image", {"my image": "/a"}),
        ("a.b.c", {"a": {"b": {"c": "/a"}}}),
    ],
)
def test_data_are_looked_up_as_label_studio_does(key: str, data: dict[str, object]) -> None:
    config = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<View>{IMAGE.format(value="$" + key)}{CHOICE.format(to="i")}</View>'
    )
    assert value_at(data, read_label_config(config).data_key) == "/a"
    assert value_at(nested_under(key, "/a"), key) == "/a"
    assert value_at({"other": 1}, key) is None
    assert value_at(None, key) is None


def test_a_control_that_is_always_shown_goes_before_one_that_is_not() -> None:
    hidden = '<Choices name="why" toName="i" visibleWhen="choice-selected"><Choice value="x"/></Choices>'
    config = f"<View>{IMAGE.format(value='$image')}{hidden}{CHOICE.format(to='i')}</View>"
    assert read_label_config(config).from_name == "c"


def test_other_controls_are_known_with_what_they_require_and_when_they_are_visible() -> None:
    rating = '<Rating name="stars" toName="i" required="true"/>'
    hidden = '<View visibleWhen="region-selected"><TextArea name="note" toName="i" required="true"/></View>'
    region = '<Number name="age" toName="i" required="true" perRegion="true"/>'
    config = f"<View>{IMAGE.format(value='$image')}{CHOICE.format(to='i')}{rating}{hidden}{region}</View>"
    stars, note, age = read_label_config(config).questions
    assert (stars.name, stars.required, stars.conditions, stars.per_region) == ("stars", True, (), False)
    assert [condition.kind for condition in note.conditions] == ["region-selected"]
    assert age.per_region


def test_choices_are_filled_in_rather_than_a_taxonomy_before_them():
    image = '<Image name="image" value="$image"/>'
    taxonomy = '<Taxonomy name="t" toName="image"><Choice value="z"/></Taxonomy>'
    choices = '<Choices name="c" toName="image"><Choice value="a"/><Choice value="b"/></Choices>'
    config = f"<View>{image}{taxonomy}{choices}</View>"
    assert read_label_config(config).from_name == "c"
    assert read_label_config(config, keep="t").from_name == "t"
    assert read_label_config(f"<View>{image}{taxonomy}</View>").from_name == "t"
