"""The map beside the list of tasks: a lasso filters the list, and points are colored by label, person, and score."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ...ml_backend.server.projects import eventually
from .browsing import ROW, open_tasks
from .conftest import Desk, Person

pytestmark = pytest.mark.slow
FILLED = 0.9  # of the canvas, by the points
Columns = dict[str, list[Any]]


@pytest.fixture
def shown(desk: Desk) -> Columns:
    """The map of the project, as columns."""
    return dict(eventually("the map", lambda: (answer := desk.owner.ask("GET", desk.path("map"))).ok and answer.json()))


@pytest.fixture
def panel(desk: Desk, shown: Columns, page: Any) -> Any:
    """The panel with the map, opened by the owner beside the list of tasks."""
    open_tasks(desk, desk.owner, page)
    page.get_by_role("button", name="Labelscape map").click()
    opened = page.get_by_test_id("labelscape-panel")
    opened.locator("canvas").first.wait_for()
    return opened


@pytest.fixture
def ada(desk: Desk, invite: Callable[[str], Person]) -> Iterator[str]:
    """An annotator with a name, who labeled one task; the name."""
    person = invite("ada")
    me = person.ask("GET", "api/current-user/whoami").json()["id"]
    named = person.ask("PATCH", f"api/users/{me}/", {"first_name": "Ada", "last_name": f"Lovelace{me}"})
    assert named.ok, named.text
    task = desk.project.unlabeled()[0]
    result = [{"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": ["3"]}}]
    made = person.ask("POST", f"api/tasks/{task}/annotations/", {"result": result}).json()["id"]
    eventually("the annotator on the map", lambda: me in desk.owner.ask("GET", desk.path("map")).json()["annotators"])
    yield f"Ada Lovelace{me}"
    desk.owner.ask("DELETE", f"api/annotations/{made}/")
    eventually("no label", lambda: task not in desk.project.labels())


def draw_lasso(page: Any, canvas: Any, right: float) -> None:
    """Draw around everything left of this place on the canvas."""
    box = canvas.bounding_box()
    left, top, bottom = box["x"] + 3, box["y"] + 3, box["y"] + box["height"] - 3
    page.mouse.move(left, (top + bottom) / 2)
    page.mouse.down()
    for x, y in ((left, bottom), (right, bottom), (right, top), (left, top), (left, (top + bottom) / 2 - 2)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


def left_part(shown: Columns, box: dict[str, float]) -> tuple[set[int], float]:
    """The tasks left of a gap between points, and where that gap is in the page."""
    x, y = shown["x"], shown["y"]
    ordered = sorted(x)
    gaps = [(ordered[place + 1] - ordered[place], place) for place in range(30, 90)]
    _, place = max(gaps)
    border = (ordered[place] + ordered[place + 1]) / 2
    scale = FILLED * min(box["width"] / (max(x) - min(x)), box["height"] / (max(y) - min(y)))
    right = box["x"] + box["width"] / 2 + scale * (border - (max(x) + min(x)) / 2)
    return {task for task, at in zip(shown["tasks"], x, strict=True) if at < border}, right


def test_a_lasso_filters_the_list_to_exactly_the_tasks_inside(
    desk: Desk, shown: Columns, panel: Any, page: Any, tmp_path: Any
) -> None:
    canvas = panel.locator("canvas").first
    inside, right = left_part(shown, canvas.bounding_box())
    draw_lasso(page, canvas, right)
    panel.get_by_text(f"{len(inside)} tasks in the lasso").wait_for()
    page.screenshot(path=tmp_path / "lasso.png")

    listed: list[set[int]] = []

    def note(answer: Any) -> None:
        if "/api/tasks?" in answer.url and answer.ok and "tab=" in page.url:
            listed.append({task["id"] for task in answer.json()["tasks"]})

    page.on("response", note)
    panel.get_by_role("button", name="Filter the tasks").click()
    page.wait_for_url("**?tab=*")
    page.get_by_text("Map selection", exact=True).first.wait_for()
    page.get_by_text(f"{len(inside)} / 120").first.wait_for()
    page.locator(ROW).first.wait_for()
    page.locator('[data-id="tasks:data.image"]').wait_for()
    assert page.locator('[data-id="tasks:inner_id"]').count() == 0, "the columns are those of the tab before"
    page.screenshot(path=tmp_path / "filtered.png")
    assert listed
    assert all(tasks <= inside for tasks in listed)
    view = page.url.split("tab=")[1].split("&")[0]
    asked = desk.owner.ask("GET", f"api/tasks?view={view}&project={desk.project.id}&page_size=500").json()["tasks"]
    assert {task["id"] for task in asked} == inside
    desk.owner.ask("DELETE", f"api/dm/views/{view}/")


def legend_of(panel: Any) -> list[str]:
    return [entry.strip() for entry in panel.locator(".lsx-legend li").all_inner_texts()]


def counted(values: list[Any]) -> set[str]:
    return {f"{name} ({number})" for name, number in Counter(values).items() if name is not None}


def test_points_are_colored_by_label_prediction_person_and_score(
    desk: Desk, ada: str, shown: Columns, panel: Any, page: Any, tmp_path: Any
) -> None:
    now = desk.owner.ask("GET", desk.path("map")).json()
    coloring = panel.get_by_label("Color by")
    canvas = panel.locator("canvas").first
    drawn: dict[str, bytes] = {}

    def color(by: str, *legend: str) -> None:
        coloring.select_option(by)
        for entry in legend:
            panel.get_by_text(entry, exact=True).first.wait_for()
        drawn[by] = canvas.screenshot()
        page.screenshot(path=tmp_path / f"color-{by}.png")

    color("Label", *counted(now["labels"]))
    color("Prediction", *counted(now["predictions"]))
    color("Annotator", f"{ada} (1)")
    names = legend_of(panel)
    assert len(names) == len(counted(now["annotators"]))
    assert f"{desk.owner.email} (40)" in names
    for title, column in (("Outlier score", "outlier"), ("Mislabel score", "mislabel"), ("Confidence", "confidence")):
        numbers = [value for value in now[column] if value is not None]
        color(title, f"blue = {min(numbers):.2f}, yellow = {max(numbers):.2f}")
    assert len(set(drawn.values())) == len(drawn), "each coloring looks different"
