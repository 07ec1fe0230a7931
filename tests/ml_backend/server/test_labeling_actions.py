"""Actions on a Label Studio that fails for a moment, or for longer."""

from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path

import fiftyone as fo
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.client import LabelStudioDown
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.progress import no_progress
from labelscape.ml_backend.server.labeling_actions import PREDICTIONS, label_neighbors, send_samples_and_suggest
from labelscape.ml_backend.server.requests import ActionRequest
from labelscape.ml_backend.server.sync import ProjectSync

from ..label_studio.stand_in import URL, StandIn

PETS = ("pet", "puppy", "kitten", "cub")
CONFIG = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img">'
    '<Choice value="Cat"/><Choice value="Dog"/></Choices></View>'
)


class Locked(StandIn):
    """A Label Studio whose database is locked for some requests; the iterators say for which ones, in order."""

    annotations_locked: Iterator[bool] = iter(())
    predictions_locked: Iterator[bool] = iter(())
    kept: tuple[dict[str, object], ...] = ()

    def writes_in_bulk(self, project: int) -> bool:
        return False

    def model_versions(self, project: int) -> dict[str, int]:
        return {}

    def predictions(self, project: int) -> list[dict[str, object]]:
        return list(self.kept)

    def create_prediction(self, prediction: dict[str, object]) -> int:
        if next(self.predictions_locked, False):
            raise LabelStudioDown("database is locked")
        self.kept = (*self.kept, {**prediction, "id": len(self.kept) + 1})
        return len(self.kept)

    def import_predictions(self, project: int, predictions: Sequence[dict[str, object]]) -> int:
        return sum(map(self.create_prediction, predictions))

    def create_annotation(self, task: int, result: list[dict[str, object]]) -> dict[str, object]:
        if next(self.annotations_locked, False):
            raise LabelStudioDown("database is locked")
        return super().create_annotation(task, result)


@pytest.fixture
def studio() -> Locked:
    made = Locked()
    project = made.create_project("pets", CONFIG)
    made.backends_of[project] = [{"id": 1, "title": "labelscape-0001"}]
    made.import_tasks(project, [{"data": {"image": f"/{name}", "fiftyone_id": name}} for name in PETS])
    return made


@pytest.fixture
def labeled(studio: Locked, tmp_path: Path) -> Iterator[ProjectSync]:
    """A project of which one task was just labeled here."""
    paths, _ = write_digits(tmp_path, count=len(PETS))
    path_of = dict(zip((f"/{name}" for name in PETS), paths, strict=True))
    [project] = studio.project_data
    sync = ProjectSync(
        project,
        ServerSettings(url=URL),
        studio,  # type: ignore[arg-type]
        lambda addresses, _kind, _seconds: [path_of[str(address)] for address in addresses],
    )
    sync.catch_up()
    sample = sync.opened().dataset.first()
    sample.ground_truth = fo.Classification(label="Cat")
    sample.save()
    yield sync
    fo.delete_dataset(f"label-studio-{project}")


def annotations(studio: Locked) -> int:
    return sum(len(task["annotations"]) for tasks in studio.tasks_of.values() for task in tasks)


def test_a_label_arrives_once_at_a_label_studio_whose_database_is_locked_for_a_moment(
    studio: Locked, labeled: ProjectSync
) -> None:
    studio.annotations_locked = repeat(True, 2)
    assert send_samples_and_suggest(labeled, labeled.opened().dataset.values("id"), no_progress) == 1
    assert annotations(studio) == 1


def test_who_labels_while_label_studio_is_down_is_told_that_the_labels_are_saved_and_they_follow(
    studio: Locked, labeled: ProjectSync
) -> None:
    studio.annotations_locked = repeat(True)
    with pytest.raises(
        Refusal,
        match=r"The change is saved, but .* all of it yet: database is locked\. Labelscape will send the rest",
    ):
        send_samples_and_suggest(labeled, labeled.opened().dataset.values("id"), no_progress, seconds=0.5)
    assert annotations(studio) == 0
    studio.annotations_locked = iter(())
    labeled.catch_up()
    assert annotations(studio) == 1


def test_an_action_goes_on_while_label_studio_takes_a_label_between_two_failures(
    studio: Locked, labeled: ProjectSync
) -> None:
    for sample in labeled.opened().dataset[1:3]:
        sample.ground_truth = fo.Classification(label="Dog")
        sample.save()
    studio.annotations_locked = iter([True, False, True, False, True])
    samples = labeled.opened().dataset.values("id")
    assert send_samples_and_suggest(labeled, samples, no_progress, seconds=1.5) == 3
    assert (annotations(studio), list(studio.annotations_locked)) == (3, [])


def test_a_prediction_arrives_at_a_label_studio_whose_database_is_locked_for_a_moment(
    studio: Locked, labeled: ProjectSync
) -> None:
    [tasks] = studio.tasks_of.values()
    sample = labeled.opened().dataset.first()
    sample.ground_truth = None
    sample.save()
    labeled.suggest()  # also embeds
    studio.predictions_locked = iter([True])
    values = {"label": "Cat", "reach": 0, "precision": 0.95, "as": PREDICTIONS}
    outcome = label_neighbors(labeled, ActionRequest([tasks[0]["id"]], "1", values), no_progress)
    assert (outcome.numbers["written"], list(studio.predictions_locked)) == (1, [])
