"""Grid and map are one selection in the real App: ticks select on the map, and the map takes them off again."""

import pytest

from ...shown import WAIT, Shown, tick

pytestmark = pytest.mark.slow


def ticked(shown: Shown, count: int) -> None:
    """So many samples are ticked, as the App's own button says."""
    from playwright.sync_api import expect

    button = shown.page.locator("[data-cy=action-manage-selected]")
    if count:
        expect(button).to_have_text(str(count), timeout=WAIT)
    else:
        expect(button).to_have_count(0, timeout=WAIT)


def rings(shown: Shown) -> bool:
    """Whether anything is drawn over the points; the names of clusters have to be off."""
    shown.page.wait_for_timeout(500)
    canvas = "document.querySelector('.ls-overlay')"
    read = f"{canvas}.getContext('2d').getImageData(0, 0, {canvas}.width, {canvas}.height).data"
    return bool(shown.page.evaluate(f"{read}.some((value) => value > 0)"))


def test_ticks_select_on_the_map_and_a_selection_there_takes_them_off(shown: Shown) -> None:
    shown.open()
    shown.map_says("2D map of 120 samples, 0 selected")
    shown.panel.get_by_role("button", name="View").click()
    shown.page.get_by_role("menuitemcheckbox", name="Cluster names").click()
    shown.page.keyboard.press("Escape")
    assert not rings(shown)
    tick(shown, 0)
    shown.map_says("2D map of 120 samples, 1 selected")
    shown.sees(shown.panel.get_by_role("button", name="Close the preview"))
    assert rings(shown)  # one sees where the sample lies
    tick(shown, 2)
    shown.map_says("2D map of 120 samples, 2 selected")
    ticked(shown, 2)
    shown.grid_says("120 samples")
    shown.both_shots("explorer-ticked")

    # A forgotten tick would make the App's operators work on less than the map shows as selected.
    shown.map.hover()
    shown.page.keyboard.press("v")
    shown.map_says("2D map of 120 samples, 118 selected")
    shown.grid_says("118 samples")
    ticked(shown, 0)
    shown.page.keyboard.press("Escape")
    shown.map_says("2D map of 120 samples, 0 selected")
    shown.grid_says("120 samples")
    assert shown.errors == []
