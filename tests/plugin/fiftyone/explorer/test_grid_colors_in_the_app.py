"""The colors of the map in the App's grid: on while the person wants it, and the App's own colors after that."""

from typing import Any

import pytest

from ...shown import Shown

pytestmark = pytest.mark.slow

ENTRY = "Map colors in the grid"


def colors(shown: Shown, what: str) -> dict[str, str]:
    """The color of each class, "rgb(…)": of what is drawn in the legend, or of the labels in the grid."""
    found: dict[str, str] = shown.page.evaluate(READ[what])
    return found


READ = {
    "legend": """() => Object.fromEntries(
        [...document.querySelectorAll(".ls-legend li:has(.ls-legend-name)")].map((row) => [
            row.querySelector(".ls-legend-name").textContent.trim(),
            getComputedStyle(row.querySelector("svg *")).fill,
        ]))""",
    "grid": """() => Object.fromEntries(
        [...document.querySelectorAll("[data-cy=tag-ground_truth]")].map((tag) => [
            tag.textContent.trim(),
            tag.style.backgroundColor,
        ]))""",
}


def agree(shown: Shown) -> bool:
    grid, legend = colors(shown, "grid"), colors(shown, "legend")
    return len(grid) > 5 and all(legend.get(name) == color for name, color in grid.items())


def wait_until(shown: Shown, said: Any) -> None:
    for _ in range(240):
        if said():
            return
        shown.page.wait_for_timeout(500)
    raise AssertionError(f"grid {colors(shown, 'grid')}, legend {colors(shown, 'legend')}")


def test_labels_in_the_grid_take_the_colors_of_the_map_and_give_them_back(shown: Shown) -> None:
    shown.open()
    shown.map_says("2D map of 120 samples, 0 selected")
    wait_until(shown, lambda: len(colors(shown, "grid")) > 5)
    assert len(set(colors(shown, "grid").values())) == 1  # the App colors by field

    choose(shown)
    wait_until(shown, lambda: agree(shown))
    shown.both_shots("explorer-grid-colors")
    shown.use_theme("light")
    wait_until(shown, lambda: agree(shown))
    choose(shown)
    wait_until(shown, lambda: len(set(colors(shown, "grid").values())) == 1)
    assert shown.errors == []


def choose(shown: Shown) -> None:
    shown.panel.get_by_role("button", name="View").click()
    shown.page.get_by_text(ENTRY).click()
    shown.page.keyboard.press("Escape")
