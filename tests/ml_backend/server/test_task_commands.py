"""Choices in the menu on a task: each is carried out once, and says what it did or why it did nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.label_studio.client import LabelStudioDown
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.label_studio.task_menu import LABEL_NEIGHBORS, UNDO, add_menu
from labelscape.ml_backend.server import task_commands
from labelscape.ml_backend.server.sync import ProjectSync
from labelscape.ml_backend.server.task_commands import carry_out_commands
from labelscape.ml_backend.store.action_journal import list_actions

from ..label_studio.stand_in import URL, StandIn
from .projects import choices, chosen

TASKS = 120
LABELED = 40
CLASSES = [str(digit) for digit in range(10)]


def menu(command: str) -> dict[str, Any]:
    return {"from_name": "labelscape", "to_name": "image", "type": "choices", "value": {"choices": [command]}}


@pytest.fixture
def studio(tmp_path: Path) -> StandIn:
    """A Label Studio with a project of digits with the menu, the first ones labeled."""
    made = StandIn()
    _, digits = write_digits(tmp_path, count=TASKS)
    project = made.create_project("digits", add_menu(choices(CLASSES), "image"))
    made.backends_of[project] = [{"id": 1, "title": "labelscape-0001"}]
    names = [str(row) for row in range(TASKS)]
    made.import_tasks(project, [{"data": {"image": f"/{name}", "fiftyone_id": name}} for name in names])
    for row in range(LABELED):
        made.annotate(project, names[row], chosen(str(digits[row])), by=2)
    return made


@pytest.fixture
def sync(studio: StandIn, tmp_path: Path) -> Iterator[ProjectSync]:
    """The project, caught up."""
    paths, _ = write_digits(tmp_path, count=TASKS)
    [project] = studio.project_data
    made = ProjectSync(
        project,
        ServerSettings(url=URL),
        studio,  # type: ignore[arg-type]
        lambda addresses, _kind, _seconds: [paths[int(str(address).strip("/"))] for address in addresses],
    )
    yield made
    fo.delete_dataset(f"label-studio-{project}")


def catch_up(sync: ProjectSync) -> int:
    """Do one round of the worker; return how many choices were carried out."""
    sync.catch_up()
    sync.suggest()
    return carry_out_commands(sync)


def outcome(sync: ProjectSync, studio: StandIn, sample: str) -> str:
    task = studio.task_of(sync.project, sample)["id"]
    return sync.opened().ledger.read([task])[task].outcome


def titles(sync: ProjectSync) -> list[str]:
    return [entry.title for entry in list_actions(sync.opened().dataset)]


def test_a_choice_is_carried_out_once_and_again_when_it_was_undone(studio: StandIn, sync: ProjectSync) -> None:
    annotation = studio.annotate(sync.project, "43", [*chosen("7"), menu(LABEL_NEIGHBORS)])
    assert catch_up(sync) == 1
    assert outcome(sync, studio, "43").startswith("Predicted “7” for ")
    assert catch_up(sync) == 0
    assert len(titles(sync)) == 1

    annotation |= {"result": chosen("7"), "updated_at": "2026-05-02T12:00:00Z"}
    assert catch_up(sync) == 0
    annotation |= {"result": [*chosen("7"), menu(LABEL_NEIGHBORS)], "updated_at": "2026-05-03T12:00:00Z"}
    assert catch_up(sync) == 1
    assert catch_up(sync) == 0


def test_undo_in_somebody_elses_annotation_is_for_the_actions_of_the_one_who_chose_it(
    studio: StandIn, sync: ProjectSync
) -> None:
    annotation = studio.annotate(sync.project, "43", [*chosen("7"), menu(LABEL_NEIGHBORS)], by=1)
    assert catch_up(sync) == 1
    [title] = titles(sync)
    undo = {"result": [*chosen("7"), menu(UNDO)], "updated_by": 2, "updated_at": "2026-05-02T12:00:00Z"}
    annotation |= undo
    assert catch_up(sync) == 1
    assert outcome(sync, studio, "43").startswith("There is nothing to undo")
    assert titles(sync) == [title]
    annotation |= {"result": chosen("7"), "updated_at": "2026-05-03T12:00:00Z"}
    catch_up(sync)
    annotation |= {**undo, "updated_by": 1, "updated_at": "2026-05-04T12:00:00Z"}
    assert catch_up(sync) == 1
    assert titles(sync) == []


def test_what_cannot_be_done_says_why_and_is_not_tried_again(studio: StandIn, sync: ProjectSync) -> None:
    studio.annotate(sync.project, "51", [menu(LABEL_NEIGHBORS)])
    studio.annotate(sync.project, "52", [*chosen("3"), menu(UNDO)])
    studio.annotate(sync.project, "53", [*chosen("3"), menu(LABEL_NEIGHBORS)])
    studio.annotate(sync.project, "53", chosen("5"), by=2, truth=True)
    assert catch_up(sync) == 3
    assert outcome(sync, studio, "51") == "“Label neighbors” needs exactly one label on the task."
    assert outcome(sync, studio, "52").startswith("There is nothing to undo")
    assert outcome(sync, studio, "53").startswith("The label that counts for this task is not “3”")
    assert catch_up(sync) == 0
    assert titles(sync) == []


def test_a_command_alone_is_no_label_and_a_skipped_task_commands_nothing(studio: StandIn, sync: ProjectSync) -> None:
    studio.annotate(sync.project, "44", [menu(UNDO)])
    studio.annotate(sync.project, "45", [*chosen("3"), menu(LABEL_NEIGHBORS)], skipped=True)
    assert catch_up(sync) == 1
    samples = {sample.task_id: sample for sample in sync.opened().dataset}
    assert samples[studio.task_of(sync.project, "44")["id"]].ground_truth is None
    assert outcome(sync, studio, "45") == ""


def test_a_choice_that_fails_for_a_reason_of_ours_says_so_and_stops_no_other(
    studio: StandIn, sync: ProjectSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("a bug")

    monkeypatch.setattr(task_commands, "predict_neighbors", fail)
    studio.annotate(sync.project, "46", [*chosen("3"), menu(LABEL_NEIGHBORS)])
    studio.annotate(sync.project, "47", [menu(LABEL_NEIGHBORS)])
    assert catch_up(sync) == 2
    assert outcome(sync, studio, "46") == "Internal error; see the backend's log."
    assert outcome(sync, studio, "47").startswith("“Label neighbors” needs")
    assert catch_up(sync) == 0


def test_a_choice_waits_while_label_studio_is_down(
    studio: StandIn, sync: ProjectSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_down(*_: object) -> str:
        raise LabelStudioDown("down")

    studio.annotate(sync.project, "46", [*chosen("3"), menu(LABEL_NEIGHBORS)])
    with monkeypatch.context() as patched:
        patched.setattr(task_commands, "predict_neighbors", go_down)
        with pytest.raises(LabelStudioDown):
            catch_up(sync)
    assert catch_up(sync) == 1
