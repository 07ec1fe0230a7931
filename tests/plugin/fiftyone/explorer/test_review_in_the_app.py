"""The review and the functions in the real App: usable with the keyboard alone, and accessible by axe-core's rules."""

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ...axe import axe_faults, load_axe
from ...conftest import give_map
from ...shown import WAIT, Shown, beside_samples

pytestmark = pytest.mark.slow

COUNT = 40


@pytest.fixture
def listed(make_digits_dataset: Callable[..., Any], app: Any, request: pytest.FixtureRequest) -> Shown:
    """60 digits, 20 labeled, on a map; the other 40 are a segment."""
    from labelscape.ml_backend.actions.segments import create_segment

    dataset = make_digits_dataset(60, labeled=20)
    give_map(dataset, np.asarray(load_digits().data[:60], np.float32))
    create_segment(dataset, dataset.values("id")[20:], name="To label", kind="data quality", note="")
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    return Shown(page, app.address(dataset.name, workspace=dataset.name), dataset, "60 samples")


def open_review(shown: Shown) -> None:
    """Open the list with the keys alone."""
    keyboard = shown.page.keyboard
    shown.panel.get_by_role("tab", name="Map").focus()
    keyboard.press("ArrowRight")
    for _ in range(12):  # past the menus and the pickers
        keyboard.press("Tab")
        if "Review:" in (shown.page.evaluate("document.activeElement.ariaLabel") or ""):
            break
    keyboard.press("Enter")
    reviewed(shown, 0)


def reviewed(shown: Shown, count: int) -> None:
    from playwright.sync_api import expect

    expect(shown.panel.get_by_test_id("labelscape-reviewed")).to_have_text(
        re.compile(rf"^{count} of {COUNT} reviewed"), timeout=WAIT
    )


def test_a_list_is_labeled_undone_and_saved_without_the_mouse(listed: Shown) -> None:
    digits = [str(digit) for digit in load_digits().target[20:60]]
    keyboard = listed.page.keyboard
    listed.open()
    listed.map_says("2D map of 60 samples, 0 selected")
    open_review(listed)
    buttons = listed.panel.get_by_role("group", name="Set a class").get_by_role("button").all_inner_texts()
    key_of = {text.split()[1]: text.split()[0] for text in buttons}
    listed.page.set_viewport_size({"width": 1024, "height": 768})
    menu = listed.panel.get_by_role("button", name="Actions", exact=True)
    listed.page.wait_for_function("document.querySelector('.ls-root.ls-narrow') !== null")
    place = menu.bounding_box()
    assert place["x"] + place["width"] <= 1024  # the tab with what is left leaves it its room
    listed.both_shots("explorer-review-1024")
    listed.page.set_viewport_size({"width": 1440, "height": 900})
    assert len(key_of) == 9  # one of the ten digits is set with l
    for place, digit in enumerate(digits):
        if digit in key_of:
            keyboard.press(key_of[digit])
        else:
            keyboard.press("l")
            listed.panel.get_by_role("dialog").get_by_label("Label", exact=True).fill(digit)
            keyboard.press("Enter")
        reviewed(listed, place + 1)
    listed.pending_says("40 labels pending")
    listed.both_shots("explorer-review-tab")
    keyboard.press("u")
    listed.pending_says("39 labels pending")
    reviewed(listed, COUNT - 1)
    keyboard.press(key_of.get(digits[-1], "1"))
    listed.pending_says("40 labels pending")
    keyboard.press("s")
    listed.gone(listed.panel.get_by_label("Pending changes"))
    assert listed.labels()[20:59] == digits[:-1]
    assert listed.errors == []


