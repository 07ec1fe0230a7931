"""From a confusion to a segment, to relabeled data, to the segment compared on new predictions: in the real App."""

import re
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

from ...axe import axe_faults, load_axe
from .test_in_the_app import scenes, shot, shots

__all__ = ["scenes", "shots"]  # fixtures
WAIT = 120_000


@pytest.mark.slow
def test_a_segment_of_a_confusion_is_compared_after_relabeling_and_on_newer_predictions(
    scenes: tuple[Any, Any], app: Any, page: Any, shots: Path | None
) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=WAIT)
    dataset, faults = scenes
    page.set_viewport_size({"width": 1600, "height": 1000})
    page.goto(app.address(dataset.name, workspace=dataset.name))
    panel = page.locator(".lm-root")
    dialog = panel.get_by_role("dialog")
    expect(panel.get_by_text("60 samples")).to_be_visible()
    panel.get_by_label("IoU", exact=True).fill("0.1")
    panel.get_by_label("Confidence", exact=True).fill("0.8")
    panel.get_by_role("button", name="Confusions").click()
    size = len(faults.wrong)
    expect(panel.get_by_text(f"{size} of {size} chosen")).to_be_visible()
    panel.get_by_role("button", name="Add to segment").click()
    dialog.get_by_label("Name").fill("Wrong digits")
    dialog.get_by_role("button", name="Create").click()
    expect(panel.get_by_text(f"Added {size} objects")).to_be_visible()

    relabel(dataset, faults.wrong[1:])
    compare(panel, dialog)
    expect(dialog.get_by_text("1 stayed")).to_be_visible()
    expect(dialog.get_by_text(f"{size - 1} no longer match")).to_be_visible()
    expect(dialog.get_by_text("0 new")).to_be_visible()
    rows = dialog.get_by_role("row")
    assert [members_of(rows.nth(1)), members_of(rows.nth(2))] == [size, 1]
    assert f1_of(rows.nth(1)) < f1_of(rows.nth(2))
    load_axe(page)
    assert axe_faults(page, ".lm-root", "compared") == []
    shot(page, shots, "segment-compared")
    dialog.get_by_role("button", name="Show the members that no longer match").click()
    expect(page.get_by_text(f"{size - 1} patches")).to_be_visible()
    dialog.get_by_role("button", name="Close", exact=True).click()

    write_newer_predictions(dataset)
    page.reload()
    expect(panel.get_by_text("60 samples")).to_be_visible()
    compare(panel, dialog, predictions="newer", name="Wrong digits, newer model")
    expect(dialog.get_by_role("row")).to_have_count(4)
    expect(dialog.get_by_role("img", name=re.compile("F1 over time: .*, .*, "))).to_be_visible()
    dialog.get_by_role("button", name="Close", exact=True).click()
    row = panel.get_by_role("listitem").filter(has_text="Wrong digits, newer model")
    row.get_by_text("Compared over time").click()
    expect(row.get_by_role("img", name=re.compile("Members over time: .*, .*, "))).to_be_visible()
    shot(page, shots, "segment-over-time")
    load_axe(page)
    assert axe_faults(page, ".lm-root", "over time") == []


def compare(panel: Any, dialog: Any, *, predictions: str = "", name: str = "") -> None:
    panel.get_by_role("tab", name="Segments").click()
    panel.get_by_role("button", name="More", exact=True).first.click()
    panel.page.get_by_role("menuitem", name="Rebuild").click()
    if predictions:
        dialog.get_by_role("combobox", name="Predictions").click()
        panel.page.get_by_role("option", name=predictions, exact=True).click()
        dialog.get_by_label("Save as").fill(name)
    dialog.get_by_role("button", name=re.compile("ompare$")).click()


def members_of(row: Any) -> int:
    return int(row.get_by_role("cell").nth(2).inner_text())


def f1_of(row: Any) -> float:
    return float(row.get_by_role("cell").nth(5).inner_text())


def labels_of(dataset: Any) -> Any:
    """The documents of the samples; FiftyOne's own reads do not run beside Playwright's event loop."""
    return dataset._sample_collection


def relabel(dataset: Any, wrong: list[str]) -> None:
    """Give wrong labels the class that the confident prediction at the same place has, as an annotator does."""
    for sample in labels_of(dataset).find():
        for label in sample["ground_truth"]["detections"]:
            if str(label["_id"]) in wrong:
                label["label"] = nearest(label, sample["predictions"]["detections"])["label"]
        labels_of(dataset).update_one({"_id": sample["_id"]}, {"$set": {"ground_truth": sample["ground_truth"]}})


def nearest(label: Any, predictions: Any) -> Any:
    def distance(one: Any) -> float:
        sides = zip(one["bounding_box"], label["bounding_box"], strict=True)
        return sum(abs(a - b) for a, b in sides)

    return min(predictions, key=distance)


def write_newer_predictions(dataset: Any) -> None:
    """A newer model: it finds the same with more confidence."""
    dataset.add_sample_field("newer", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    for sample in labels_of(dataset).find():
        guesses = sample["predictions"]["detections"]
        surer = [{**one, "tags": [], "confidence": min(one["confidence"] + 0.2, 1.0)} for one in guesses]
        newer = {**sample["predictions"], "detections": surer}
        labels_of(dataset).update_one({"_id": sample["_id"]}, {"$set": {"newer": newer}})
