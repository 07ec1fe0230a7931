"""Several controls of one label config: each has its own label field, and all share one annotation per task."""

from typing import Any

import fiftyone as fo
import pytest
from labelscape.ml_backend.label_studio.config import additional_controls, read_label_config, unfilled_controls
from labelscape.ml_backend.label_studio.mirror import CONFIG_SEEN
from labelscape.ml_backend.label_studio.outgoing import annotation_of
from labelscape.ml_backend.label_studio.preannotations import as_prediction, preannotations
from labelscape.ml_backend.label_studio.prefill import prefill_floor
from labelscape.ml_backend.store.items import Items, as_ids
from labelscape.ml_backend.store.label_origins import holds_predictions
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions

from .setting import BOXES, Setting, chosen, view


def choices(name: str, *classes: str, more: str = "") -> str:
    options = "".join(f'<Choice value="{one}"/>' for one in classes)
    return f'<Choices name="{name}" toName="img" {more}>{options}</Choices>'


WEATHER = choices("weather", "sunny", "rainy")
SCENE = choices("scene", "street", "field")
RATING = '<Rating name="stars" toName="img"/>'


def sunny(name: str = "weather") -> dict[str, Any]:
    return chosen("sunny", name=name)


def street(name: str = "scene") -> dict[str, Any]:
    return chosen("street", name=name)


def labels(setting: Setting, number: int) -> tuple[str | None, str | None]:
    sample = setting.sample(number)
    return tuple(one and one.label for one in (sample.ground_truth, sample.scene))  # type: ignore[return-value]


def answers(result: list[dict[str, Any]]) -> dict[str, str]:
    return {item["from_name"]: item["value"]["choices"][0] for item in result}


def save(setting: Setting, number: int, **values: str) -> None:
    """As a person does in the panel."""
    sample = setting.sample(number)
    for field, label in values.items():
        sample[field] = fo.Classification(label=label)
    sample.save()


# --- which are filled in ---------------------------------------------------------------------------------------------


def test_controls_about_the_whole_of_the_same_object_are_filled_in_together() -> None:
    config = view(WEATHER, SCENE, RATING)
    first = read_label_config(config)
    assert first.from_name == "weather"
    assert [one.from_name for one in additional_controls(config, first)] == ["scene", "stars"]
    assert unfilled_controls(config, first) == []


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (view(WEATHER, BOXES), "because it labels regions, and “weather”, which is filled in, labels whole tasks"),
        (view(BOXES, WEATHER), "because it labels whole tasks, and “obj”, which is filled in, labels regions"),
        (
            view(WEATHER, '<Text name="text" value="$text"/>', SCENE.replace('"img"', '"text"')),
            "because it labels Text “text”, and “weather”, which is filled in, labels Image “img”",
        ),
        (
            view(BOXES, BOXES.replace('"obj"', '"more"')),
            "because only one region control is filled in, which is “obj”",
        ),
        (view(WEATHER, SCENE.replace('"img"', '"img" perRegion="true"')), "that applies to each region (perRegion)"),
    ],
)
def test_other_controls_are_not_and_that_is_reported(config: str, reason: str) -> None:
    first = read_label_config(config)
    assert additional_controls(config, first) == ()
    assert any(reason in one for one in unfilled_controls(config, first))


def test_one_control_alone_makes_no_fields_nor_records_for_others(start: Any) -> None:
    setting = start(WEATHER)
    setting.annotate(0, sunny())
    dataset = setting.poll().dataset
    assert not {"weather", "suggested_label_weather"} & set(dataset.get_field_schema())
    assert not {name for name in dataset.info if name in ("label_studio_fields", "label_studio_beside")}
    assert dataset.classes == {}
    assert setting.mirror.field == "ground_truth"


# --- labels ----------------------------------------------------------------------------------------------------------


def test_what_a_person_answers_becomes_the_label_of_each_control(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street())
    setting.annotate(1, street())
    dataset = setting.poll().dataset
    assert [labels(setting, number) for number in range(3)] == [("sunny", "street"), (None, "street"), (None, None)]
    assert dataset.default_classes == ["sunny", "rainy"]
    assert dataset.classes == {"scene": ["street", "field"]}


