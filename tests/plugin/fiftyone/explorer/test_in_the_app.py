"""The data explorer in the real App, in a browser: what a person does in it, from viewing to saving and undoing."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from ...conftest import give_map, give_random_map
from ...shown import Shown, beside_samples, tick

pytestmark = pytest.mark.slow


def test_keys_work_as_soon_as_the_panel_is_open_and_not_while_one_types_elsewhere(shown: Shown) -> None:
    shown.open()
    shown.map_says("2D map of 120 samples, 0 selected")
    shown.page.keyboard.press("v")
    shown.map_says("2D map of 120 samples, 120 selected")
    shown.page.keyboard.press("Escape")
    shown.map_says("2D map of 120 samples, 0 selected")

    field = shown.page.get_by_placeholder("Search or type").or_(shown.page.locator("input[type=text]")).first
    field.click()
    shown.map.hover()
    shown.page.keyboard.press("v")
    shown.map_says("2D map of 120 samples, 0 selected")

    shown.page.locator("[data-cy=entry-counts]").click()
    shown.map.hover()
    shown.page.keyboard.press("v")
    shown.map_says("2D map of 120 samples, 120 selected")


def test_a_person_finds_labels_saves_and_undoes(shown: Shown) -> None:
    page, panel = shown.page, shown.panel
    shown.open()
    shown.find("digit-0111")
    shown.grid_says("1 sample")
    page.keyboard.press("l")
    panel.get_by_role("dialog").get_by_label("Label", exact=True).fill("found")
    page.keyboard.press("Enter")
    # What is pending shows again once the question about the neighbors is answered.
    shown.sees(panel.get_by_label("Label neighbors"))
    page.keyboard.press("Escape")
    shown.sees(panel.get_by_label("Pending changes").get_by_text("1 label"))
    assert shown.labels()[111] is None
    page.keyboard.press("s")
    shown.gone(panel.get_by_label("Pending changes"))
    assert shown.labels()[111] == "found"
    page.keyboard.press("u")
    shown.sees(panel.get_by_text("Undid: save of 1 change."))
    assert shown.labels()[111] is None

    shown.find("digit-0003")
    page.keyboard.press("d")
    shown.sees(panel.get_by_label("Pending changes").get_by_text("1 deletion"))
    page.keyboard.press("s")
    shown.gone(panel.get_by_label("Pending changes"))
    assert len(shown.documents()) == 119
    page.keyboard.press("u")
    for _ in range(100):
        if len(shown.documents()) == 120:
            break
        page.wait_for_timeout(100)
    assert shown.labels()[3] == str(load_digits().target[3])


def test_neighbors_follow_a_label_as_far_as_the_slider_says(shown: Shown) -> None:
    page, panel = shown.page, shown.panel
    truth = [str(digit) for digit in load_digits().target[:120]]
    shown.open()
    shown.find("digit-0070")
    shown.sees(panel.get_by_label("Legend and preview").get_by_text("digit-0070.png"))
    shown.shot("explorer-selection")
    page.keyboard.press("l")
    panel.get_by_role("dialog").get_by_label("Label", exact=True).fill(truth[70])
    page.keyboard.press("Enter")
    bar = panel.get_by_label("Label neighbors")
    shown.sees(bar)
    slider = bar.get_by_label("How far the label reaches")
    slider.press("ArrowRight")
    far = reached(bar)
    slider.press("ArrowLeft")
    assert reached(bar) == far - 1
    shown.grid_says(f"{far - 1} samples")  # who is reached, least certain first
    shown.shot("explorer-suggestions")
    tick(shown, 0)
    shown.sees(bar.get_by_role("button", name=f"Accept {far - 2}"))
    bar.get_by_role("list").get_by_role("button").nth(1).click()
    shown.sees(bar.get_by_role("button", name=f"Accept {far - 3}"))
    slider.focus()
    page.keyboard.press("Enter")
    count = far - 3 + 1
    shown.sees(panel.get_by_label("Pending changes").get_by_text(re.compile(rf"^{count} labels? pending")))
    panel.get_by_role("button", name="Review", exact=True).click()
    shown.sees(panel.get_by_role("dialog").get_by_text("digit-0070.png"))
    shown.shot("explorer-review")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    shown.gone(panel.get_by_label("Pending changes"))
    labels = shown.labels()
    assert labels[70] == truth[70]
    assert sum(label is not None for label in labels) == 40 + count


def test_the_keys_work_right_after_the_mouse_saved_undid_or_closed_something(shown: Shown) -> None:
    page, panel = shown.page, shown.panel
    shown.open()
    shown.find("digit-0003")

    def keys_work() -> None:
        page.keyboard.press("v")
        shown.map_says("2D map of 120 samples, 119 selected")
        page.keyboard.press("v")
        shown.map_says("2D map of 120 samples, 1 selected")

    pending = panel.get_by_label("Pending changes")
    page.keyboard.press("d")
    pending.get_by_role("button", name="Review").click()
    panel.get_by_role("dialog").get_by_role("button", name="Close", exact=True).click()
    keys_work()
    pending.get_by_role("button", name="Undo").click()
    shown.gone(pending)
    keys_work()
    page.keyboard.press("d")
    pending.get_by_role("button", name="Discard").click()
    panel.get_by_role("dialog").get_by_role("button", name="Discard").click()
    shown.gone(pending)
    keys_work()
    shown.label("three")
    panel.get_by_role("button", name="Skip").click()
    pending.get_by_role("button", name="Save").click()
    shown.gone(pending)
    keys_work()
    for entry in ("Keyboard shortcuts", "Generate explorer…"):
        shown.choose("Actions", entry)
        panel.get_by_role("dialog").get_by_role("button", name="Close", exact=True).click()
        shown.gone(panel.get_by_role("dialog"))
        keys_work()


def reached(bar: Any) -> int:
    return int(re.sub(r"\D", "", bar.get_by_role("button", name="Accept").inner_text()))


def test_what_is_lassoed_is_in_the_grid_colored_isolated_and_in_3d(shown: Shown) -> None:
    page, panel = shown.page, shown.panel
    x = PCA(2, random_state=0).fit_transform(np.asarray(load_digits().data[:120], np.float32))[:, 0]
    left = int((x < (x.min() + x.max()) / 2).sum())
    shown.open()
    shown.map_says("2D map of 120 samples, 0 selected")
    shown.pick("Color by", "true_digit")
    shown.sees(panel.get_by_label("Legend and preview").get_by_text("true_digit"))
    shown.lasso_left_half()
    shown.map_says(f"2D map of 120 samples, {left} selected")
    shown.grid_says(f"{left} samples")
    page.keyboard.press("i")
    shown.sees(panel.get_by_label("Selection").get_by_role("button", name="Show all"))
    shown.shot("explorer-isolated")
    shown.lasso_left_half()  # what remains fills the map now
    shown.map_says_fewer(left)
    page.keyboard.press("i")
    shown.lasso_left_half()
    shown.map_says(f"2D map of 120 samples, {left} selected")
    page.keyboard.press("Escape")
    shown.grid_says("120 samples")

    page.keyboard.press("3")
    shown.map_says("3D map of 120 samples, 0 selected")
    page.keyboard.press("o")
    shown.lasso_left_half()
    shown.sees(panel.get_by_test_id("labelscape-selected"))
    count = panel.get_by_test_id("labelscape-selected").inner_text().split()[0]
    assert 0 < int(count) < 120
    shown.grid_says(f"{count} samples")
    shown.shot("explorer-3d")
    page.keyboard.press("2")
    shown.map_says(f"2D map of 120 samples, {count} selected")
    shown.sees(panel.get_by_label("Legend and preview").get_by_text("true_digit"))
    shown.grid_says(f"{count} samples")
    page.keyboard.press("Escape")
    shown.grid_says("120 samples")

    assert "ls-dark" in panel.get_attribute("class")
    page.get_by_role("button", name="Light mode").click()
    shown.sees(page.locator(".ls-root.ls-light"))
    shown.map_says("2D map of 120 samples, 0 selected")
    shown.shot("explorer-light")


def test_what_a_filter_or_a_saved_view_leaves_out_is_faint_and_not_chosen(shown: Shown) -> None:
    page = shown.page
    digits = [str(digit) for digit in load_digits().target[:120]]
    shown.open()
    shown.pick("Color by", "true_digit")
    shown.chooses(120, 10)
    page.locator("[data-cy=sidebar-field-arrow-enabled-true_digit]").click()
    page.get_by_placeholder("+ filter by true_digit").fill("7")
    page.locator("[data-cy^=selector-results-container]").get_by_text("7", exact=True).click()
    shown.sees(page.locator("[data-cy=checkbox-7]"))
    shown.chooses(digits.count("7"), 1)
    shown.shot("explorer-filter")
    page.locator("[data-cy=checkbox-7]").click()
    shown.chooses(120, 10)
    page.locator("[data-cy=saved-views-selection]").click()
    page.get_by_text("Only threes", exact=True).click()
    shown.grid_says(f"{digits.count('3')} samples")
    shown.chooses(digits.count("3"), 1)
    assert shown.errors == []


def test_tabs_and_menus_stay_where_they_are_and_the_last_line_is_in_the_window(shown: Shown) -> None:
    page, panel = shown.page, shown.panel
    for size in ({"width": 1024, "height": 768}, {"width": 1600, "height": 900}):
        page.set_viewport_size(size)
        shown.open()
        shown.map_says("2D map of 120 samples, 0 selected")
        fixed = [panel.get_by_role("tab", name=name) for name in ("Map", "Review", "Functions")]
        fixed += [panel.get_by_role("button", name=name, exact=True) for name in ("View", "Nothing to undo", "Actions")]
        places = [one.bounding_box() for one in fixed]
        for one in fixed[:3]:
            one.click()
            assert [other.bounding_box() for other in fixed] == places
        centers = [place["y"] + place["height"] / 2 for place in places]
        assert max(centers) - min(centers) < 4  # one line
        edge = max(place["x"] + place["width"] for place in places)
        assert edge <= size["width"]
        panel.get_by_role("tab", name="Map").click()
        line = panel.locator(".ls-facts").bounding_box()
        assert line["y"] + line["height"] <= size["height"]
        if size["width"] == 1024:
            panel.get_by_role("button", name="Legend", exact=True).click()
        shown.sees(panel.get_by_label("Legend: ground_truth").get_by_text("unlabeled"))
        shown.shot(f"explorer-{size['width']}")
        if size["width"] == 1024:
            panel.get_by_role("button", name="Legend", exact=True).click()
        shown.map.hover()
        page.keyboard.press("v")
        bar = panel.get_by_role("toolbar", name="Selection")
        button = bar.get_by_role("button", name="Label", exact=True)
        shown.sees(button)
        assert bar.bounding_box()["height"] < 2 * button.bounding_box()["height"]  # one line; the rest is in a menu
        shown.choose("More", "Isolate")
        shown.sees(bar.get_by_role("button", name="Show all"))


def test_search_finds_by_name_id_text_and_label(shown: Shown) -> None:
    digits = [str(digit) for digit in load_digits().target[:120]]
    shown.open()
    shown.map_says("2D map of 120 samples, 0 selected")
    shown.search("digit-002", 10)
    shown.search(str(shown.documents()[5]["_id"]), 1)
    shown.search("8", digits.count("8") + sum("8" in f"{row:04}" and digit != "8" for row, digit in enumerate(digits)))
    shown.shot("explorer-search")
    shown.panel.get_by_label("Search the map").fill("nothing has this")
    shown.page.keyboard.press("Enter")
    shown.sees(shown.panel.get_by_text("0 matches"))


@pytest.fixture(params=[1, 100_000, 300_000])  # the last are drawn in two frames
def sized(make_digits_dataset: Callable[..., Any], app: Any, request: pytest.FixtureRequest) -> tuple[Shown, int]:
    """The App on a dataset of so many samples; without one, it (1.22) shows no panel at all."""
    count = request.param
    dataset = give_random_map(make_digits_dataset, count, "random")
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    return Shown(page, app.address(dataset.name, workspace=dataset.name), dataset), count


def test_one_sample_and_hundreds_of_thousands_are_shown(sized: tuple[Shown, int]) -> None:
    shown, count = sized
    shown.open()
    samples = f"{count:,} sample{'s' * (count > 1)}"
    shown.map_says(f"2D map of {samples}, 0 selected")
    shown.sees(shown.page.locator("canvas[data-drawn=all]"))
    # Of many the labels are read in the background, and are there when they are.
    shown.sees(shown.panel.get_by_label("Legend: ground_truth").get_by_text(f"{count:,}", exact=True), 60_000)
    shown.page.keyboard.press("v")
    shown.map_says(f"2D map of {samples}, {count:,} selected")
    shown.grid_says(samples)


def test_objects_have_a_map_of_their_own_that_the_grid_follows(
    make_digits_dataset: Callable[..., Any], app: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    import fiftyone.brain as fob
    from labelscape.cli.scenes import add_scenes

    dataset = make_digits_dataset(1)
    dataset.clear()
    dataset.delete_sample_field("ground_truth")
    add_scenes(dataset, tmp_path / "scenes", count=20)
    count = dataset.count("ground_truth.detections")
    points = np.random.default_rng(0).normal(size=(count, 2))
    fob.compute_visualization(dataset, patches_field="ground_truth", points=points, brain_key="objects")
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    shown = Shown(page, app.address(dataset.name, workspace=dataset.name), dataset)
    shown.open()
    shown.map_says(f"2D map of {count} objects, 0 selected")
    page.keyboard.press("v")
    shown.map_says(f"2D map of {count} objects, {count} selected")
    shown.grid_says("20 samples")
    box = shown.map.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.shot("explorer-patches")


@pytest.fixture
def predicted(make_digits_dataset: Callable[..., Any], app: Any, request: pytest.FixtureRequest) -> Shown:
    """The App on 60 digits without any label, and a model's predictions of them."""
    import fiftyone as fo

    dataset = make_digits_dataset(60, labeled=0)
    guesses = [fo.Classification(label=digit, confidence=0.9) for digit in dataset.values("true_digit")]
    dataset.set_values("predictions", guesses)
    give_map(dataset, np.asarray(load_digits().data[:60], np.float32))
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    return Shown(page, app.address(dataset.name, workspace=dataset.name), dataset, "60 samples")


def test_predictions_color_a_map_without_labels_and_are_offered_for_labeling(predicted: Shown) -> None:
    truth = str(load_digits().target[50])
    predicted.open()
    predicted.sees(predicted.panel.get_by_label("Legend: predictions"))
    predicted.shot("explorer-predictions")
    predicted.find("digit-0050")
    predicted.page.keyboard.press("l")
    dialog = predicted.panel.get_by_role("dialog")
    predicted.sees(dialog.get_by_role("option", name=truth, exact=True))
    likely = dialog.get_by_label("Likely classes").get_by_role("button")
    predicted.sees(likely)
    assert likely.inner_text().split() == [truth, "predicted"]
    predicted.shot("explorer-predicted-classes")
    likely.click()
    predicted.sees(predicted.panel.get_by_label("Label neighbors").or_(predicted.panel.get_by_label("Pending changes")))
    assert predicted.labels()[50] is None  # until it is saved
