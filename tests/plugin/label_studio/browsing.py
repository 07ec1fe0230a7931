"""What people do with the app in a browser, shared by the tests of this folder."""

from typing import Any

from .conftest import Desk, Person

ROW = ".lsf-table__row-wrapper"
WAIT = 120_000  # a busy machine is slow, not wrong


def open_tasks(desk: Desk, person: Person, page: Any, query: str = "") -> Any:
    """The project's tasks, in a page in which this person is logged in."""
    page.set_default_timeout(WAIT)
    cookies = [{"name": one.name, "value": one.value, "url": person.url} for one in person.session.cookies]
    page.context.add_cookies(cookies)
    page.goto(f"{person.url}/projects/{desk.project.id}/data{query}")
    page.locator(ROW).first.wait_for()
    page.get_by_role("button", name="Labelscape map").wait_for()  # from then on, its dialogs are there too
    return page


def open_dialog(page: Any, title: str, *, row: int) -> Any:
    """The dialog of an action on the task in one row of the list."""
    page.locator(ROW).nth(row).get_by_role("checkbox").click()
    page.get_by_text("1 Task", exact=True).click()
    page.get_by_text(title, exact=True).click()
    return page.get_by_test_id("labelscape-dialog")
