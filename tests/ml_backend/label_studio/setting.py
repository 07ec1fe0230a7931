"""A project with three tasks and its mirror, shared by the tests of two-way label sync."""

from pathlib import Path
from typing import Any

import fiftyone as fo
from labelscape.ml_backend.label_studio import mirror as mirroring
from labelscape.ml_backend.label_studio.flow import LabelFlow
from labelscape.ml_backend.label_studio.mirror import Mirror

from .stand_in import URL, StandIn

IMAGE = '<Image name="img" value="$image"/>'
KIND = '<Choices name="kind" toName="img"><Choice value="Cat"/><Choice value="Dog"/></Choices>'
SEVERAL = KIND.replace('toName="img"', 'toName="img" choice="multiple"')
QUALITY = '<Choices name="quality" toName="img" required="true"><Choice value="good"/><Choice value="bad"/></Choices>'
BOXES = (
    '<RectangleLabels name="obj" toName="img"><Label value="Cat"/><Label value="Dog"/></RectangleLabels>'
    '<TextArea name="note" toName="img" perRegion="true"/>'
)
SHAPE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}


def view(*parts: str) -> str:
    return f"<View>{IMAGE}{''.join(parts)}</View>"


def chosen(*labels: str, name: str = "kind") -> dict[str, Any]:
    return {"from_name": name, "to_name": "img", "type": "choices", "value": {"choices": list(labels)}}


def drawn(region: str, label: str, **more: Any) -> dict[str, Any]:
    value = {**SHAPE, **more, "rectanglelabels": [label]}
    return {"id": region, "from_name": "obj", "to_name": "img", "type": "rectanglelabels", "value": value}


class Setting:
    """A project with three tasks, its mirror, and what the backend does at each poll."""

    def __init__(self, config: str, paths: list[Path], rule: Any) -> None:
        self.studio = StandIn()
        self.project = self.studio.create_project("pets", config)
        self.flow = LabelFlow(self.studio)  # type: ignore[arg-type]
        self.paths = paths
        self.rule = rule
        tasks = [{"data": {"image": f"/{number}", "fiftyone_id": str(number)}} for number in range(3)]
        self.studio.import_tasks(self.project, tasks)
        self.mirror = self.poll()

    def poll(self, config: str | None = None) -> Mirror:
        """Read the project with its current config, and sync labels both ways."""
        project = self.studio.project_data[self.project]
        project["label_config"] = config or project["label_config"]
        self.mirror = mirroring.open_mirror(URL, self.project, project["label_config"], self.rule)
        tasks = self.studio.tasks(self.project)
        mirroring.add_tasks(
            self.mirror, tasks, lambda urls, _modality, _seconds: [self.paths[int(url[1:])] for url in urls]
        )
        self.flow.step(self.mirror, mirroring.take_tasks(self.mirror, tasks, "labelscape-"))
        self.mirror.dataset.reload()
        return self.mirror

    def annotate(self, number: int, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
        return self.studio.annotate(self.project, str(number), list(items), **more)

    def sample(self, number: int) -> fo.Sample:
        task = self.studio.task_of(self.project, str(number))["id"]
        return self.mirror.dataset.match({"task_id": task}).first()

    def label(self, number: int) -> str | None:
        label = self.sample(number).ground_truth
        return None if label is None else label.label

    def relabel(self, number: int, label: str) -> None:
        """As a person does in the panel."""
        sample = self.sample(number)
        sample.ground_truth = fo.Classification(label=label)
        sample.save()

    def results(self, number: int) -> list[list[dict[str, Any]]]:
        return [one["result"] for one in self.studio.task_of(self.project, str(number))["annotations"]]