def test_a_label_saved_here_keeps_the_answers_of_the_other_control(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street(), by=2)
    setting.poll()
    save(setting, 0, scene="field")
    setting.poll()
    theirs, ours = setting.results(0)
    assert answers(theirs) == {"weather": "sunny", "scene": "street"}
    assert answers(ours) == {"weather": "sunny", "scene": "field"}
    save(setting, 0, ground_truth="rainy")
    setting.poll()
    assert answers(setting.results(0)[-1]) == {"weather": "rainy", "scene": "field"}
    setting.poll()
    assert len(setting.results(0)) == 2
    assert labels(setting, 0) == ("rainy", "field")


def test_an_answer_that_was_not_read_yet_is_not_reverted_by_a_label_of_the_other_control(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street(), by=2)
    mirror = setting.poll()
    [record] = [one for one in mirror.ledger.read().values() if one.synced]
    edited = [sunny(), chosen("field", name="scene")]
    made = annotation_of(mirror, record, (("", "rainy"), ("scene", "street")), edited)
    assert answers(made) == {"weather": "rainy", "scene": "field"}


def test_both_labels_saved_here_make_one_annotation(start: Any) -> None:
    setting = start(WEATHER, SCENE.replace('"img"', '"img" required="true"'))
    save(setting, 0, ground_truth="sunny", scene="street")
    setting.poll()
    [result] = setting.results(0)
    assert answers(result) == {"weather": "sunny", "scene": "street"}


def test_a_required_control_that_has_no_label_here_holds_the_other_back(start: Any) -> None:
    setting = start(WEATHER, SCENE.replace('"img"', '"img" required="true"'))
    save(setting, 0, ground_truth="sunny")
    setting.poll()
    assert setting.results(0) == []
    [waiting] = setting.flow.held_back.values()
    assert (
        "also requires an answer to “scene”: label “scene” here as well, or annotate the task in Label Studio"
        in waiting.reason
    )
    save(setting, 0, scene="street")
    setting.poll()
    assert [answers(one) for one in setting.results(0)] == [{"weather": "sunny", "scene": "street"}]
    assert setting.flow.held_back == {}


