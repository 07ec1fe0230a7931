"""Actions on a Label Studio that fails for a moment, or for longer."""

from collections.abc import Iterator
from pathlib import Path

import fiftyone as fo
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.client import LabelStudioDown
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.progress import no_progress
from labelscape.ml_backend.server.labeling_actions import send_samples_and_suggest
from labelscape.ml_backend.server.sync import ProjectSync

from ..label_studio.stand_in import URL, StandIn

CONFIG = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img">'
    '<Choice value="Cat"/><Choice value="Dog"/></Choices></View>'
)


class Locked(StandIn):
    """A Label Studio whose database is locked for some requests."""

    failures = 0

    def create_annotation(self, task: int, result: list[dict[str, object]]) -> dict[str, object]:
        if self.failures:
            self.failures -= 1
            raise LabelStudioDown("database is locked")
        return super().create_annotation(task, result)


@pytest.fixture
def studio() -> Locked:
    made = Locked()
    project = made.create_project("pets", CONFIG)
    made.backends_of[project] = [{"id": 1, "title": "labelscape-0001"}]
    made.import_tasks(project, [{"data": {"image": "/pet", "fiftyone_id": "pet"}}])
    return made


@pytest.fixture
def labeled(studio: Locked, tmp_path: Path) -> Iterator[ProjectSync]:
    """A project whose one task was just labeled here."""
    [path], _ = write_digits(tmp_path, count=1)
    [project] = studio.held
    sync = ProjectSync(
        project,
        ServerSettings(url=URL),
        studio,  # type: ignore[arg-type]
        lambda addresses, _kind, _seconds: [path for _ in addresses],
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
    studio.failures = 2
    assert send_samples_and_suggest(labeled, labeled.opened().dataset.values("id"), no_progress) == 1
    assert annotations(studio) == 1


def test_who_labels_while_label_studio_is_down_is_told_that_the_labels_are_saved_and_they_follow(
    studio: Locked, labeled: ProjectSync
) -> None:
    studio.failures = 1_000
    with pytest.raises(Refusal, match=r"The change is saved, .* database is locked"):
        send_samples_and_suggest(labeled, labeled.opened().dataset.values("id"), no_progress, patience=0.5)
    assert annotations(studio) == 0
    studio.failures = 0
    labeled.catch_up()
    assert annotations(studio) == 1
