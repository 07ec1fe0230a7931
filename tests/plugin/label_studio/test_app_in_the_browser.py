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
    dialog.get_by_role("button", name=re.compile("^Open “Segment")).click()
    expect(browser.locator(ROW)).to_have_count(1)
    assert browser.title() != "broken"
    assert desk.run(desk.owner, "undo", [])["state"] == "done"


def test_a_task_shows_its_neighbors_and_goes_on_with_the_next_best(desk: Desk, browser: Any) -> None:
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
    [annotation] = desk.project.tasks()[task]["annotations"]
    desk.project.studio.ask("DELETE", f"annotations/{annotation['id']}/")