def test_one_control_answered_there_and_the_other_labeled_here_at_once_loses_neither(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    save(setting, 0, scene="field")
    setting.annotate(0, sunny(), by=2)
    setting.poll()
    assert labels(setting, 0) == ("sunny", "field")
    assert answers(setting.results(0)[-1]) == {"weather": "sunny", "scene": "field"}
    setting.poll()
    assert len(setting.results(0)) == 2


def test_an_annotation_that_leaves_a_control_open_does_not_take_back_what_another_says_of_it(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street(), by=2, at="2026-05-01T00:00:00Z")
    setting.annotate(0, chosen("rainy", name="weather"), at="2026-05-02T00:00:00Z")
    setting.poll()
    assert labels(setting, 0) == ("rainy", "street")


def test_an_answer_that_is_undone_there_is_undone_here(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    made = setting.annotate(0, sunny(), street(), at="2026-05-01T00:00:00Z")
    setting.poll()
    task = setting.studio.task_of(setting.project, "0")
    [annotation] = [one for one in task["annotations"] if one["id"] == made["id"]]
    annotation |= {"result": [sunny()], "updated_at": "2026-05-02T00:00:00Z"}
    setting.poll()
    assert labels(setting, 0) == ("sunny", None)


def test_a_label_removed_here_is_removed_from_our_annotation_and_the_other_stays(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    save(setting, 0, ground_truth="sunny", scene="street")
    setting.poll()
    sample = setting.sample(0)
    sample.scene = None
    sample.save()
    setting.poll()
    assert [answers(one) for one in setting.results(0)] == [{"weather": "sunny"}]
    setting.poll()
    assert labels(setting, 0) == ("sunny", None)


# --- the config changes ----------------------------------------------------------------------------------------------


def test_a_control_that_is_added_gets_a_field_and_the_answers_that_are_there(start: Any) -> None:
    setting = start(WEATHER)
    setting.annotate(0, sunny(), street())
    mirror = setting.poll()
    mirror.dataset.info[CONFIG_SEEN] = mirror.label_config  # as the backend does once all is read
    mirror.dataset.save()
    assert setting.sample(0).ground_truth.label == "sunny"
    setting.poll(view(SCENE, WEATHER))
    assert CONFIG_SEEN not in setting.mirror.dataset.info  # so that the backend reads all again
    assert labels(setting, 0) == ("sunny", "street")


def test_a_renamed_control_keeps_its_field(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street())
    setting.poll()
    mirror = setting.poll(view(WEATHER, SCENE.replace('"scene"', '"place"')))
    assert labels(setting, 0) == ("sunny", "street")
    assert "The control “scene” is now called “place”" in mirror.notices[0]
    assert [field for field, _ in mirror.additional] == ["scene"]
    save(setting, 0, scene="field")
    setting.poll()
    assert answers(setting.results(0)[-1]) == {"weather": "sunny", "place": "field"}


def test_a_renamed_class_is_renamed_in_its_own_field_only(start: Any) -> None:
    setting = start(WEATHER, choices("scene", "sunny", "field"))
    setting.annotate(0, sunny(), sunny("scene"))
    setting.poll()
    setting.poll(view(WEATHER, choices("scene", "bright", "field")))
    assert labels(setting, 0) == ("sunny", "bright")


def test_the_first_control_goes_and_comes_back_without_losing_labels(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street())
    setting.poll()
    mirror = setting.poll(view(SCENE))
    assert (mirror.field, mirror.control.from_name) == ("scene", "scene")
    assert labels(setting, 0) == ("sunny", "street")
    assert "labels given with “weather” stay" in mirror.notices[0]
    setting.poll(view(WEATHER, SCENE))
    assert labels(setting, 0) == ("sunny", "street")
    save(setting, 0, ground_truth="rainy")
    setting.poll()
    assert answers(setting.results(0)[-1]) == {"weather": "rainy", "scene": "street"}


def test_the_second_control_goes_and_its_labels_stay_without_its_suggestions(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street())
    mirror = setting.poll()
    suggest(setting, 1, weather=("sunny", 0.9), scene=("street", 0.8))
    mirror = setting.poll(view(WEATHER))
    assert labels(setting, 0) == ("sunny", "street")
    assert mirror.additional == ()
    assert "The control “scene” is gone from the label config" in mirror.notices[0]
    assert "suggested_label_scene" not in mirror.dataset.get_field_schema()
    assert setting.poll().notices == ()


def test_an_answer_to_a_control_that_is_gone_makes_no_annotation_for_the_other(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street(), by=2, at="2026-05-01T00:00:00Z")
    setting.annotate(0, chosen("field", name="scene"), at="2026-05-02T00:00:00Z")
    setting.poll()
    assert labels(setting, 0) == ("sunny", "field")
    assert len(setting.results(0)) == 2
    setting.poll(view(WEATHER))
    setting.poll()
    assert labels(setting, 0) == ("sunny", "field")
    assert len(setting.results(0)) == 2


@pytest.mark.parametrize("old", ["weather", "scene"])
def test_a_name_that_another_control_has_by_now_is_that_controls(start: Any, old: str) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street())
    setting.poll()
    parts = [WEATHER.replace(f'"{old}"', '"renamed"'), SCENE.replace(f'"{old}"', '"renamed"')]
    setting.poll(view(*parts))
    for _ in range(3):
        mirror = setting.poll(view(*parts, choices(old, "warm", "cold")))
        new = {"weather": "weather", "scene": "scene_2"}[old]
        assert [mirror.field, *(field for field, _ in mirror.additional)] == ["ground_truth", "scene", new]
    setting.annotate(1, chosen("warm", name=old))
    setting.poll()
    assert setting.sample(1)[new].label == "warm"
    assert labels(setting, 1) == (None, None)
    assert labels(setting, 0) == ("sunny", "street")


@pytest.mark.parametrize(
    ("name", "field"),
    [("the scene!", "the_scene"), ("tags", "tags_2"), ("ground_truth", "ground_truth_2"), ("2nd", "label_2nd")],
)
def test_a_control_gives_its_field_a_name_that_is_free(start: Any, name: str, field: str) -> None:
    setting = start(WEATHER, choices(name, "street"))
    setting.annotate(0, street(name))
    setting.poll()
    assert setting.sample(0)[field].label == "street"


# --- suggestions -----------------------------------------------------------------------------------------------------


def suggest(setting: Setting, number: int, **proposed: tuple[str, float]) -> None:
    ids = as_ids([setting.sample(number).id])
    for single in setting.mirror.control_views:
        label, confidence = proposed[single.control.from_name]
        suggestion = Suggestion(label, confidence, confidence > 0.85, [], single.field)
        write_suggestions(setting.mirror.dataset, Items(ids, ids), [suggestion], name=single.suggestions)
    setting.mirror.dataset.reload()


def test_one_prediction_a_task_has_the_suggestions_of_all_controls_and_the_lowest_score(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    suggest(setting, 1, weather=("sunny", 0.9), scene=("street", 0.8))
    mirror = setting.mirror
    [(task, proposed)] = preannotations(mirror, list(mirror.ledger.read().values())).items()
    assert (proposed.score, proposed.sure) == (0.8, False)
    made = as_prediction(mirror, mirror.ledger.read()[task], proposed, "labelscape-0001")
    assert made == {"result": [sunny(), street()], "score": 0.8, "model_version": "labelscape-0001"}
    dataset = mirror.dataset
    assert [setting.sample(1)[name].label for name in ("suggested_label", "suggested_label_scene")] == [
        "sunny",
        "street",
    ]
    assert holds_predictions(dataset, "suggested_label_scene")


def test_what_is_a_guess_for_one_control_is_left_open_and_the_other_is_filled_in(start: Any) -> None:
    setting = start(WEATHER, SCENE)
    setting.annotate(0, sunny(), street())
    setting.annotate(2, chosen("rainy", name="weather"), street())
    setting.poll()
    suggest(setting, 1, weather=("sunny", 0.6), scene=("street", 1.0))
    mirror = setting.mirror
    [proposed] = preannotations(mirror, list(mirror.ledger.read().values())).values()
    shown = prefill_floor(mirror, None).apply(proposed)
    assert shown.labeling == (("scene", "street"),)
    assert shown.score == 0.6


def test_classes_of_the_same_name_in_two_controls_are_told_apart(start: Any) -> None:
    setting = start(choices("clear", "yes", "no"), choices("day", "yes", "no"))
    setting.annotate(0, chosen("yes", name="clear"), chosen("no", name="day"))
    setting.poll()
    sample = setting.sample(0)
    assert (sample.ground_truth.label, sample.day.label) == ("yes", "no")
    sample.day = fo.Classification(label="yes")
    sample.save()
    setting.poll()
    assert answers(setting.results(0)[-1]) == {"clear": "yes", "day": "yes"}


def test_several_choices_and_ratings_stand_beside_each_other(start: Any) -> None:
    setting = start(WEATHER, choices("things", "car", "tree", more='choice="multiple"'), RATING)
    stars = {"from_name": "stars", "to_name": "img", "type": "rating", "value": {"rating": 4}}
    setting.annotate(0, sunny(), chosen("car", "tree", name="things"), stars)
    setting.poll()
    sample = setting.sample(0)
    assert sample.ground_truth.label == "sunny"
    assert [one.label for one in sample.things.classifications] == ["car", "tree"]
    assert sample.stars.label == "4"
    sample.stars = fo.Classification(label="5")
    sample.save()
    setting.poll()
    assert stars | {"value": {"rating": 5}} in setting.results(0)[-1]
    assert chosen("car", "tree", name="things") in setting.results(0)[-1]
