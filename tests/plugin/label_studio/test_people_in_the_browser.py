"""People in browsers of their own: an annotator beside the owner, one who lost access, and a backend that is down."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import fiftyone as fo
import pytest
from labelscape.cli.scenes import add_scenes
from labelscape.testing.label_studio import LabelscapeServer, LabelStudioServer

from ...ml_backend.server.projects import (
    CLASSES,
    Project,
    create_project,
    eventually,
    rectangles,
    scene_as_task,
)
from .browsing import open_dialog, open_tasks
from .conftest import Desk, Person

pytestmark = pytest.mark.slow


def test_an_annotator_and_the_owner_label_neighbors_at_once(
    desk: Desk, page: Any, invite: Callable[[str], Person], tmp_path: Any
) -> None:
    before = desk.annotated()
    annotator = invite("colleague")
    other = page.context.browser.new_context().new_page()
    pages = [open_tasks(desk, desk.owner, page), open_tasks(desk, annotator, other)]
    listed = sorted(desk.project.digits)  # the first tasks are labeled: their labels spread
    dialogs = [open_dialog(one, "Label Neighbors", row=row) for row, one in enumerate(pages)]
    for dialog, task in zip(dialogs, listed, strict=False):
        dialog.locator("select[name=label]").select_option(desk.project.digits[task])
        dialog.get_by_label("Number of neighbors").fill("2")
        dialog.locator("select[name=as]").select_option("annotations")
        dialog.get_by_test_id("labelscape-preview").get_by_text("and 2 unlabeled neighbors").first.wait_for()
    for dialog in dialogs:
        dialog.get_by_role("button", name="Label Neighbors").click()
    for row, dialog in enumerate(dialogs):
        dialog.get_by_test_id("labelscape-outcome").get_by_text("annotations in place").wait_for()
        pages[row].screenshot(path=tmp_path / f"outcome-{row}.png")
    assert len(desk.annotated().keys() - before.keys()) == 4
    undone = [desk.run(person, "undo", [])["state"] for person in (annotator, desk.owner, annotator)]
    assert undone.count("done") == 2
    assert desk.annotated() == before
    other.context.close()


def test_a_dialog_survives_requests_that_label_studio_refuses_for_a_moment(desk: Desk, page: Any) -> None:
    """On SQLite, Label Studio answers some of many writers with status 500."""
    before = desk.annotated()
    open_tasks(desk, desk.owner, page)
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        request_body = route.request.post_data or "job"
        if request_body in refused:
            route.continue_()
        else:
            refused.append(request_body)
            route.fulfill(status=500, body="<h1>Server Error (500)</h1>")

    started: list[str] = []

    def lose_the_answer_once(route: Any) -> None:
        job = route.fetch().json()
        if started:  # as if it were answered before the job was done, so that the dialog asks for its progress
            route.fulfill(json=job | {"state": "running", "outcome": None})
        else:
            started.append(job["id"])
            route.abort()

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/actions/label_neighbors/preview", refuse_once)
    page.route("**/actions/label_neighbors", lose_the_answer_once)
    page.route("**/labelscape/api/projects/*/jobs/*", refuse_once)
    dialog = open_dialog(page, "Label Neighbors", row=0)
    dialog.locator("select[name=label]").select_option(desk.project.digits[min(desk.project.digits)])
    dialog.get_by_label("Number of neighbors").fill("2")
    dialog.locator("select[name=as]").select_option("annotations")
    dialog.get_by_test_id("labelscape-preview").get_by_text("and 2 unlabeled neighbors").first.wait_for()
    dialog.get_by_role("button", name="Label Neighbors").click()
    dialog.get_by_test_id("labelscape-outcome").get_by_text("3 annotations in place").wait_for()
    assert "job" in refused
    assert len(refused) > 1, "each preview, too"
    assert {url.rsplit("/", 1)[1] for url in asked if "/jobs/" in url} == set(started), "it started once"
    assert desk.run(desk.owner, "undo", [])["state"] == "done"
    assert desk.annotated() == before


def test_a_member_who_lost_access_is_told_and_changes_nothing(
    desk: Desk, page: Any, invite: Callable[[str], Person], tmp_path: Any
) -> None:
    before = desk.annotated()
    person = invite("former")
    open_tasks(desk, person, page)
    dialog = open_dialog(page, "Label Neighbors", row=0)
    dialog.get_by_test_id("labelscape-preview").get_by_text("1 task selected").first.wait_for()
    me = person.ask("GET", "api/current-user/whoami").json()
    gone = desk.owner.ask("DELETE", f"api/organizations/{me['active_organization']}/memberships/{me['id']}/")
    assert gone.status_code == 204
    dialog.get_by_role("button", name="Label Neighbors").click()
    refusal = page.get_by_role("alert").first
    refusal.wait_for()
    assert re.search("no longer (have access|logged in)", refusal.inner_text())
    page.screenshot(path=tmp_path / "lost-access.png")
    assert desk.annotated() == before
    answered: list[Any] = []
    page.on("response", lambda answer: answered.append(answer) if "/labelscape/api/" in answer.url else None)
    page.goto(f"{person.url}/projects/{desk.project.id}/data")
    page.get_by_text("You do not have permission to perform this action").first.wait_for()
    page.wait_for_timeout(2_000)  # our script, which the page has loaded, looks for its place every 250 ms
    assert page.get_by_role("button", name="Labelscape map").count() == 0
    assert not [answer.url for answer in answered if answer.ok], "our script learns nothing of the project either"
    page.screenshot(path=tmp_path / "no-access.png")


def test_while_the_backend_is_down_the_page_says_so_and_labeling_goes_on(desk: Desk, page: Any, tmp_path: Any) -> None:
    before = desk.annotated()
    open_tasks(desk, desk.owner, page)
    server = desk.project.server
    server.stop()
    try:
        dialog = open_dialog(page, "Label Neighbors", row=0)
        refusal = dialog.get_by_test_id("labelscape-refusal")
        refusal.get_by_text("The Labelscape backend cannot be reached").wait_for()
        assert dialog.get_by_role("button", name="Label Neighbors").is_disabled()
        page.screenshot(path=tmp_path / "down-dialog.png")
        task = desk.project.unlabeled()[0]
        page.goto(f"{desk.owner.url}/projects/{desk.project.id}/data?task={task}")
        page.get_by_role("button", name="Labelscape map").click()
        page.get_by_test_id("labelscape-panel").get_by_text("cannot be reached").first.wait_for()
        page.screenshot(path=tmp_path / "down-task.png")
        page.locator(".lsf-choice__checkbox", has_text=desk.project.digits[task]).first.click()
        page.get_by_role("button", name="Submit").click()
        eventually("the annotation", lambda: task in desk.annotated())
    finally:
        server.start()
    eventually("the label, once the backend is back", lambda: task in desk.project.labels())
    [annotation] = desk.project.task(task)["annotations"]
    desk.project.studio.ask("DELETE", f"annotations/{annotation['id']}/")
    assert desk.annotated() == before


@pytest.fixture
def scenes(app_studio: LabelStudioServer, app_backend: LabelscapeServer) -> Iterator[Project]:
    """Scenes of digits with a detector's boxes; in most of them, people gave each box its class."""
    made = fo.Dataset()
    add_scenes(made, app_studio.media / "scenes", count=24)
    rows = [scene_as_task(sample) for sample in made]
    made.delete()
    for row in rows[:16]:
        boxes = zip(row["predictions"][0]["result"], row["data"]["digits"], strict=True)
        result = [{**box, "value": {**box["value"], "rectanglelabels": [digit]}} for box, digit in boxes]
        row["annotations"] = [{"result": result}]
    project = Project(app_studio, app_backend, create_project(app_studio, rectangles(CLASSES), rows), {})
    assert project.connect().exit_code == 0
    eventually("predictions", lambda: len(project.predictions(unlabeled=True)) == 8)
    yield project
    app_backend.forget(project.id)


