"""Labels of a mirrored project sync both ways with a real Label Studio: the key promises of the stand-in tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.label_studio.client import LabelStudio
from labelscape.ml_backend.label_studio.flow import LabelFlow
from labelscape.ml_backend.label_studio.mirror import Mirror, add_tasks, open_mirror, take_tasks
from labelscape.testing.label_studio import LabelStudioServer

from .setting import BOXES, KIND, QUALITY, SHAPE, chosen, drawn, view

pytestmark = pytest.mark.slow


class RealSetting:
    """A project with two tasks in the real Label Studio, and its mirror."""

    def __init__(self, server: LabelStudioServer, config: str, paths: list[Path]) -> None:
        self.server, self.paths = server, paths
        self.studio = LabelStudio(server.url, server.token)
        self.project = self.studio.create_project("Both ways", config)
        self.flow = LabelFlow(self.studio)
        data = [{"data": {"image": f"/{number}", "meta": {"url": f"/{number}"}}} for number in range(2)]
        self.tasks = self.studio.import_tasks(self.project, data)
        self.mirror = self.poll()

    def poll(self) -> Mirror:
        info = self.studio.project(self.project)
        self.mirror = open_mirror(self.studio.url, self.project, info["label_config"])
        tasks = list(self.studio.tasks(self.project))
        add_tasks(self.mirror, tasks, lambda urls, _modality, _seconds: [self.paths[int(url[1:])] for url in urls])
        self.flow.step(self.mirror, take_tasks(self.mirror, tasks, "labelscape-"))
        self.mirror.dataset.reload()
        return self.mirror

    def annotate(self, number: int, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
        body = {"result": list(items), **more}
        made = self.server.ask("POST", f"tasks/{self.tasks[number]}/annotations/", json=body)
        return dict(made)

    def results(self, number: int) -> list[list[dict[str, Any]]]:
        made = sorted(self.studio.annotations(self.tasks[number]), key=lambda one: int(one["id"]))
        return [one["result"] for one in made]

    def sample(self, number: int) -> fo.Sample:
        return self.mirror.dataset.match({"task_id": self.tasks[number]}).first()


@pytest.fixture
def start(label_studio: LabelStudioServer, tmp_path: Path) -> Iterator[Callable[[str], RealSetting]]:
    paths, _ = write_digits(tmp_path, count=2)
    made: list[RealSetting] = []

    def make(config: str) -> RealSetting:
        made.append(RealSetting(label_studio, config, paths))
        return made[-1]

    yield make
    for one in made:
        fo.delete_dataset(one.mirror.dataset.name)


def test_boxes_with_answers_of_their_own_are_relabeled_and_their_answers_stay(start: Any) -> None:
    setting = start(view(BOXES))
    note = {"id": "r1", "from_name": "note", "to_name": "img", "type": "textarea", "value": {**SHAPE, "text": ["old"]}}
    backwards = drawn("r2", "Cat", x=90, width=-30)
    setting.annotate(0, drawn("r1", "Cat"), note, backwards)
    setting.annotate(1)
    setting.poll()
    first, second = setting.sample(0).ground_truth.detections
    assert (first.label, second.bounding_box) == ("Cat", pytest.approx([0.6, 0.2, 0.3, 0.4]))
    assert setting.sample(1).ground_truth.detections == []
    sample = setting.sample(0)
    sample.ground_truth.detections[0].label = "Dog"
    sample.save()
    setting.poll()
    theirs, ours = setting.results(0)
    assert [item["value"].get("rectanglelabels") for item in theirs] == [["Cat"], None, ["Cat"]]
    assert [item["value"].get("rectanglelabels") for item in ours] == [["Dog"], None, ["Cat"]]
    assert ours[1]["value"]["text"] == ["old"]
    setting.poll()
    assert len(setting.results(0)) == 2


def test_a_required_question_holds_a_label_back_until_somebody_answers_it(start: Any) -> None:
    setting = start(view(KIND, QUALITY))
    for number in range(2):
        sample = setting.sample(number)
        sample.ground_truth = fo.Classification(label="Cat")
        sample.save()
    setting.annotate(1, chosen("Dog"), chosen("good", name="quality"))
    setting.poll()
    assert setting.results(0) == []
    assert set(setting.flow.held_back) == {setting.tasks[0]}
    task = next(one for one in setting.studio.tasks(setting.project) if one["id"] == setting.tasks[0])
    assert not task["is_labeled"]


def test_ground_truth_counts_whatever_is_annotated_later(start: Any) -> None:
    setting = start(view(KIND))
    setting.annotate(0, chosen("Cat"), ground_truth=True)
    setting.annotate(0, chosen("Dog"))
    setting.poll()
    assert setting.sample(0).ground_truth.label == "Cat"


def test_pictures_in_nested_data_and_nested_choices_are_read_and_written(start: Any) -> None:
    nested = KIND.replace('toName="img"', 'toName="img" allowNested="true"').replace(
        '<Choice value="Cat"/>', '<Choice value="Animal"><Choice value="Cat"/></Choice>'
    )
    setting = start(view(nested).replace("$image", "$meta.url"))
    path = {"from_name": "kind", "to_name": "img", "type": "choices", "value": {"choices": [["Animal", "Cat"]]}}
    setting.annotate(0, path)
    setting.poll()
    assert setting.sample(0).ground_truth.label == "Cat"
    sample = setting.sample(1)
    sample.ground_truth = fo.Classification(label="Cat")
    sample.save()
    setting.poll()
    [ours] = setting.results(1)
    assert ours[0]["value"] == {"choices": [["Animal", "Cat"]]}
