"""Labels are safe in the real App: nothing is labeled by accident, written back, or cleared without confirmation."""

import re
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ...conftest import give_map
from ...shown import Shown, beside_samples

pytestmark = pytest.mark.slow
BOXES = [[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 0.5, 0.5]]
VIEW = "parts"


def test_nothing_is_labeled_by_a_pointer_that_rests_on_a_class(shown: Shown) -> None:
    from playwright.sync_api import expect

    page, panel = shown.page, shown.panel
    shown.open()
    shown.find("digit-0111")
    page.keyboard.press("l")
    dialog = panel.get_by_role("dialog")
    option = dialog.get_by_role("option", name="4", exact=True)
    box = option.bounding_box()
    page.keyboard.press("Escape")
    shown.gone(dialog)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)

    page.keyboard.press("l")
    shown.sees(option)
    page.wait_for_timeout(500)  # browsers tell a resting pointer late that something came to lie under it
    expect(dialog.get_by_role("option", selected=True)).to_have_count(0)
    page.keyboard.press("Enter")
    page.wait_for_timeout(1_000)
    shown.sees(dialog)
    expect(panel.get_by_label("Pending changes")).to_have_count(0)
    shown.both_shots("label-picker-resting")

    page.mouse.move(x + 3, y)
    expect(option).to_have_attribute("aria-selected", "true")
    page.mouse.click(x + 3, y)
    shown.pending_says("1 label pending")
    panel.get_by_role("button", name="Review", exact=True).click()
    shown.sees(panel.get_by_role("dialog").get_by_text("digit-0111.png"))
    assert shown.labels()[111] is None


def test_undo_lists_the_last_actions_by_name_and_undoes_through_one(shown: Shown) -> None:
    from playwright.sync_api import expect

    page, panel = shown.page, shown.panel
    shown.open()
    for file, act in (("digit-0111", "first"), ("digit-0112", "second"), ("digit-0113", None)):
        shown.find(file)
        if act is None:
            page.keyboard.press("d")
        else:
            shown.label(act)
    shown.pending_says("2 labels and 1 deletion pending")

    panel.get_by_role("button", name="Undo: delete 1 sample").click()
    entries = page.get_by_role("menuitem")
    names = ["Delete 1 sample", "Label 1 sample “second”", "Label 1 sample “first”"]
    expect(entries.locator(".ls-menu-name")).to_have_text(names)
    shown.both_shots("undo-menu")
    entries.filter(has_text="“second”").click()
    shown.sees(panel.get_by_text("Undid: delete 1 sample; label 1 sample “second”."))
    shown.pending_says("1 label pending")

    panel.get_by_role("button", name="Discard", exact=True).click()
    panel.get_by_role("dialog").get_by_role("button", name="Discard", exact=True).click()
    expect(panel.get_by_label("Pending changes")).to_have_count(0)
    shown.choose("Undo: discard of 1 change", "Discard of 1 change")
    shown.pending_says("1 label pending")
    assert shown.labels()[111] is None


def test_clear_explorer_removes_what_is_ticked_and_no_label(shown: Shown) -> None:
    from playwright.sync_api import expect

    panel, before = shown.panel, shown.labels()
    shown.open()
    shown.choose("Actions", "Clear explorer…")
    dialog = panel.get_by_role("dialog", name="Clear explorer")
    boxes = dialog.get_by_role("checkbox")
    shown.sees(dialog.get_by_role("checkbox", name=re.compile("Map “round” 120 points")))
    shown.sees(dialog.get_by_role("checkbox", name=re.compile("Embeddings “pixels” 120 vectors")))
    assert not any(boxes.nth(place).is_checked() for place in range(boxes.count()))
    expect(dialog.get_by_role("button", name="Clear 0 items")).to_be_disabled()
    dialog.get_by_role("checkbox", name=re.compile("Map “round”")).check()
    shown.both_shots("clear-explorer")
    dialog.get_by_role("button", name="Clear 1 item").click()
    shown.gone(dialog)
    panel.get_by_role("combobox", name="Map", exact=True).click()
    expect(shown.page.get_by_role("option", name=re.compile("^flat"))).to_be_visible()
    expect(shown.page.get_by_role("option", name=re.compile("^round"))).to_have_count(0)
    assert shown.labels() == before


@pytest.fixture
def objects(make_digits_dataset: Callable[..., Any], app: Any, request: pytest.FixtureRequest) -> Shown:
    """The App on a saved view of patches: 20 samples with two objects each, labeled "loop"."""
    import fiftyone as fo

    dataset = make_digits_dataset(20, labeled=0)
    dataset.delete_sample_field("ground_truth")
    for sample in dataset.iter_samples(autosave=True):
        sample["parts"] = fo.Detections(detections=[fo.Detection(bounding_box=box, label="loop") for box in BOXES])
    give_map(dataset, np.asarray(load_digits().data[:40], np.float32), "parts")
    dataset.save_view(VIEW, dataset.to_patches("parts"))
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    address = f"{app.address(dataset.name, workspace=dataset.name)}&view={VIEW}"
    return Shown(page, address, dataset, "40 objects")


