"""Label Studio in memory, for tests of what is sent to it and pulled from it; `test_sending_real` has the real one."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from labelscape.ml_backend.server.label_studio import LabelStudioDown, LabelStudioError, LabelStudioMissing

URL = "http://label-studio.test:8080"
USERS = {1: "ann@example.com", 2: "bob@example.com"}


@dataclass
class StandIn:
    """The calls of `LabelStudio` that sending and pulling make; ``requests`` names them in their order."""

    url: str = URL
    held: dict[int, dict[str, Any]] = field(default_factory=dict)
    tasks_of: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[int, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    fails_at: str = ""
    _numbers: Any = field(default_factory=lambda: count(900_001))  # like no real project of the same test run

    def project(self, project: int) -> dict[str, Any]:
        self._ask("project")
        if project not in self.held:
            raise LabelStudioMissing("404")
        tasks = self.tasks_of[project]
        annotated = sum(bool(task["annotations"]) for task in tasks)
        return {**self.held[project], "task_number": len(tasks), "num_tasks_with_annotations": annotated}

    def projects(self) -> list[dict[str, Any]]:
        return list(self.held.values())

    def create_project(self, title: str, label_config: str) -> int:
        self._ask("create_project")
        number = next(self._numbers)
        self.held[number] = {"id": number, "title": title, "label_config": label_config, "model_version": ""}
        self.tasks_of[number] = []
        return number

    def update_project(self, project: int, **values: Any) -> None:
        """A version without predictions is refused, as by the real one."""
        made = [prediction for task in self.tasks_of[project] for prediction in task["predictions"]]
        if values["model_version"] not in {prediction["model_version"] for prediction in made}:
            raise LabelStudioError("Model version doesn't exist either as live model or as static predictions.")
        self.held[project].update(values)

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

    def import_tasks(self, project: int, tasks: list[dict[str, Any]]) -> list[int]:
        self._ask("import_tasks")
        made = [{"id": next(self._numbers), "annotations": [], "predictions": [], **task} for task in tasks]
        self.tasks_of[project] += made
        if self.fails_at == "answer of import_tasks":
            raise LabelStudioDown("gone in the middle")
        return [task["id"] for task in made]

    def task_data(self, project: int) -> dict[int, dict[str, Any]]:
        return {task["id"]: task["data"] for task in self.tasks_of[project]}

    def tasks(self, project: int) -> list[dict[str, Any]]:
        return self.tasks_of[project]

    def annotated_tasks(self, project: int) -> list[dict[str, Any]]:
        return [task for task in self.tasks_of[project] if task["annotations"]]

    def user(self, number: int) -> str:
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
    ) -> dict[str, Any]:
        """What a person does there with the task of a sample."""
        annotation = {
            "id": next(self._numbers),
            "result": result,
            "completed_by": by,
            "updated_at": at,
            "was_cancelled": skipped,
        }
        self.task_of(project, sample)["annotations"].append(annotation)
        return annotation

    def task_of(self, project: int, sample: str) -> dict[str, Any]:
        return next(task for task in self.tasks_of[project] if task["data"]["fiftyone_id"] == sample)

    def _ask(self, what: str) -> None:
        self.requests.append(what)
        if self.fails_at == what:
            raise LabelStudioDown(f"{self.url} cannot be reached")
