"""An in-memory Label Studio, for tests of sending and pulling; `test_send_to_label_studio_real` uses the real one."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from labelscape.ml_backend.label_studio.client import LabelStudioDown, LabelStudioError, LabelStudioMissing

URL = "http://label-studio.test:8080"
USERS = {1: "ann@example.com", 2: "bob@example.com"}


@dataclass
class StandIn:
    """The calls of `LabelStudio` that sending, pulling and mirroring make, as the first of `USERS`.

    ``requests`` names them in their order; at the one named ``fails_at`` it is down, and it refuses those that are
    ``refused``.
    """

    url: str = URL
    project_data: dict[int, dict[str, Any]] = field(default_factory=dict)
    tasks_of: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    backends_of: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[int, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    fails_at: str = ""
    refused: str = ""
    _numbers: Any = field(default_factory=lambda: count(900_001))  # like no real project of the same test run

    def project(self, project: int) -> dict[str, Any]:
        self._ask("project")
        if project not in self.project_data:
            raise LabelStudioMissing("404")
        tasks = self.tasks_of[project]
        skipped = [annotation.get("was_cancelled", False) for task in tasks for annotation in task["annotations"]]
        return {
            **self.project_data[project],
            "task_number": len(tasks),
            "num_tasks_with_annotations": sum(bool(task["annotations"]) for task in tasks),
            "total_annotations_number": len(skipped) - sum(skipped),
            "skipped_annotations_number": sum(skipped),
            "total_predictions_number": sum(len(task["predictions"]) for task in tasks),
        }

    def projects(self) -> list[dict[str, Any]]:
        return list(self.project_data.values())

    def create_project(self, title: str, label_config: str, *, description: str = "") -> int:
        self._ask("create_project")
        number = next(self._numbers)
        self.project_data[number] = {
            "id": number,
            "title": title,
            "description": description,
            "label_config": label_config,
            "model_version": "",
            "created_at": "2026-01-01T08:00:00.123456Z",
        }
        self.tasks_of[number] = []
        self._fail_after("create_project")
        return number

    def update_project(self, project: int, **values: Any) -> None:
        """A version without predictions is rejected, as in the real one."""
        made = [prediction for task in self.tasks_of[project] for prediction in task["predictions"]]
        live = {backend["title"] for backend in self.backends(project)}
        if values["model_version"] not in live | {prediction["model_version"] for prediction in made}:
            raise LabelStudioError("Model version doesn't exist either as live model or as static predictions.")
        self.project_data[project].update(values)

    def model_versions(self, project: int) -> dict[str, int]:
        made = [prediction for task in self.tasks_of[project] for prediction in task["predictions"]]
        return dict(Counter(str(prediction["model_version"]) for prediction in made))

    def backends(self, project: int) -> list[dict[str, Any]]:
        return self.backends_of.get(project, [])

    def upload(self, project: int, files: list[tuple[str, bytes]]) -> list[int]:
        self._ask("upload")
        assert len(files) <= 100
        numbers = [next(self._numbers) for _ in files]
        for number, (name, body) in zip(numbers, files, strict=True):
            assert body
            self.files[number] = f"/data/upload/{project}/{number}-{name}"
        return numbers

    def uploads(self, project: int, numbers: list[int]) -> dict[int, str]:
        return {number: self.files[number] for number in reversed(numbers)}

    def delete_uploads(self, project: int, numbers: list[int]) -> None:
        self._ask("delete_uploads")
        for number in numbers:
            self.files.pop(number, None)

    def import_tasks(self, project: int, tasks: list[dict[str, Any]]) -> list[int]:
        self._ask("import_tasks")
        made = [{"id": next(self._numbers), "annotations": [], "predictions": [], **task} for task in tasks]
        self.tasks_of[project] += made
        self._fail_after("import_tasks")
        return [task["id"] for task in made]

    def task_data(self, project: int) -> dict[int, dict[str, Any]]:
        return {task["id"]: task["data"] for task in self.tasks_of[project]}

    def tasks(self, project: int, *, changed_since: str | None = None) -> list[dict[str, Any]]:
        return self.tasks_of[project]

    def annotated_tasks(self, project: int) -> list[dict[str, Any]]:
        return [task for task in self.tasks_of[project] if task["annotations"]]

    def create_annotation(self, task: int, result: list[dict[str, Any]]) -> dict[str, Any]:
        self._ask("create_annotation")
        made = self._annotate(self._task(task), result, at="2026-06-01T12:00:00.123456Z")
        self._fail_after("create_annotation")
        return made

    def annotations(self, task: int) -> list[dict[str, Any]]:
        return list(self._task(task)["annotations"])

    def delete_annotation(self, annotation: int) -> None:
        self._ask("delete_annotation")
        for task in (task for tasks in self.tasks_of.values() for task in tasks):
            task["annotations"] = [one for one in task["annotations"] if one["id"] != annotation]

    def whoami(self) -> dict[str, Any]:
        return {"id": 1, "email": USERS[1]}

    def user(self, number: int) -> str:
        self._ask("user")
        return USERS[number]

    def annotate(
        self,
        project: int,
        sample: str,
        result: list[dict[str, Any]],
        *,
        by: int = 1,
        at: str = "2026-05-01T12:00:00.123456Z",
        skipped: bool = False,
        truth: bool = False,
    ) -> dict[str, Any]:
        """What a person does there with the task of a sample; ``truth``: a reviewer marks it as ground truth."""
        made = self._annotate(self.task_of(project, sample), result, by=by, at=at, skipped=skipped)
        made["ground_truth"] = truth
        return made

    def task_of(self, project: int, sample: str) -> dict[str, Any]:
        return next(task for task in self.tasks_of[project] if task["data"]["fiftyone_id"] == sample)

    def _task(self, number: int) -> dict[str, Any]:
        return next(task for tasks in self.tasks_of.values() for task in tasks if task["id"] == number)

    def _annotate(
        self,
        task: dict[str, Any],
        result: list[dict[str, Any]],
        *,
        by: int = 1,
        at: str = "2026-05-01T12:00:00.123456Z",
        skipped: bool = False,
    ) -> dict[str, Any]:
        annotation = {
            "id": next(self._numbers),
            "task": task["id"],
            "result": result,
            "completed_by": by,
            "updated_at": at,
            "was_cancelled": skipped,
        }
        task["annotations"].append(annotation)
        return annotation

    def _fail_after(self, what: str) -> None:
        if self.fails_at == f"answer of {what}":
            raise LabelStudioDown("gone in the middle")

    def _ask(self, what: str) -> None:
        self.requests.append(what)
        if self.fails_at == what:
            raise LabelStudioDown(f"{self.url} cannot be reached")
        if self.refused == what:
            raise LabelStudioError(f"{self.url} refuses this")
