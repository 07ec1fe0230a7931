"""A campaign in the App: batches go to a real Label Studio, labels come back, and the form says when to stop."""

from collections.abc import Iterator
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.settings import ServerSettings, save_settings
from labelscape.testing.label_studio import LabelStudioServer

from .test_search_in_the_app import open_entry

pytestmark = pytest.mark.slow
WAIT = 120_000


@pytest.fixture
def connected(label_studio: LabelStudioServer) -> Iterator[LabelStudioServer]:
    """A real Label Studio that the App is connected to."""
    label_studio.ensure_running()
    path = save_settings(ServerSettings(url=label_studio.url, token=label_studio.token, secret="of-this-test"))
    yield label_studio
    path.unlink()


@pytest.fixture
def dataset(make_digits_dataset: Any) -> Any:
    """120 digits, 40 of them labeled, and a segment of three zeros."""
    from labelscape.ml_backend.actions.embed import compute_embeddings
    from labelscape.ml_backend.actions.segments import create_segment

    dataset = make_digits_dataset(120, labeled=40)
    compute_embeddings(dataset, key="emb")
    zeros = [one for one, digit in zip(*dataset[:40].values(["id", "true_digit"]), strict=True) if digit == "0"]
    create_segment(dataset, zeros[:3], name="Zeros", kind="collection campaign")
    return dataset


def test_a_campaign_goes_on_while_batches_bring_its_label_and_then_stops(
    connected: LabelStudioServer, dataset: Any, app: Any, page: Any
) -> None:
    page.goto(app.address(dataset.name))
    sees(page.locator("[data-cy='looker']").first)
    form = open_entry(page, "next batch")
    sees(form.get_by_text("The first of them"))
    take_and_send(page, form, "Batch 1: 50 samples of 80 unlabeled", 50)
    annotate(connected, dataset.name, zeros=30)
    pull(page, 50)

    form = open_entry(page, "next batch")
    sees(form.get_by_text("Batch 1: 50 of 50 are labeled, 30 of them with a target label (60%)"))
    sees(form.get_by_text("Another batch is worthwhile"))
    take_and_send(page, form, "Batch 2: 30 samples of 30 unlabeled", 30)
    annotate(connected, dataset.name, zeros=0)
    pull(page, 80)

    form = open_entry(page, "next batch")
    sees(form.get_by_text("Batch 2: 30 of 30 are labeled, 0 of them with a target label (0%)"))
    sees(form.get_by_text("Stop here"))


def sees(locator: Any) -> None:
    from playwright.sync_api import expect

    expect(locator).to_be_visible(timeout=WAIT)


def execute(page: Any, form: Any) -> None:
    """Press the button of a form that is at rest.

    The App (1.22) resolves a form again when it opens. Meanwhile it loses a click, or shows the form over the result.
    """
    page.wait_for_timeout(3_000)
    form.get_by_role("button", name="Execute").click()


def take_and_send(page: Any, form: Any, words: str, size: int) -> None:
    """Take the batch, and send it to Label Studio with the button of the closing message."""
    execute(page, form)
    closing = page.get_by_role("dialog").filter(has_text=words)
    sees(closing)
    closing.get_by_role("button", name="Send it to Label Studio").click()
    form = page.get_by_role("dialog").filter(has_text="Labelscape: send to Label Studio")
    sees(form.get_by_text(f"{size} samples to send."))
    execute(page, form)
    sees(page.get_by_text(f"Sent {size} samples"))
    page.keyboard.press("Escape")


def pull(page: Any, annotated: int) -> None:
    form = open_entry(page, "pull from Label Studio")
    sees(form.get_by_text(f"{annotated} of {annotated} tasks of the project are annotated"))
    execute(page, form)
    sees(page.get_by_text(f"{annotated} of {annotated} tasks are annotated").first)
    page.keyboard.press("Escape")


def annotate(studio: LabelStudioServer, title: str, *, zeros: int) -> None:
    """Annotate all open tasks as an annotator does: the first as zeros, all others as nines."""
    projects = studio.ask("GET", "projects/", params={"page_size": 100})["results"]
    project = next(one["id"] for one in projects if one["title"].startswith(title))
    config = studio.ask("GET", f"projects/{project}/")["parsed_label_config"]
    (name, control), *_ = config.items()
    query = {"project": project, "page_size": 1000, "fields": "task_only", "include": "id,total_annotations"}
    tasks = [task["id"] for task in studio.ask("GET", "tasks", params=query)["tasks"] if not task["total_annotations"]]
    assert len(tasks) >= 30, tasks
    for place, task in enumerate(tasks):
        chosen = {"choices": ["0" if place < zeros else "9"]}
        item = {"from_name": name, "to_name": control["to_name"][0], "type": "choices", "value": chosen}
        studio.ask("POST", f"tasks/{task}/annotations/", json={"result": [item]})
