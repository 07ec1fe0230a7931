"""The neighbors of a task and what to label next, in a project that labels boxes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.server.project_views import neighbors_of_task, next_tasks
from labelscape.ml_backend.server.sync import ProjectSync

from .box_projects import box, fill, served_boxes


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[ProjectSync]:
    yield from served_boxes(tmp_path)


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
