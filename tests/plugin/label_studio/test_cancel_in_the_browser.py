"""Cancel a job while it runs: in its dialog, through the app, and through the backend's actions API."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pymongo
import pytest
import requests

from ...ml_backend.server.projects import eventually
from .browsing import open_dialog, open_tasks
from .conftest import Desk, Person

pytestmark = pytest.mark.slow
CANCELED = "Canceled: nothing else was done."


@contextmanager
def writes_that_wait() -> Iterator[Callable[[], None]]:
    """Let the database's writes wait, so that a job does not end, until the block ends, or this is called."""
    admin = pymongo.MongoClient(os.environ["FIFTYONE_DATABASE_URI"]).admin
    admin.command("fsync", lock=True)
    waiting = True

    def go_on() -> None:
        nonlocal waiting
        if waiting:
            waiting = False
            admin.command("fsyncUnlock")

    try:
        yield go_on
    finally:
        go_on()


def started(desk: Desk, person: Person) -> str:
    """The id of a job that is running, and waits for the database."""
    answer = person.ask("POST", desk.path("actions/rank_outliers"), desk.selection(sorted(desk.project.digits)))
    assert answer.status_code == 202, answer.text
    job = str(answer.json()["id"])
    eventually("a running job", lambda: person.ask("GET", desk.path(f"jobs/{job}")).json()["state"] == "running")
    return job


def ended(desk: Desk, person: Person, job: str) -> tuple[str, str]:
    now = eventually(
        "its end",
        lambda: (shown := person.ask("GET", desk.path(f"jobs/{job}")).json())["outcome"] is not None and shown,
    )
    return now["state"], now["outcome"]["sentence"]


def test_a_running_job_is_canceled_by_its_user_alone(desk: Desk, invite: Callable[[str], Person]) -> None:
    other = invite("bystander")
    with writes_that_wait() as go_on:
        job = started(desk, desk.owner)
        assert other.ask("DELETE", desk.path(f"jobs/{job}")).status_code == 404
        assert desk.owner.ask("DELETE", desk.path(f"jobs/{job}"), csrf=False).status_code == 403
        assert desk.owner.ask("DELETE", desk.path(f"jobs/{job}")).json()["outcome"] is None
        go_on()
        assert ended(desk, desk.owner, job) == ("cancelled", CANCELED)


def test_a_running_job_is_canceled_through_the_actions_api(desk: Desk) -> None:
    server = desk.project.server
    address = f"{server.url}/v1/projects/{desk.project.id}"
    headers = {"X-Labelscape-Secret": server.settings["secret"]}
    with writes_that_wait() as go_on:
        job = started(desk, desk.owner)
        answer = requests.delete(f"{address}/jobs/{job}", headers=headers, timeout=120)
        assert (answer.status_code, answer.json()["state"]) == (200, "running")
        go_on()
        assert ended(desk, desk.owner, job) == ("cancelled", CANCELED)
    again = requests.delete(f"{address}/jobs/{job}", headers=headers, timeout=120)
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


def test_a_running_job_is_canceled_in_its_dialog(desk: Desk, page: Any, tmp_path: Any) -> None:
    open_tasks(desk, desk.owner, page)
    dialog = open_dialog(page, "Rank Outliers", row=0)
    dialog.get_by_test_id("labelscape-preview").wait_for()
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        if route.request.method != "DELETE" or refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=500, body="<h1>Server Error (500)</h1>")

    page.route("**/jobs/*", refuse_once)
    with writes_that_wait() as go_on:
        dialog.get_by_role("button", name="Rank Outliers").click()
        dialog.get_by_test_id("labelscape-progress").wait_for()
        dialog.get_by_role("button", name="Cancel").click()
        with page.expect_response(lambda answer: answer.request.method == "DELETE" and answer.ok):
            dialog.get_by_role("button", name="Canceling…").wait_for()
        page.screenshot(path=tmp_path / "canceling.png")
        go_on()
        dialog.get_by_test_id("labelscape-outcome").get_by_text(CANCELED).wait_for()
    assert refused, "Label Studio refused the first request"
    page.screenshot(path=tmp_path / "canceled.png")
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="detached")