def object_labels(dataset: Any) -> list[str]:
    stored = dataset._sample_collection.find({}, {"parts.detections.label": 1}).sort("_id", 1)
    return [box["label"] for document in stored for box in document["parts"]["detections"]]


def edit_patch(name: str, item: str) -> None:
    """What FiftyOne itself does where a patch is edited in the view: its whole label goes back to the dataset."""
    import fiftyone as fo

    patch = fo.load_dataset(name).load_saved_view(VIEW)[item]
    patch["parts"]["confidence"] = 0.5
    patch.save()


def test_a_view_of_patches_shows_what_was_saved_and_never_writes_the_old_label_back(objects: Shown) -> None:
    shown, page, panel = objects, objects.page, objects.panel
    items = [
        str(box["_id"])
        for document in shown.dataset._sample_collection.find({}).sort("_id", 1)
        for box in document["parts"]["detections"]
    ]
    shown.open()
    shown.grid_says("40 patches")
    shown.find(items[4])
    shown.label("stem")
    shown.pending_says("1 label pending")
    page.keyboard.press("Escape")  # its neighbors keep what they have
    page.keyboard.press("s")
    shown.gone(panel.get_by_label("Pending changes"))
    assert object_labels(shown.dataset)[4] == "stem"
    for _ in range(3):
        page.keyboard.press("Escape")
    shown.grid_says("40 patches")
    shown.counts_in_sidebar("parts", {"loop": 39, "stem": 1})
    shown.both_shots("patches-saved")

    # FiftyOne's own calls do not run beside Playwright's event loop.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(edit_patch, shown.dataset.name, items[4]).result()
    assert object_labels(shown.dataset)[4] == "stem"

    shown.find(items[5])
    shown.label("bow")
    shown.pending_says("1 label pending")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    shown.gone(panel.get_by_label("Pending changes"))
    assert object_labels(shown.dataset)[3:7] == ["loop", "stem", "bow", "loop"]


@pytest.fixture
def frames(tmp_path: Path, app: Any, request: pytest.FixtureRequest) -> Iterator[Shown]:
    """The App on a saved view of frames: four videos with five frames each, labeled "loop"."""
    import fiftyone as fo
    from labelscape.cli.digits import write_digits

    paths, _ = write_digits(tmp_path, count=20)
    dataset = fo.Dataset(f"frames-{uuid.uuid4().hex[:8]}", persistent=True)
    for number in range(4):
        video = fo.Sample(filepath=str(tmp_path / f"{number}.mp4"))
        for frame in range(5):
            kind = fo.Classification(label="loop")
            video.frames[frame + 1] = fo.Frame(filepath=str(paths[number * 5 + frame]), kind=kind)
        dataset.add_sample(video)
    give_map(dataset, np.asarray(load_digits().data[:20], np.float32), "frames")
    dataset.save_view(VIEW, dataset.to_frames())
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    address = f"{app.address(dataset.name, workspace=dataset.name)}&view={VIEW}"
    yield Shown(page, address, dataset, "20 frames")
    dataset.delete()


def stored_frames(dataset: Any) -> list[dict[str, Any]]:
    """The frames as MongoDB has them; FiftyOne's own calls do not run beside Playwright's event loop."""
    from labelscape.ml_backend.store.items import stored_path

    collection, _ = stored_path(dataset, "frames.kind")
    return list(collection.find({}).sort("_id", 1))


def frame_labels(dataset: Any) -> list[str]:
    return [frame["kind"]["label"] for frame in stored_frames(dataset)]


def edit_frame(name: str, item: str) -> None:
    """What FiftyOne itself does where a frame is edited in the view: its whole label goes back to the dataset."""
    import fiftyone as fo

    frame = fo.load_dataset(name).load_saved_view(VIEW)[item]
    frame["kind"]["confidence"] = 0.5
    frame.save()


def test_a_view_of_frames_shows_what_was_saved_and_never_writes_the_old_label_back(frames: Shown) -> None:
    shown, page, panel = frames, frames.page, frames.panel
    items = [str(frame["_id"]) for frame in stored_frames(shown.dataset)]
    shown.open()
    shown.grid_says("20 frames")
    shown.find(items[4])
    page.keyboard.press("l")
    question = panel.get_by_role("dialog", name="Write labels to “frames.kind”?")
    shown.sees(question)  # nothing tells whether a person or a model set the labels in it
    shown.both_shots("unclear-label-field")
    question.get_by_role("button", name="Write to “frames.kind”").click()
    shown.sees(panel.get_by_role("dialog", name="Label 1 frame"))
    page.keyboard.press("Escape")
    shown.label("stem")
    shown.pending_says("1 label pending")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    shown.gone(panel.get_by_label("Pending changes"))
    assert frame_labels(shown.dataset)[3:6] == ["loop", "stem", "loop"]
    for _ in range(3):
        page.keyboard.press("Escape")
    shown.counts_in_sidebar("kind", {"loop": 19, "stem": 1})
    shown.both_shots("frames-saved")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(edit_frame, shown.dataset.name, items[4]).result()
    assert frame_labels(shown.dataset)[3:6] == ["loop", "stem", "loop"]
