"""A project in a real Label Studio, served by the real `labelscape serve`: as its users and as the curator see it."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import fiftyone as fo
from labelscape.cli import app
from labelscape.testing.label_studio import LabelscapeServer, LabelStudioServer
from typer.testing import CliRunner, Result

CLASSES = [str(digit) for digit in range(10)]
IMAGE = '<Image name="image" value="$image"/>'
# Others leave the Data Manager of Label Studio 1.23 blank.
SHOWN_OPERATORS = {
    "equal", "not_equal", "less", "greater", "less_or_equal", "greater_or_equal",
    "in", "not_in", "empty", "contains", "not_contains", "regex",
}  # fmt: skip
T = TypeVar("T")


def choices(classes: list[str], choice: str = "single") -> str:
    options = "".join(f'<Choice value="{name}"/>' for name in classes)
    return f'<View>{IMAGE}<Choices name="digit" toName="image" choice="{choice}">{options}</Choices></View>'


def rectangles(classes: list[str]) -> str:
    labels = "".join(f'<Label value="{name}"/>' for name in classes)
    return f'<View>{IMAGE}<RectangleLabels name="digit" toName="image">{labels}</RectangleLabels></View>'


def chosen(*labels: str) -> list[dict[str, Any]]:
    return [{"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": list(labels)}}]


def eventually(what: str, look: Callable[[], T], seconds: float = 300) -> T:
    """What `look` sees once it is something; fails where that takes longer."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not: {what}"
        time.sleep(0.2)
    return seen


@dataclass(frozen=True)
class Project:
    """A project as its users see it in Label Studio, and as the curator sees it in FiftyOne.

    Its tasks show digits; `digits` has the true one of each.
    """

    studio: LabelStudioServer
    server: LabelscapeServer
    id: int
    digits: dict[int, str]

    def tasks(self) -> dict[int, dict[str, Any]]:
        parameters = {"project": self.id, "page_size": 1000, "fields": "all"}
        return {task["id"]: task for task in self.studio.ask("GET", "tasks", params=parameters)["tasks"]}

    def predicted(self) -> dict[int, str]:
        """Task → the class, of several the first, that it opens with in Label Studio; "" where it opens empty."""
        return {task: next(iter(classes), "") for task, classes in self.all_predicted().items()}

    def all_predicted(self) -> dict[int, list[str]]:
        """Task → all classes that Label Studio shows as the project's prediction; none where the task opens empty."""
        version = self.settings()["model_version"]
        return {
            task["id"]: [name for item in prediction["result"] for name in item["value"]["choices"]]
            for task in self.tasks().values()
            for prediction in task["predictions"]
            if prediction["model_version"] == version
        }

    def labels(self) -> dict[int, Any]:
        """Task → its label in FiftyOne, of several the list."""
        field = self.dataset.get_field("ground_truth")
        if field is None:  # for a moment, while it is turned into one of several labels
            return {}
        several = field.document_type is fo.Classifications
        path = "ground_truth.classifications.label" if several else "ground_truth.label"
        found = zip(*self.dataset.values(["task_id", path]), strict=True)
        return {task: label for task, label in found if label}

    @property
    def dataset(self) -> fo.Dataset:
        dataset = fo.load_dataset(f"label-studio-{self.id}")
        dataset.reload()
        return dataset

    def settings(self) -> dict[str, Any]:
        return dict(self.studio.ask("GET", f"projects/{self.id}/"))

    def backends(self) -> list[dict[str, Any]]:
        return list(self.studio.ask("GET", "ml", params={"project": self.id}))

    def webhooks(self) -> list[dict[str, Any]]:
        return list(self.studio.ask("GET", "webhooks/", params={"project": self.id}))

    def tabs(self) -> list[dict[str, Any]]:
        return list(self.studio.ask("GET", "dm/views/", params={"project": self.id}))

    def annotate(self, task: int, label: str | None = None, **values: Any) -> int:
        result = chosen(label or self.digits[task])
        return int(self.studio.ask("POST", f"tasks/{task}/annotations/", json={"result": result, **values})["id"])

    def act(self, action: str, tasks: list[int], **values: Any) -> None:
        """An entry of the Data Manager's menu, on these tasks."""
        assert tasks, "Label Studio would take an empty selection for all"
        selected = {"selectedItems": {"all": False, "included": tasks}, "project": self.id, **values}
        self.studio.ask("POST", "dm/actions", params={"id": action, "project": self.id}, json=selected)

    def refresh(self) -> None:
        """Label Studio's own “Start training”: it asks the backend to look at once."""
        self.studio.ask("POST", f"ml/{self.backends()[0]['id']}/train", json={})

    def unlabeled(self) -> list[int]:
        return [task["id"] for task in self.tasks().values() if not task["annotations"]]

    def wait_for_predictions(self) -> None:
        eventually("a prediction for each unlabeled task", lambda: set(self.unlabeled()) <= set(self.predicted()))

    def connect(self, **options: Any) -> Result:
        given = {
            "--project": self.id,
            "--url": self.studio.url,
            "--token": self.studio.token,
            "--backend": self.server.url,
            **options,
        }
        words = itertools.chain.from_iterable((name, str(value)) for name, value in given.items())
        return CliRunner().invoke(app, ["connect", *words], env=self.server.environment)


def label_in_fiftyone(project: Project, task: int, label: str) -> None:
    """Label a task's sample as the panel does when it saves."""
    sample = project.dataset.one(fo.ViewField("task_id") == task)
    sample["ground_truth"] = fo.Classification(label=label)
    sample.save()


def create_project(studio: LabelStudioServer, config: str, rows: list[dict[str, Any]]) -> int:
    wanted = [sum(bool(row.get(kind)) for row in rows) for kind in ("annotations", "predictions")]
    for _ in range(5):
        number = int(studio.ask("POST", "projects/", json={"title": "digits", "label_config": config})["id"])
        storage = {"project": number, "path": str(studio.media), "use_blob_urls": True, "title": "files"}
        studio.ask("POST", "storages/localfiles/", json=storage)
        if not rows:
            return number
        # Where SQLite was locked, Label Studio (1.23) repeats an import, and then leaves these out.
        done = studio.ask("POST", f"projects/{number}/import", json=rows)
        if [done["annotation_count"], done["prediction_count"]] == wanted:
            return number
    raise AssertionError("Label Studio does not keep what is imported with tasks")
