"""The app in a real browser: dialogs in the Data Manager, the map beside it, and the panel beside an open task."""

import re
from typing import Any

import pytest
from labelscape.testing.label_studio import PASSWORD, USER

from .conftest import Desk

pytestmark = pytest.mark.slow


def open_data_manager(page: Any, desk: Desk) -> None:
    url = desk.owner.url
    page.goto(f"{url}/user/login")
    page.fill("input[name=email]", USER)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login" not in address)
    page.goto(f"{url}/projects/{desk.project.id}/data")
    page.locator("#labelscape-root").wait_for(state="attached")


def test_annotators_act_filter_by_the_map_and_go_to_the_next_best_task(desk: Desk, page: Any) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_data_manager(page, desk)

    # An action: the count is shown before anything is done, and the outcome in numbers.
    page.get_by_text("ID", exact=True).first.wait_for()
    page.locator("input[type=checkbox]").nth(1).evaluate("box => box.click()")
    page.get_by_role("button", name=re.compile("1 Task$")).first.click()
    page.get_by_text("Create Segment", exact=True).click()
    dialog = page.get_by_test_id("labelscape-dialog")
    dialog.locator("input[name=name]").fill("<b>One & only</b>")
    announced = page.get_by_test_id("labelscape-preview")
    announced.wait_for()
    assert announced.inner_text().startswith("1 task selected.")
    dialog.get_by_role("button", name="Create Segment").click()
    outcome = page.get_by_test_id("labelscape-outcome")
    outcome.wait_for()
    assert outcome.inner_text().startswith("Added 1 sample to the segment “<b>One & only</b>”")
    dialog.get_by_role("button", name="Close").click()

    # The map: a lasso around everything filters the list.
    page.get_by_role("button", name="Labelscape map").click()
    canvas = page.get_by_test_id("labelscape-map")
    canvas.wait_for()
    page.locator('[data-testid="labelscape-map"][data-drawn]').wait_for()
    box = canvas.bounding_box()
    corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()
    chosen = page.get_by_test_id("labelscape-lasso")
    chosen.get_by_text("120 tasks in the lasso").wait_for()
    chosen.get_by_role("button", name="Filter the tasks").click()
    page.get_by_text("Map selection").first.wait_for()
    page.get_by_text("Tasks: 120 / 120").wait_for()

    # On a task: its neighbors, and the next-best task after it.
    page.goto(f"{desk.owner.url}/projects/{desk.project.id}/data?task={desk.project.unlabeled()[0]}")
    panel = page.get_by_test_id("labelscape-panel")
    panel.get_by_role("list", name="Neighbors").get_by_role("button").nth(11).wait_for()
    before = page.url
    panel.get_by_role("button", name="Next-best task").click()
    page.wait_for_function(
        "before => window.location.href !== before && /task=\\d+/.test(window.location.href)", arg=before
    )
    assert errors == []
