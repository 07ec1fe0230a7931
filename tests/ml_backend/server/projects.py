"""A project in a real Label Studio, served by the real `labelscape serve`, as seen by its users and by the curator."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import fiftyone as fo
from labelscape.cli import app
from labelscape.testing.label_studio import PASSWORD, USER, LabelscapeServer, LabelStudioServer
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


def scene_as_task(sample: fo.Sample) -> dict[str, Any]:
    """A detector's boxes, which it all takes for zeros; their ids are their places."""
    result = []
    for place, detection in enumerate(sample.predictions.detections):
        x, y, width, height = (100 * side for side in detection.bounding_box)
        value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": ["0"]}
        item = {"from_name": "digit", "to_name": "image", "type": "rectanglelabels", "value": value}
        result.append({**item, "id": str(place), "original_width": 320, "original_height": 320})
    return {
        "data": {
            "image": f"/data/local-files/?d=files/scenes/{Path(sample.filepath).name}",
            "digits": [detection.label for detection in sample.predictions.detections],
        },
        "predictions": [{"model_version": "detector", "score": 0.5, "result": result}],
    }


def eventually(what: str, look: Callable[[], T], seconds: float = 300) -> T:
    """The result of `look` once it is truthy; fails if that takes too long.

    Between two looks it waits longer than one takes, so that the servers have the processor to themselves.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if seen := look():
            return seen
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not: {what}"
        time.sleep(min(2.0, max(0.2, 3 * (time.monotonic() - began))))


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
        """All data of all tasks, which takes Label Studio long; `task`, `data`, and `unlabeled` are cheap."""
        return self._listed(fields="all")

    def task(self, number: int) -> dict[str, Any]:
        return dict(self.studio.ask("GET", f"tasks/{number}/"))

    def data(self) -> dict[int, dict[str, Any]]:
        return {number: task["data"] for number, task in self._listed(fields="task_only", include="id,data").items()}

    def unlabeled(self) -> list[int]:
        listed = self._listed(fields="task_only", include="id,total_annotations")
        return [number for number, task in listed.items() if not task["total_annotations"]]

    def _listed(self, **query: str) -> dict[int, dict[str, Any]]:
        parameters = {"project": self.id, "page_size": 1000, **query}
        return {task["id"]: task for task in self.studio.ask("GET", "tasks", params=parameters)["tasks"]}

    def predicted(self) -> dict[int, str]:
        """Task → the class, of several the first, that it opens with in Label Studio; "" where it opens empty."""
        return {task: next(iter(classes), "") for task, classes in self.all_predicted().items()}

    def all_predicted(self) -> dict[int, list[str]]:
        """Task → all classes that Label Studio shows as the project's prediction; none where the task opens empty."""
        return {
            task: [name for item in prediction["result"] for name in item["value"]["choices"]]
            for task, prediction in self.predictions().items()
        }

    def predictions(self, *, unlabeled: bool = False) -> dict[int, dict[str, Any]]:
        """Task → the prediction that Label Studio shows, of all tasks or of those without a label."""
        version = self.settings()["model_version"]
        made = self.studio.ask("GET", "predictions/", params={"project": self.id})
        ours = [prediction for prediction in made if prediction["model_version"] == version]
        shown = {prediction["task"]: prediction for prediction in ours}
        assert len(shown) == len(ours), "one prediction a task"
        return {task: shown[task] for task in self.unlabeled() if task in shown} if unlabeled else shown

    def labels(self) -> dict[int, Any]:
        """Task → its label in FiftyOne, of several the list."""
        dataset = self.dataset  # read once, or the field could go between two looks at it
        field = dataset.get_field("ground_truth")
        if field is None:  # for a moment, while it is turned into one of several labels
            return {}
        several = field.document_type is fo.Classifications
        path = "ground_truth.classifications.label" if several else "ground_truth.label"
        pairs = zip(*dataset.values(["task_id", path]), strict=True)
        return {task: label for task, label in pairs if label}

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
        """Run an entry of the Data Manager's menu on these tasks."""
        assert tasks, "Label Studio would take an empty selection for all"
        selected = {"selectedItems": {"all": False, "included": tasks}, "project": self.id, **values}
        self.studio.ask("POST", "dm/actions", params={"id": action, "project": self.id}, json=selected)

    def refresh(self) -> None:
        """Label Studio's own “Start training”: it asks the backend to look at once."""
        self.studio.ask("POST", f"ml/{self.backends()[0]['id']}/train", json={})

    def wait_for_predictions(self) -> None:
        eventually("a prediction for each unlabeled task", lambda: set(self.unlabeled()) <= set(self.predicted()))

    def connect(self, *flags: str, **options: Any) -> Result:
        given = {
            "--project": self.id,
            "--url": self.studio.url,
            "--token": self.studio.token,
            "--backend": self.server.url,
            **options,
        }
        words = itertools.chain.from_iterable((name, str(value)) for name, value in given.items())
        return CliRunner().invoke(app, ["connect", *words, *flags], env=self.server.environment)


def log_in(page: Any, studio: LabelStudioServer) -> None:
    """Log in to Label Studio in a browser."""
    page.goto(f"{studio.url}/user/login")
    page.fill("input[name=email]", USER)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda address: "login" not in address)


def open_task(page: Any, project: Project, task: int) -> None:
    """Log in to Label Studio in a browser, and open a task from the Data Manager."""
    page.goto(f"{project.studio.url}/user/login")
    page.locator("input[name=email]").fill(USER)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    page.get_by_text("Recent Projects").wait_for()
    page.goto(f"{project.studio.url}/projects/{project.id}/data")
    page.locator(".lsf-table__row-wrapper").first.wait_for()
    page.goto(f"{project.studio.url}/projects/{project.id}/data?task={task}")


def label_in_fiftyone(project: Project, task: int, label: str) -> None:
    """Label a task's sample as the panel does when it saves."""
    sample = project.dataset.one(fo.ViewField("task_id") == task)
    sample["ground_truth"] = fo.Classification(label=label)
    sample.save()


def create_project(studio: LabelStudioServer, config: str, rows: list[dict[str, Any]]) -> int:
    expected = [sum(bool(row.get(kind)) for row in rows) for kind in ("annotations", "predictions")]
    for _ in range(5):
        number = int(studio.ask("POST", "projects/", json={"title": "digits", "label_config": config})["id"])
        storage = {"project": number, "path": str(studio.media), "use_blob_urls": True, "title": "files"}
        studio.ask("POST", "storages/localfiles/", json=storage)
        if not rows:
            return number
        # Where SQLite was locked, Label Studio (1.23) repeats an import, and then leaves these out.
        done = studio.ask("POST", f"projects/{number}/import", json=rows)
        if [done["annotation_count"], done["prediction_count"]] == expected:
            return number
    raise AssertionError("Label Studio does not keep what is imported with tasks")
