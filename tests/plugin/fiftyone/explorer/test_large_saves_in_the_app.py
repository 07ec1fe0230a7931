"""Saving and undoing hundreds of thousands of labels shows its progress in the panel, which stays usable."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from ...conftest import give_random_map
from ...shown import Shown, beside_samples

pytestmark = pytest.mark.slow
COUNT = 300_000


def test_a_large_save_and_its_undo_show_how_far_they_are(
    make_digits_dataset: Callable[..., Any], app: Any, page: Any
) -> None:
    dataset = give_random_map(make_digits_dataset, COUNT, "large")
    beside_samples(dataset)
    shown = Shown(page, app.address(dataset.name, workspace=dataset.name), dataset)
    panel = shown.panel
    shown.open()
    shown.map_says(f"2D map of {COUNT:,} samples, 0 selected")
    # Labels that the screen does not show yet would not be replaced.
    shown.sees(panel.get_by_label("Legend: ground_truth").get_by_text(f"{COUNT:,}", exact=True))
    page.keyboard.press("v")
    shown.map_says(f"2D map of {COUNT:,} samples, {COUNT:,} selected")
    shown.label("seen")
    pending = panel.get_by_label("Pending changes")
    shown.sees(pending.get_by_text(f"{COUNT:,} labels"))

    page.keyboard.press("s")
    saving = panel.get_by_role("group", name="Job: Saving")
    shown.sees(saving.get_by_text(re.compile(rf"(Prepared [\d,]+ changes|Wrote [\d,]+ of {COUNT:,})")))
    shown.sees(saving.get_by_role("progressbar"))
    shown.shot("saving")
    page.keyboard.press("Escape")  # the panel still takes keys
    shown.map_says(f"2D map of {COUNT:,} samples, 0 selected")
    shown.gone(pending)
    shown.gone(saving)
    assert dataset.count_values("ground_truth.label") == {"seen": COUNT}

    page.keyboard.press("u")
    shown.sees(panel.get_by_role("group", name="Job: Undoing").get_by_text(re.compile(rf"Undid [\d,]+ of {COUNT:,}")))
    shown.sees(panel.get_by_text(f"Undid: save of {COUNT:,} changes."))
    assert "seen" not in dataset.count_values("ground_truth.label")
