"""The app in a browser: a dialog of the Data Manager, an open task, the next-best task, and hostile text."""

import re
from typing import Any

import pytest

from ...ml_backend.server.projects import eventually
from .conftest import Desk

pytestmark = pytest.mark.slow
ROW = ".lsf-table__row-wrapper"
HOSTILE = "<img src=x onerror=\"document.title='broken'\">"


@pytest.fixture
def browser(desk: Desk, page: Any) -> Any:
    """A page in which the owner is logged in, with the project's tasks listed."""
    cookies = [{"name": one.name, "value": one.value, "url": desk.owner.url} for one in desk.owner.session.cookies]
    page.context.add_cookies(cookies)
    page.goto(f"{desk.owner.url}/projects/{desk.project.id}/data")
    page.locator(ROW).first.wait_for()
    page.get_by_role("button", name="Labelscape map").wait_for()  # from then on, its dialogs are there too
    return page


def test_a_dialog_counts_first_and_shows_hostile_names_as_text(desk: Desk, browser: Any) -> None:
    from playwright.sync_api import expect

    browser.locator(ROW).first.get_by_role("checkbox").click()
    browser.get_by_text("1 Task", exact=True).click()
    browser.get_by_text("Create Segment", exact=True).click()
    dialog = browser.get_by_test_id("labelscape-dialog")
    dialog.get_by_label("Name").fill(HOSTILE)
    dialog.get_by_test_id("labelscape-preview").get_by_text("1 task selected").first.wait_for()
    dialog.get_by_role("button", name="Create Segment").click()
    outcome = dialog.get_by_test_id("labelscape-outcome")
    outcome.wait_for()
    assert HOSTILE in outcome.inner_text()
    dialog.get_by_role("button", name=re.compile("^Open “.* · segment”")).click()
    expect(browser.locator(ROW)).to_have_count(1)
    assert browser.title() != "broken"
    assert desk.run(desk.owner, "undo", [])["state"] == "done"


def test_titles_of_tabs_and_columns_are_read_whole(desk: Desk, browser: Any, tmp_path: Any) -> None:
    tasks = list(desk.project.digits)[:4]
    assert desk.run(desk.owner, "create_segment", tasks, name="Smudged", kind="data quality")["state"] == "done"
    assert desk.run(desk.owner, "create_function", tasks, name="Round ones", threshold="50")["state"] == "done"
    browser.reload()
    for tab, column in {
        "Outliers": "ls_outlier",
        "Likely wrong": "ls_mislabel",
        "Confident": "",
        "Uncertain": "",
        "Round ones · function": "ls_fn_round_ones",
    }.items():
        title = browser.get_by_text(tab, exact=True).first
        width = title.evaluate("one => [one.clientWidth, one.scrollWidth]")
        assert width[0] == width[1] or "·" in tab, f"{tab} is cut"
        title.click()
        browser.wait_for_url(re.compile("tab="))
        if column:
            head = browser.locator(f'[data-id="tasks:data.{column}"]')
            head.wait_for()
            right = head.evaluate("one => one.getBoundingClientRect().right")
            assert right < browser.viewport_size["width"], f"{column} is visible without scrolling"
            text = head.locator(".lsf-th-content, .lsf-table__cell-content").first
            assert text.evaluate("one => one.scrollWidth <= one.clientWidth"), f"the title of {column} is cut"
        browser.screenshot(path=tmp_path / f"{tab[:9]}.png")
    assert [desk.run(desk.owner, "undo", [])["state"] for _ in range(2)] == ["done"] * 2


def test_a_task_shows_its_neighbors_and_continues_with_the_next_best(desk: Desk, browser: Any) -> None:
    task = desk.project.unlabeled()[0]
    digit = desk.project.digits[task]
    browser.goto(f"{desk.owner.url}/projects/{desk.project.id}/data?task={task}")
    browser.locator(".lsf-choices").first.wait_for()
    browser.get_by_role("button", name="Labelscape map").click()
    panel = browser.get_by_test_id("labelscape-panel")
    panel.get_by_role("list", name="Neighbors").locator("li img").first.wait_for()
    panel.get_by_role("checkbox", name=re.compile("next-best")).check()
    shown = browser.locator(".lsf-choice__checkbox.ant-checkbox-wrapper-checked")
    if shown.count() == 0 or not shown.first.inner_text().startswith(digit):
        browser.locator(".lsf-choice__checkbox", has_text=re.compile(f"^{digit}")).click()
    panel.get_by_role("button", name=f"Label neighbors “{digit}”").wait_for()
    browser.get_by_role("button", name="Submit").click()
    eventually("the annotation", lambda: desk.annotated().get(task) == digit)
    browser.wait_for_url(lambda address: f"task={task}" not in address and "task=" in address)
    following = int(re.search(r"task=(\d+)", browser.url)[1])
    assert following in desk.project.unlabeled()
    [annotation] = desk.project.task(task)["annotations"]
    desk.project.studio.ask("DELETE", f"annotations/{annotation['id']}/")


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("**/labelscape/labelscape.js", {"body": "throw new Error('forced')", "content_type": "text/javascript"}),
        ("**/labelscape/labelscape.js", {"status": 500, "body": "no script"}),
        ("**/description", {"status": 500, "body": "no JSON"}),
        ("**/description", {"json": None}),
        ("**/description", {"json": {"missing": [], "actions": []}}),  # an error while the panel is drawn
    ],
    ids=["script throws", "script fails", "description fails", "description is empty", "drawing fails"],
)
def test_an_error_in_our_script_leaves_the_page_as_it_was(
    desk: Desk, page: Any, tmp_path: Any, address: str, answer: dict[str, Any]
) -> None:
    """The tasks are listed, our actions have Label Studio's own dialogs, and a task is labeled."""
    if "actions" in (answer.get("json") or {}):
        told = desk.owner.ask("GET", desk.path("description")).json()
        answer = {"json": {**told, "described": None}}
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route(address, lambda route: route.fulfill(**answer))
    cookies = [{"name": one.name, "value": one.value, "url": desk.owner.url} for one in desk.owner.session.cookies]
    page.context.add_cookies(cookies)
    page.goto(f"{desk.owner.url}/projects/{desk.project.id}/data")
    page.locator(ROW).first.wait_for()
    eventually("the error", lambda: any("orced" in one or "Labelscape" in one or "500" in one for one in errors))
    assert page.get_by_role("button", name="Labelscape map").count() == 0

    page.locator(ROW).first.get_by_role("checkbox").click()
    page.get_by_text("1 Task", exact=True).click()
    page.get_by_text("Create Segment", exact=True).click()
    dialog = page.locator(".lsf-modal-ls, .lsf-modal")
    dialog.get_by_text("Create segment").first.wait_for()
    page.screenshot(path=tmp_path / "error-dialog.png")
    assert page.get_by_test_id("labelscape-dialog").count() == 0

    task = desk.project.unlabeled()[0]
    page.goto(f"{desk.owner.url}/projects/{desk.project.id}/data?task={task}")
    page.locator(".lsf-choice__checkbox", has_text=re.compile("^3")).click()
    page.get_by_role("button", name="Submit").click()
    eventually("the annotation", lambda: task in desk.annotated())
    [annotation] = desk.project.task(task)["annotations"]
    desk.project.studio.ask("DELETE", f"annotations/{annotation['id']}/")
