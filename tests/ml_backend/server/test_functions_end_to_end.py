"""Functions made in FiftyOne, in the Data Manager of a real, stock Label Studio: a column, a filter, and a tab."""

from pathlib import Path
from typing import Any

import pytest
from labelscape.ml_backend.actions.functions import (
    create_function,
    delete_function,
    edit_function,
    function_statuses,
    look_at_matches,
)
from labelscape.ml_backend.actions.search import Scope, preview_search
from labelscape.ml_backend.label_studio.mirror import EMBEDDINGS
from labelscape.ml_backend.store.searches import Query

from .projects import Project, eventually, log_in

pytestmark = pytest.mark.slow
TAB = "Round ones · function"


def shown_in_tab(project: Project) -> set[int]:
    """The tasks that Label Studio lists in the function's tab."""
    number = next((tab["id"] for tab in project.tabs() if tab["data"]["title"] == TAB), None)
    if number is None:
        return set()
    query = {"project": project.id, "view": number, "page_size": 1000}
    return {task["id"] for task in project.studio.ask("GET", "tasks", params=query)["tasks"]}


def matches(project: Project) -> set[int]:
    dataset = project.dataset
    function = next(status.function for status in function_statuses(dataset))
    scores = zip(*dataset.values(["task_id", function.field]), strict=True)
    return {task for task, score in scores if score is not None and score >= function.threshold}


def test_a_function_is_a_column_a_filter_and_a_tab_and_scores_new_tasks(
    project: Project, page: Any, tmp_path: Path
) -> None:
    dataset = project.dataset
    zeros = [task for task, digit in project.digits.items() if digit == "0"]
    samples = dict(zip(*dataset.values(["task_id", "id"]), strict=True))
    query = Query(EMBEDDINGS, tuple(samples[task] for task in zeros[:3]))
    best = [hit.score for hit in preview_search(Scope(dataset), query, shown=25).best]
    create_function(dataset, query, name="Round ones", threshold=round(best[6], 4))
    assert len(matches(project)) == 10  # seven, and the examples
    eventually("the function's tab", lambda: shown_in_tab(project) == matches(project))

    log_in(page, project.studio)
    number = next(tab["id"] for tab in project.tabs() if tab["data"]["title"] == TAB)
    page.goto(f"{project.studio.url}/projects/{project.id}/data?tab={number}")
    rows = page.locator(".lsf-table__row-wrapper")
    rows.first.wait_for()
    heads = [text.strip() for text in page.locator(".lsf-table-head .lsf-table__cell").all_inner_texts()]
    column = next(place for place, head in enumerate(heads) if head.startswith("ls_fn_round_ones"))
    scores = [float(rows.nth(row).locator(".lsf-table__cell").nth(column).inner_text()) for row in range(3)]
    assert scores == sorted(scores, reverse=True)
    page.screenshot(path=tmp_path / "label-studio-function.png")

    edit_function(dataset, "round_ones", threshold=round(best[24], 4))
    wider = matches(project)
    assert len(wider) > 10
    eventually("the tasks above the new threshold", lambda: shown_in_tab(project) == wider)

    look_at_matches(dataset, "round_ones")
    data = project.data()
    new = [{"image": data[task]["image"]} for task in zeros[:2]]
    project.studio.ask("POST", f"projects/{project.id}/import", json=new)
    eventually("the new tasks in the tab", lambda: len(shown_in_tab(project) - wider) == 2)
    assert [status.new for status in function_statuses(project.dataset)] == [2]

    mine = zeros[5]
    changed = {**project.data()[mine], "ls_fn_of_mine": 7, "image": project.data()[zeros[6]]["image"]}
    project.studio.ask("PATCH", f"tasks/{mine}/", json={"data": changed})
    delete_function(project.dataset, "round_ones")
    eventually("no tab", lambda: TAB not in {tab["data"]["title"] for tab in project.tabs()})
    eventually("no column", lambda: not any("ls_fn_round_ones" in data for data in project.data().values()))
    assert (project.data()[mine]["ls_fn_of_mine"], project.data()[mine]["image"]) == (7, changed["image"])