def test_the_panel_has_no_fault_that_axe_finds_in_either_theme(listed: Shown) -> None:
    page, panel = listed.page, listed.panel
    listed.open()
    listed.map_says("2D map of 60 samples, 0 selected")
    load_axe(page)
    faults: list[str] = []
    for theme in ("dark", "light"):
        if theme == "light":
            page.get_by_role("button", name="Light mode").click()
            listed.sees(page.locator(".ls-root.ls-light"))
        faults += axe_faults(page, ".ls-root", f"{theme} map")
        page.keyboard.press("v")
        faults += axe_faults(page, ".ls-root", f"{theme} selection")
        page.keyboard.press("Escape")
        panel.get_by_role("tab", name="Review").click()
        faults += axe_faults(page, ".ls-root", f"{theme} review")
        panel.get_by_role("tab", name="Functions").click()
        faults += axe_faults(page, ".ls-root", f"{theme} functions")
        panel.get_by_role("tab", name="Map").click()
        for entry in ("Generate explorer…", "Maps and embeddings…", "Clear labels…"):
            listed.choose("Actions", entry)
            listed.sees(panel.get_by_role("dialog"))
            faults += axe_faults(page, ".ls-root", f"{theme} {entry}")
            page.keyboard.press("Escape")
        if theme == "dark":
            open_review(listed)
        else:  # the list is still open
            panel.get_by_role("tab", name="Review").click()
        faults += axe_faults(page, ".ls-root", f"{theme} list")
        page.keyboard.press("Escape")
    assert faults == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_what_opens_over_the_map_has_no_fault_that_axe_finds(listed: Shown, theme: str) -> None:
    page, panel = listed.page, listed.panel
    listed.open()
    listed.map_says("2D map of 60 samples, 0 selected")
    listed.use_theme(theme)
    load_axe(page)
    faults: list[str] = []

    def check(where: str) -> None:
        page.wait_for_timeout(300)  # a color half-way in a transition has another contrast
        faults.extend(axe_faults(page, ".ls-root", where))

    dialog = panel.get_by_role("dialog")
    for entry in ("New map…", "Find duplicates among", "Keyboard shortcuts", "Clear explorer…"):
        listed.choose("Actions", entry)
        listed.sees(dialog)
        check(entry)
        dialog.get_by_role("button", name="Close", exact=True).click()
        listed.gone(dialog)
    listed.choose("Actions", "Generate explorer…")
    for way in ("Pretrained model", "Your own network", "Trained on your labels", "Vectors you have"):
        dialog.get_by_label(way).check()
        check(way)
    dialog.get_by_role("button", name="Close", exact=True).click()
    listed.find("digit-0030")
    listed.sees(panel.get_by_role("button", name="Close the preview"))
    check("search and preview")
    listed.choose("More", "Segment")
    check("new segment")
    dialog.get_by_role("button", name="Close", exact=True).click()
    panel.get_by_label("Selection").get_by_role("button", name="Label").click()
    check("label")
    dialog.get_by_label("Label", exact=True).fill("7")
    page.keyboard.press("Enter")
    listed.sees(panel.get_by_label("Label neighbors"))
    check("neighbors")
    panel.get_by_role("button", name="Skip").click()
    check("pending")
    panel.get_by_role("button", name="Review", exact=True).click()
    listed.sees(dialog)
    check("what is pending")
    dialog.get_by_role("button", name="Close", exact=True).click()
    listed.find("digit-0031")
    listed.choose("More", "Similar")
    panel.get_by_role("button", name="Save as a function…").click()
    listed.sees(dialog.get_by_label("Threshold"))
    check("new function")
    assert faults == []


