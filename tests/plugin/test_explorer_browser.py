"""The data explorer in the real App, in a browser: find, see in the grid, label, save, undo."""

from typing import Any

import pytest


@pytest.fixture
def opened(mapped_digits: Any) -> Any:
    """`mapped_digits` with a workspace in which the explorer stands beside the samples."""
    import fiftyone as fo

    panels = [fo.Panel(type="Samples", pinned=True), fo.Panel(type="data_explorer")]
    halves = [fo.Space(children=[panel], active_child=panel.component_id) for panel in panels]
    space = fo.Space(children=halves, orientation="horizontal", sizes=[0.35, 0.65])
    mapped_digits.save_workspace(mapped_digits.name, space)
    return mapped_digits


@pytest.mark.slow
def test_a_person_finds_labels_saves_and_undoes(opened: Any, app: Any, page: Any) -> None:
    from playwright.sync_api import expect

    name = opened.name
    page.goto(app.address(name, workspace=name))
    panel = page.get_by_label("Labelscape data explorer")
    expect(panel).to_be_visible(timeout=90_000)
    scatter = panel.locator("[aria-label*='120 ']").first
    expect(scatter).to_be_visible(timeout=30_000)

    search = panel.get_by_label("Search the map")
    search.fill("digit-0111")
    search.press("Enter")
    expect(page.get_by_text("1 sample", exact=True)).to_be_visible(timeout=30_000)

    panel.focus()
    page.keyboard.press("l")
    dialog = panel.get_by_role("dialog")
    dialog.get_by_label("Label", exact=True).fill("found")
    page.keyboard.press("Enter")
    expect(panel.get_by_label("Pending changes").get_by_text("1 label")).to_be_visible(timeout=30_000)
    assert label_of(opened, 111) is None

    panel.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(panel.get_by_label("Pending changes")).to_be_hidden(timeout=30_000)
    assert label_of(opened, 111) == "found"

    page.keyboard.press("u")
    expect(panel.get_by_text("Took back: save of 1 change.")).to_be_visible(timeout=30_000)
    assert label_of(opened, 111) is None


def label_of(dataset: Any, row: int) -> str | None:
    """The label in the database; FiftyOne's own reads do not run beside Playwright's event loop."""
    document = list(dataset._sample_collection.find({}, {"ground_truth": 1}))[row]
    return (document.get("ground_truth") or {}).get("label")
