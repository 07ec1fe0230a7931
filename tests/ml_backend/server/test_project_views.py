"""The neighbors of a task and what to label next, in a project that labels boxes."""

from collections.abc import Iterator
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.mirror import EMBEDDINGS
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.server.project_views import neighbors_of_task, next_tasks
from labelscape.ml_backend.server.sync import ProjectSync

from ..label_studio.setting import BOXES, drawn, view
from ..label_studio.stand_in import URL, StandIn

_TASKS = 5


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[ProjectSync]:
    """A project of five tasks: the first two are annotated, without regions here."""
    studio = StandIn()
    project = studio.create_project("pets", view(BOXES))
    studio.backends_of[project] = [{"id": 1, "title": "labelscape-0001"}]
    paths, _ = write_digits(tmp_path, count=_TASKS)
    studio.import_tasks(
        project, [{"data": {"image": f"/{number}", "fiftyone_id": str(number)}} for number in range(_TASKS)]
    )
    for number in range(2):
        studio.annotate(project, str(number), [drawn(f"a{number}", "Cat")])
    made = ProjectSync(
        project,
        ServerSettings(url=URL),
        studio,  # type: ignore[arg-type]
        lambda addresses, _kind, _seconds: [paths[int(one[1:])] for one in addresses],
    )
    made.catch_up()
    yield made
    fo.delete_dataset(f"label-studio-{project}")


def box(label: str | None, region: str | None) -> fo.Detection:
    return fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.2, 0.2], region=region)


def fill(sync: ProjectSync, boxes: dict[int, list[fo.Detection]]) -> list[int]:
    """Give tasks, by their place, these regions, and embed them; returns the numbers of all tasks."""
    mirror = sync.opened()
    samples = {sample.task_id: sample for sample in mirror.dataset}
    tasks = sorted(samples)
    for place, task in enumerate(tasks):
        samples[task][mirror.field] = fo.Detections(detections=boxes.get(place, []))
        samples[task].save()
    ids = [one.id for held in boxes.values() for one in held]
    vectors = np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)
    import_embeddings(
        mirror.dataset, key=EMBEDDINGS, ids=ids, vectors=vectors, source="test", patches_field=mirror.field
    )
    return tasks


def test_a_task_without_regions_says_that_one_has_to_be_drawn(sync: ProjectSync) -> None:
    tasks = fill(sync, {0: [box("Cat", "a"), box("Dog", "b")], 2: [box(None, None)]})
    for task in tasks[2:4]:
        with pytest.raises(Refusal, match=f"Task {task} has no regions yet: draw one and submit it."):
            neighbors_of_task(sync, task, 3)
    with pytest.raises(Refusal, match="Task 987 has no embedding yet"):
        neighbors_of_task(sync, 987, 3)


def test_the_selected_region_is_one_of_those_listed(sync: ProjectSync) -> None:
    here, placed = box("Cat", None), box("Dog", "b")
    tasks = fill(sync, {0: [here, placed], 1: [box("Cat", "c")]})
    shown = neighbors_of_task(sync, tasks[0], 3)
    assert shown["region"] == placed.id
    assert [one["region"] for one in shown["regions"]] == [placed.id]
    with pytest.raises(Refusal, match="no longer exists"):
        neighbors_of_task(sync, tasks[0], 3, region=here.id)


def test_open_regions_of_annotated_tasks_do_not_crowd_out_the_tasks_that_are_left(sync: ProjectSync) -> None:
    crowd = [box(None, f"o{number}") for number in range(200)]
    many = [box(None, f"m{number}") for number in range(60)]
    labeled = [box("Cat", "a"), box("Dog", "b")]
    tasks = fill(sync, {0: [*labeled, *crowd[:100]], 1: crowd[100:], 2: many, 3: [box(None, "x")], 4: [box(None, "y")]})
    assert len(next_tasks(sync, 1)["tasks"]) == 1
    assert sorted(next_tasks(sync, 3)["tasks"]) == tasks[2:]
    assert sorted(next_tasks(sync, 50)["tasks"]) == tasks[2:]
