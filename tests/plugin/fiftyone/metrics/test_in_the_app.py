"""The model metrics panel in the real App: from a confusion to a segment, with real digits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...axe import axe_faults, load_axe

PANEL = "model_metrics"


@pytest.fixture
def scenes(make_digits_dataset: Callable[..., Any], tmp_path: Path) -> tuple[Any, Any]:
    """60 pictures of digits with known faults, beside the panel in a workspace of their own."""
    import fiftyone as fo
    from labelscape.cli.scenes import add_scenes

    dataset = make_digits_dataset(1)
    dataset.clear()
    dataset.delete_sample_field("ground_truth")
    faults = add_scenes(dataset, tmp_path / "scenes", count=60)
    panels = [fo.Panel(type="Samples", pinned=True), fo.Panel(type=PANEL)]
    halves = [fo.Space(children=[panel], active_child=panel.component_id) for panel in panels]
    space = fo.Space(children=halves, orientation="horizontal", sizes=[0.35, 0.65])
    dataset.save_workspace(dataset.name, space)
    return dataset, faults


@pytest.mark.slow
def test_the_walk_from_false_positives_and_confusions_to_segments(
    scenes: tuple[Any, Any], app: Any, page: Any, shots: Path | None
) -> None:
    from playwright.sync_api import expect

    dataset, faults = scenes
    page.set_viewport_size({"width": 1600, "height": 1000})
    page.goto(app.address(dataset.name, workspace=dataset.name))
    panel = page.locator(".lm-root")
    expect(panel.get_by_text("60 samples")).to_be_visible(timeout=90_000)
    shot(page, shots, "model-metrics")

    panel.get_by_label("IoU", exact=True).fill("0.1")
    panel.get_by_label("Confidence", exact=True).fill("0.8")
    panel.get_by_role("button", name="False positives").click()
    cards = panel.locator(".lm-results li")
    expect(cards).to_have_count(len(faults.unlabeled), timeout=30_000)
    expect(panel.get_by_text(f"{len(faults.unlabeled)} of {len(faults.unlabeled)} chosen")).to_be_visible()
    expect(cards.first.locator("svg rect").first).to_be_visible(timeout=30_000)
    shot(page, shots, "model-metrics-unlabeled")

    panel.get_by_role("button", name="Confusions").click()
    expect(cards).to_have_count(len(faults.wrong), timeout=30_000)
    shot(page, shots, "model-metrics-wrong-labels")
    cards.first.get_by_role("checkbox").uncheck()
    expect(panel.get_by_text(f"{len(faults.wrong) - 1} of {len(faults.wrong)} chosen")).to_be_visible()
    panel.get_by_role("button", name="All", exact=True).click()

    panel.get_by_role("button", name="Add to segment").click()
    dialog = panel.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Wrong digits")
    dialog.get_by_label("Note").fill("For relabeling")
    shot(page, shots, "segment-new")
    load_axe(page)
    assert axe_faults(page, ".lm-root", "new segment") == []
    dialog.get_by_role("button", name="Create").click()
    expect(panel.get_by_text(f"Added {len(faults.wrong)} objects")).to_be_visible(timeout=30_000)
    dataset.reload()
    assert dataset.count_label_tags() == {"segment:wrong-digits": len(faults.wrong)}

    panel.get_by_role("tab", name="Segments").click()
    expect(panel.get_by_text("confusions of 'predictions'")).to_be_visible()
    panel.get_by_role("button", name="Open").click()
    expect(page.get_by_text(f"{len(faults.wrong)} patches")).to_be_visible(timeout=60_000)
    shot(page, shots, "segments")

    def choose(entry: str) -> None:
        panel.get_by_role("button", name="More", exact=True).click()
        page.get_by_role("menuitem", name=entry).click()

    choose("Export")
    with page.expect_download() as downloading:
        panel.get_by_role("dialog").get_by_role("button", name="Download").click()
    table = Path(downloading.value.path()).read_text()
    assert len(table.splitlines()) == len(faults.wrong) + 1
    assert axe_faults(page, ".lm-root", "segments") == []
    for name in ("Edit", "Merge", "Rebuild"):
        choose(name)
        expect(dialog).to_be_visible()
        assert axe_faults(page, ".lm-root", name) == []
        dialog.get_by_role("button", name="Close", exact=True).click()

    choose("Delete")
    panel.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(panel.get_by_text("Deleted the segment “Wrong digits”")).to_be_visible(timeout=30_000)
    dataset.reload()
    assert dataset.count_label_tags() == {}
    assert set(faults.wrong) <= set(dataset.values("ground_truth.detections.id", unwind=True))


@pytest.mark.slow
def test_a_cell_is_chosen_with_the_keyboard_and_shown_in_the_grid(scenes: tuple[Any, Any], app: Any, page: Any) -> None:
    from playwright.sync_api import expect

    dataset, _ = scenes
    page.goto(app.address(dataset.name, workspace=dataset.name))
    panel = page.locator(".lm-root")
    expect(panel.get_by_text("60 samples")).to_be_visible(timeout=90_000)
    matrix = panel.get_by_role("grid")
    load_axe(page)
    assert axe_faults(page, ".lm-root", "matrix") == []
    assert ink_of_names(page) > 200
    page.get_by_role("button", name="Light mode").click()
    expect(page.locator(".lm-root.ls-light")).to_be_visible()
    page.wait_for_function("() => 0 <= (__ink__) && (__ink__) < 90".replace("__ink__", INK))
    assert axe_faults(page, ".lm-root", "light matrix") == []
    matrix.focus()
    for _ in range(2):  # the first press lands on the corner, which counts nothing
        matrix.press("ArrowDown")
    matrix.press("Enter")
    told = panel.locator(".lm-told")
    expect(told).to_contain_text("label")
    count = int((told.text_content() or "").split(" ×")[0].replace(",", ""))
    expect(panel.get_by_text(f"{count} of {count} chosen")).to_be_visible(timeout=30_000)
    panel.get_by_role("button", name="Send to Label Studio").click()
    form = page.get_by_role("dialog").filter(has_text="Labelscape: send to Label Studio")
    expect(form.get_by_text("labelscape connect")).to_be_visible(timeout=30_000)
    form.get_by_role("button", name="Cancel").click()
    panel.get_by_role("button", name="Show in grid").click()
    expect(page.get_by_text(f"{count} patches")).to_be_visible(timeout=60_000)
    panel.get_by_role("button", name="Whole dataset").click()
    expect(page.get_by_text("60 samples", exact=True)).to_be_visible(timeout=60_000)


@pytest.mark.slow
def test_the_panel_opens_at_the_confidence_with_the_best_f1(scenes: tuple[Any, Any], app: Any, page: Any) -> None:
    from playwright.sync_api import expect

    dataset, _ = scenes
    page.goto(app.address(dataset.name, workspace=dataset.name))
    panel = page.locator(".lm-root")
    expect(panel.get_by_text("60 samples")).to_be_visible(timeout=90_000)
    confidence = panel.get_by_label("Confidence", exact=True)
    f1 = panel.get_by_role("row").filter(has_text="all, weighted").get_by_role("cell").nth(3)
    shown = f1.inner_text()
    opened, best = float(confidence.input_value()), float(shown)
    assert opened > 0
    for other in (0, (1 + opened) / 2):
        confidence.fill(f"{other:.2f}")
        expect(f1).not_to_have_text(shown)
        shown = f1.inner_text()
        assert float(shown) < best
    panel.get_by_role("button", name="Confusions").click()
    expect(panel.get_by_role("combobox", name="Order", exact=True)).to_have_attribute("title", "Order: by confusion")


# The mean brightness of the names on the matrix, 0..255; -1 where none is drawn.
INK = """(() => {
    const canvas = document.querySelector(".lm-matrix-box canvas");
    const head = canvas.getContext("2d").getImageData(0, 0, canvas.width, 60 * devicePixelRatio).data;
    let [sum, count] = [0, 0];
    for (let at = 0; at < head.length; at += 4)
        if (head[at + 3] > 200) [sum, count] = [sum + (head[at] + head[at + 1] + head[at + 2]) / 3, count + 1];
    return count ? sum / count : -1;
})()"""


def ink_of_names(page: Any) -> float:
    return float(page.evaluate(INK))


@pytest.mark.slow
def test_a_dataset_without_predictions_says_what_is_missing(
    make_digits_dataset: Callable[..., Any], app: Any, page: Any
) -> None:
    import fiftyone as fo
    from playwright.sync_api import expect

    dataset = make_digits_dataset(5)
    panel = fo.Panel(type=PANEL)
    dataset.save_workspace(dataset.name, fo.Space(children=[panel], active_child=panel.component_id))
    page.goto(app.address(dataset.name, workspace=dataset.name))
    shown = page.locator(".lm-root")
    expect(shown.get_by_text("this dataset has no such pair")).to_be_visible(timeout=90_000)
    expect(shown.get_by_text("Choose a cell")).to_have_count(0)  # there is no matrix


@pytest.fixture
def shots() -> Path | None:
    """Where the screenshots for the documentation go: set LABELSCAPE_SHOTS to retake them."""
    import os

    folder = os.environ.get("LABELSCAPE_SHOTS")
    return Path(folder) if folder else None


def shot(page: Any, folder: Path | None, name: str) -> None:
    if folder is not None:
        page.wait_for_timeout(600)
        page.screenshot(path=folder / f"{name}.png")
