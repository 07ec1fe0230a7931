"""Hundreds of labels that may be wrong, in the real App: found, explained, and decided with the keyboard alone."""

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

COUNT, WRONG = 800, 240  # every digit has far more right labels than wrong ones, and over 200 are found


@pytest.fixture
def mislabeled(make_digits_dataset: Callable[..., Any], app: Any, request: pytest.FixtureRequest) -> Shown:
    """800 digits, 240 of them with the label of another digit."""
    import fiftyone as fo

    dataset = make_digits_dataset(COUNT)
    labels = dataset.values("true_digit")
    for row in np.random.default_rng(0).permutation(COUNT)[:WRONG]:
        labels[row] = str((int(labels[row]) + 1 + row % 9) % 10)
    dataset.set_values("ground_truth", [fo.Classification(label=label) for label in labels])
    give_map(dataset, np.asarray(load_digits().data[:COUNT], np.float32))
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    return Shown(page, app.address(dataset.name, workspace=dataset.name), dataset, f"{COUNT} samples")


def tab_to(shown: Shown, button: str) -> None:
    """Press Tab until this button has the focus."""
    for _ in range(60):
        if shown.page.evaluate("document.activeElement.textContent").strip() == button:
            return
        shown.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach “{button}”")


def test_two_hundred_suspects_are_explained_and_decided_without_the_mouse(mislabeled: Shown) -> None:
    panel, keyboard = mislabeled.panel, mislabeled.page.keyboard
    mislabeled.open()
    mislabeled.map_says(f"2D map of {COUNT} samples, 0 selected")
    before = mislabeled.labels()
    panel.get_by_role("tab", name="Map").focus()
    keyboard.press("ArrowRight")
    tab_to(mislabeled, "Find wrong labels")
    keyboard.press("Enter")
    mislabeled.sees(panel.get_by_role("listbox", name="Labels that may be wrong"))
    explain(mislabeled)

    proposed = suspects(mislabeled)
    assert len(proposed) >= 200
    reviewed(mislabeled, 0, len(proposed))
    panel.get_by_role("listbox").focus()
    accepted = decide_all(mislabeled, list(proposed))
    reviewed(mislabeled, len(proposed), len(proposed))
    mislabeled.pending_says(f"{len(accepted)} labels pending")
    mislabeled.both_shots("explorer-suspects")
    assert mislabeled.labels() == before  # until they are saved
    keyboard.press("s")
    mislabeled.gone(panel.get_by_label("Pending changes"))
    expected = [proposed[row] if row in accepted else label for row, label in enumerate(before)]
    assert mislabeled.labels() == expected
    assert mislabeled.errors == []


def explain(shown: Shown) -> None:
    """Open and close how the ranking was made, in its message, with the keyboard."""
    from playwright.sync_api import expect

    message = shown.panel.get_by_role("status").filter(has_text="Ranked 800 items")
    why = message.get_by_role("button", name="Why?")
    expect(why).to_have_attribute("aria-expanded", "false", timeout=WAIT)
    method = message.get_by_text(re.compile("^Method: "))
    shown.gone(method)
    why.focus()  # a message in use stays
    shown.page.keyboard.press("Enter")
    shown.sees(method)
    expect(why).to_have_attribute("aria-expanded", "true")
    shown.both_shots("explorer-why")
    load_axe(shown.page)
    assert axe_faults(shown.page, ".ls-root", "why") == []
    shown.page.keyboard.press("Enter")
    shown.gone(method)


def decide_all(shown: Shown, order: list[int]) -> set[int]:
    """Keep every third label, and set the others as proposed, which are returned; now and then look back."""
    keyboard = shown.page.keyboard
    for place, row in enumerate(order):
        if place % 50 == 1:
            keyboard.press("k")
            assert current(shown, place - 1, "relabeled" if (place - 1) % 3 else "label kept") == order[place - 1]
            keyboard.press("j")
            assert current(shown, place, "open") == row
        keyboard.press("a" if place % 3 else "x")
    return {row for place, row in enumerate(order) if place % 3}


def current(shown: Shown, place: int, state: str) -> int:
    """The number of the sample that one is at."""
    from playwright.sync_api import expect

    says = re.compile(rf"^{place + 1}, digit-(\d+)\.png, .*, {state}$")
    option = shown.panel.get_by_role("option", selected=True)
    expect(option).to_have_attribute("aria-label", says, timeout=WAIT)
    match = says.match(option.get_attribute("aria-label"))
    assert match is not None
    return int(match[1])


def reviewed(shown: Shown, count: int, total: int) -> None:
    from playwright.sync_api import expect

    progress = shown.panel.get_by_test_id("labelscape-reviewed")
    expect(progress).to_have_text(re.compile(rf"^{count} of {total} reviewed"), timeout=WAIT)


def suspects(shown: Shown) -> dict[int, str]:
    """The labels that the ranking proposed for samples with another one, the most likely wrong first, by number."""
    fields = {"mislabel_suggestion": 1, "mislabel_score": 1}
    rows = list(shown.dataset._sample_collection.find({}, fields).sort("_id", 1))
    labels = shown.labels()
    wrong = [row for row, found in enumerate(rows) if found["mislabel_suggestion"] != labels[row]]
    wrong.sort(key=lambda row: -float(rows[row]["mislabel_score"]))
    return {row: str(rows[row]["mislabel_suggestion"]) for row in wrong}