def test_similar_samples_are_ranked_marked_and_kept_as_a_function(listed: Shown) -> None:
    page, panel = listed.page, listed.panel
    listed.open()
    listed.find("digit-0010")
    page.keyboard.press("m")
    listed.sees(panel.get_by_role("listbox", name="Similar to 1 example"))
    listed.grid_says("59 samples")  # although the search added a field
    page.keyboard.press("a")
    page.keyboard.press("x")
    listed.both_shots("explorer-similar")
    panel.get_by_role("button", name="Search again with 2 marks").click()
    listed.sees(panel.get_by_role("listbox", name="Similar to 2 examples"))
    panel.get_by_role("button", name="Save as a function…").click()
    panel.get_by_role("dialog").get_by_label("Name").fill("like ten")
    panel.get_by_role("button", name="Create function").click()
    row = panel.get_by_label("Function like ten")
    listed.sees(row.get_by_text(re.compile("2 positives and 1 negative")))
    listed.both_shots("explorer-functions")
    row.get_by_role("button", name="Rename like ten").click()
    row.get_by_label("Name", exact=True).fill("like eleven")
    row.get_by_role("button", name="Rename", exact=True).click()
    listed.sees(panel.get_by_label("Function like eleven"))
    panel.get_by_label("Function like eleven").get_by_role("button", name="Delete").click()
    listed.gone(panel.get_by_label("Function like eleven"))
    panel.get_by_role("button", name="Restore “like eleven”").click()
    listed.sees(panel.get_by_label("Function like eleven"))
    assert listed.errors == []


def test_fast_decisions_survive_a_reload_and_are_there_once(listed: Shown) -> None:
    page, keyboard = listed.page, listed.page.keyboard
    listed.open()
    listed.map_says("2D map of 60 samples, 0 selected")
    open_review(listed)
    network = Network(page)
    first, second = classes_of_digits(listed)[:2]
    for _ in range(10):
        keyboard.press("1")
    reviewed(listed, 10)
    listed.pending_says("10 labels pending")
    assert sum(network.calls) == 10
    assert len(network.calls) < 10  # what was decided during a call went in the next one

    network.reachable = False
    for _ in range(10):
        keyboard.press("2")
    reviewed(listed, 20)
    listed.sees(listed.panel.get_by_text(re.compile("could not be sent")))
    keyboard.press("s")
    listed.sees(listed.panel.get_by_text(re.compile("Not done")))
    listed.both_shots("explorer-unreachable")
    network.reachable = True  # the page goes before the next try
    page.reload()
    listed.sees(listed.panel.get_by_text("Applied 10 decisions that this browser had kept."))
    listed.pending_says("20 labels pending")
    assert acts(listed) == 20
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('decision')).length") == 0

    listed.map_says("2D map of 60 samples, 0 selected")
    open_review(listed)
    keyboard.press("End")
    last = classes_of_digits(listed)[2]
    keyboard.press("3")
    # The list does not go on from its end: the preview stays, and says what was decided.
    listed.sees(listed.panel.get_by_label("Preview", exact=True).get_by_text(f"{last} pending label"))
    keyboard.press("s")
    listed.gone(listed.panel.get_by_label("Pending changes"))
    assert listed.labels()[20:] == [first] * 10 + [second] * 10 + [None] * 19 + [last]
    assert listed.errors == []


class Network:
    """Whether decisions reach the server, and how many went with each call."""

    def __init__(self, page: Any) -> None:
        self.calls: list[int] = []
        self.reachable = True
        page.route("**/operators/execute", self._pass)

    def _pass(self, route: Any) -> None:
        decisions = json.loads(route.request.post_data or "{}").get("params", {}).get("decisions")
        if decisions is not None and not self.reachable:
            return route.abort()
        if decisions is not None:
            self.calls.append(len(decisions))
        return route.fallback()


def classes_of_digits(listed: Shown) -> list[str]:
    """What the keys 1 to 9 set."""
    buttons = listed.panel.get_by_role("group", name="Set a class").get_by_role("button").all_inner_texts()
    return [text.split()[1] for text in buttons]


def acts(listed: Shown) -> int:
    """How many actions are pending."""
    records = listed.dataset._sample_collection.database["execution_store"]
    query = {"store_name": "labelscape.pending", "dataset_id": listed.dataset._doc.id, "key": {"$ne": "__store__"}}
    return int(records.count_documents(query))
