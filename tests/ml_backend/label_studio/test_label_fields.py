"""A label field that somebody renames or deletes in FiftyOne costs no labels, here or in Label Studio."""

from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
import pytest
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.label_studio import mirror as mirroring
from labelscape.ml_backend.label_studio.label_fields import ProjectHeld
from labelscape.ml_backend.label_studio.notices import read_notices

from .setting import BOXES, KIND, QUALITY, Setting, chosen, drawn, view

OPTIONAL = QUALITY.replace(' required="true"', "")


def labeled(start: Any, *controls: str) -> Setting:
    """A project whose first sample was labeled here, and whose second one by somebody else there."""
    setting: Setting = start(KIND, *controls)
    setting.relabel(0, "Cat")
    setting.annotate(1, chosen("Dog"), by=2)
    setting.poll()
    assert [len(setting.results(number)) for number in range(3)] == [1, 1, 0]
    return setting


def labels(setting: Setting, field: str) -> list[str | None]:
    return list(setting.mirror.dataset.sort_by("task_id").values(f"{field}.label"))


def test_a_renamed_label_field_is_followed_and_no_annotation_is_deleted(start: Any) -> None:
    setting = labeled(start)
    setting.mirror.dataset.rename_sample_field("ground_truth", "animal")
    for _ in range(2):
        setting.annotate(2, chosen("Cat"), by=2)
        setting.poll()
        assert labels(setting, "animal") == ["Cat", "Dog", "Cat"]
        assert not setting.mirror.dataset.has_sample_field("ground_truth")
        assert setting.results(0) == [[chosen("Cat")]]
    assert read_notices(setting.mirror.dataset) == [
        "The label field 'ground_truth' is now called 'animal' in FiftyOne: its labels are synced under this name."
    ]
    sample = setting.sample(1)
    sample.animal = fo.Classification(label="Cat")
    sample.save()
    setting.poll()
    assert setting.results(1)[-1] == [chosen("Cat")]


def test_a_new_field_in_the_place_of_the_renamed_one_is_left_alone(start: Any) -> None:
    setting = labeled(start)
    dataset = setting.mirror.dataset
    dataset.rename_sample_field("ground_truth", "animal")
    dataset.add_sample_field("ground_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    setting.poll()
    assert (labels(setting, "animal"), labels(setting, "ground_truth")) == (["Cat", "Dog", None], [None] * 3)
    assert setting.results(0) == [[chosen("Cat")]]


def test_boxes_of_a_renamed_field_are_followed(start: Any) -> None:
    setting = start(BOXES)
    setting.annotate(0, drawn("r1", "Cat"))
    setting.poll()
    setting.mirror.dataset.rename_sample_field("ground_truth", "animals")
    setting.annotate(1, drawn("r2", "Dog"))
    setting.poll()
    classes = [[box.label for box in setting.sample(number).animals.detections] for number in range(2)]
    assert classes == [["Cat"], ["Dog"]]


def answered(start: Any) -> Any:
    """As `labeled`, with a second control whose label of the first task was set here and sent."""
    setting = labeled(start, OPTIONAL)
    sample = setting.sample(0)
    sample.quality = fo.Classification(label="good")
    sample.save()
    setting.poll()
    return setting


def test_the_renamed_field_of_a_second_control_is_followed(start: Any) -> None:
    setting = answered(start)
    before = setting.results(0)
    setting.mirror.dataset.rename_sample_field("quality", "sharpness")
    setting.poll()
    assert setting.results(0) == before == [[chosen("Cat"), chosen("good", name="quality")]]
    assert labels(setting, "sharpness") == ["good", None, None]
    assert not setting.mirror.dataset.has_sample_field("quality")


def test_a_deleted_label_field_holds_the_project_until_there_is_one_again(start: Any) -> None:
    setting = labeled(start)
    dataset = setting.mirror.dataset
    dataset.delete_sample_field("ground_truth")
    with pytest.raises(ProjectHeld, match="'ground_truth' of the dataset .* was deleted"):
        setting.poll()
    assert setting.results(0) == [[chosen("Cat")]]
    dataset.add_sample_field("ground_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    setting.poll()
    assert labels(setting, "ground_truth") == ["Cat", "Dog", None]
    assert [len(setting.results(number)) for number in range(3)] == [1, 1, 0]


def test_a_label_field_that_the_app_adds_again_ends_the_hold(start: Any) -> None:
    setting = labeled(start)
    dataset = setting.mirror.dataset
    stored, which = get_db_conn()["datasets"], {"name": dataset.name}
    [field] = [one for one in stored.find_one(which)["sample_fields"] if one["name"] == "ground_truth"]
    dataset.delete_sample_field("ground_truth")
    with pytest.raises(ProjectHeld):
        setting.poll()
    # As another process writes it: the dataset that this one has loaded does not change.
    added = {**field, "created_at": datetime.now(timezone.utc)}
    stored.update_one(which, {"$push": {"sample_fields": added}})
    setting.poll()
    assert labels(setting, "ground_truth") == ["Cat", "Dog", None]
    assert [len(setting.results(number)) for number in range(3)] == [1, 1, 0]


def test_labels_whose_field_was_renamed_since_the_mirror_was_opened_do_not_count_as_removed(start: Any) -> None:
    setting = labeled(start)
    setting.mirror.dataset.rename_sample_field("ground_truth", "animal")
    tasks = setting.studio.tasks(setting.project)
    with pytest.raises(ProjectHeld, match="next poll"):
        setting.flow.step(setting.mirror, mirroring.take_tasks(setting.mirror, tasks, "labelscape-"))
    assert setting.results(0) == [[chosen("Cat")]]


def test_a_field_deleted_while_its_control_was_removed_is_made_again_when_the_control_returns(start: Any) -> None:
    setting = answered(start)
    both = setting.results(0)
    assert both == [[chosen("Cat"), chosen("good", name="quality")]]
    setting.poll(view(KIND))
    setting.mirror.dataset.delete_sample_field("quality")
    setting.poll()

    for _ in range(2):
        setting.poll(view(KIND, OPTIONAL))
        assert labels(setting, "quality") == ["good", None, None]
        assert labels(setting, "ground_truth") == ["Cat", "Dog", None]
        assert setting.results(0) == both

    setting.mirror.dataset.delete_sample_field("quality")
    with pytest.raises(ProjectHeld, match="'quality' of the dataset .* was deleted"):
        setting.poll()