def test_the_panel_lists_regions_and_spreads_from_one_and_a_search_asks_which_are_meant(
    desk: Desk, scenes: Project, page: Any, tmp_path: Any
) -> None:
    here = Desk(scenes, desk.owner)
    task = min(scenes.data())
    eventually("a map", lambda: desk.owner.ask("GET", here.path("map")).ok)
    open_tasks(here, desk.owner, page)
    page.goto(f"{desk.owner.url}/projects/{scenes.id}/data?task={task}")
    page.get_by_role("button", name="Labelscape map").click()
    panel = page.get_by_test_id("labelscape-panel")
    regions = panel.get_by_role("list", name="Regions").get_by_role("button")
    regions.first.wait_for()
    digits = scenes.data()[task]["digits"]
    assert [one.strip() for one in regions.all_inner_texts()] == digits
    regions.last.click()
    panel.get_by_role("list", name="Neighbors").locator("li img").first.wait_for()
    panel.get_by_text("regions. Draw around points").wait_for()
    panel.get_by_role("button", name=f"Label neighbors “{digits[-1]}”").wait_for()
    page.screenshot(path=tmp_path / "regions.png")
    panel.get_by_role("button", name=f"Label neighbors “{digits[-1]}”").click()
    dialog = page.get_by_test_id("labelscape-dialog")
    dialog.get_by_label("Number of neighbors").fill("3")
    dialog.get_by_test_id("labelscape-preview").get_by_text("1 selected region and 3 unlabeled").wait_for()
    dialog.get_by_role("button", name="Label Neighbors").click()
    dialog.get_by_test_id("labelscape-outcome").get_by_text("Predicted").wait_for()
    page.screenshot(path=tmp_path / "regions-outcome.png")
    search_by_class(here, page, tmp_path)


def search_by_class(here: Desk, page: Any, tmp_path: Any) -> None:
    """In a project of regions, the dialog of a search asks which of the selected tasks' regions are meant."""
    open_tasks(here, here.owner, page)
    dialog = open_dialog(page, "Find Similar Tasks", row=0)
    digits = here.project.data()[min(here.project.data())]["digits"]
    dialog.get_by_label("Like their regions labeled").select_option(digits[0])
    number = digits.count(digits[0])
    dialog.get_by_test_id("labelscape-preview").get_by_text(f"by {number} positive region").wait_for()
    page.screenshot(path=tmp_path / "search-by-class.png")
    dialog.get_by_label("Number of regions").fill("5")
    dialog.get_by_role("button", name="Find Similar Tasks").click()
    dialog.get_by_test_id("labelscape-outcome").get_by_text("Found 5 similar regions in").wait_for()
