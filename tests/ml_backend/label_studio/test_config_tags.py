"""The tags of a label config are read in the order of the config, with the classes that each control offers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.config_tags import class_names, class_paths, question_of, read_tags
from labelscape.ml_backend.label_studio.config_xml import parse_config

CONFIG = """<View>
  <Image name="img" value="$image"/>
  <View visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="Dog,Cow">
    <Rating name="stars" toName="img" maxRating="3" required="True"/>
  </View>
  <Choices name="kind" toName="img, text"><Choice value="Cat"/><Choice value="Dog" alias="dog"/></Choices>
  <Filter name="filter" toName="kind"/>
  <Text name="text" value="$text"/>
</View>"""


def test_controls_and_objects_are_read_in_order_and_a_filter_is_neither() -> None:
    tags, objects = read_tags(CONFIG)
    assert [tag.name for tag in tags] == ["stars", "kind"]
    assert tags[1].targets == ("img", "text")
    assert list(objects) == ["img", "text"]
    assert str(tags[1]) == "Choices “kind”"


def test_a_condition_names_its_choices_as_stored_and_as_shown() -> None:
    tags, _ = read_tags(CONFIG)
    question = question_of(tags[0], tags)
    assert (question.required, question.per_region) == (True, False)
    [condition] = question.conditions
    assert (condition.kind, condition.tag) == ("choice-selected", "kind")
    assert condition.values == {"Dog", "dog", "Cow"}


def test_a_condition_that_label_studio_does_not_know_hides_nothing() -> None:
    tags, _ = read_tags(CONFIG.replace("choice-selected", "some-day"))
    assert question_of(tags[0], tags).conditions == ()


def test_a_config_that_is_not_xml_is_refused() -> None:
    with pytest.raises(Refusal):
        read_tags("<View>")


@pytest.mark.parametrize(
    ("tag", "paths"),
    [
        ('<Rating name="r" toName="i" maxRating="2"/>', (("1",), ("2",))),
        ('<Rating name="r" toName="i" maxRating="many"/>', tuple((str(stars),) for stars in range(1, 6))),
        (
            '<Taxonomy name="t" toName="i"><Choice value="Bird"><Choice value="Owl"/></Choice></Taxonomy>',
            (("Bird",), ("Bird", "Owl")),
        ),
        (
            '<Labels name="l" toName="i"><View><Label value="A" alias="a"/></View><Label value="$more"/></Labels>',
            (("a",), ("$more",)),
        ),
        ('<Choices name="c" toName="i" value="$options"/>', ()),
    ],
)
def test_each_class_has_its_path_once(tag: str, paths: tuple[tuple[str, ...], ...]) -> None:
    assert class_paths(parse_config(f"<View>{tag}</View>")) == paths


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple), unique=True))
def test_a_class_name_is_the_last_part_unless_two_classes_share_it(paths: list[tuple[str, ...]]) -> None:
    names = class_names(paths)
    assert len(set(names)) == len(paths)
    for name, path in zip(names, paths, strict=True):
        shared = sum(other[-1] == path[-1] for other in paths) > 1
        assert name == (" / ".join(path) if shared else path[-1])
