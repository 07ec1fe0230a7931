"""The App in a browser with the explorer beside the samples, for the tests of what a person does in it."""

import os
import re
from pathlib import Path
from typing import Any

HOST_ERROR = "entry is loading"  # FiftyOne's grid (1.22), when its view changes before a page of it has arrived
WAIT = 120_000  # a busy machine is slow, not wrong


class Shown:
    """The App in a browser with the explorer beside the samples."""

    def __init__(self, page: Any, address: str, dataset: Any, rows: str = "120 samples") -> None:
        self.page = page
        self.dataset = dataset
        self.rows = rows  # what the map is of
        self.panel = page.get_by_label("Labelscape data explorer")
        self.map = page.get_by_test_id("labelscape-map")
        self._address = address
        self.errors: list[str] = []
        page.on("pageerror", self._note)

    def _note(self, error: Any) -> None:
        if str(error) != HOST_ERROR:
            self.errors.append(str(error))

    def open(self) -> None:
        self.page.goto(self._address)
        self.sees(self.panel, 90_000)

    def sees(self, locator: Any, milliseconds: int = WAIT) -> None:
        from playwright.sync_api import expect

        expect(locator).to_be_visible(timeout=milliseconds)

    def gone(self, locator: Any) -> None:
        from playwright.sync_api import expect

        expect(locator).to_be_hidden(timeout=WAIT)

    def pick(self, label: str, option: str, within: Any = None) -> None:
        """Choose in one of the panel's pickers, whose list is the App's own."""
        (within or self.panel).get_by_role("combobox", name=label, exact=True).click()
        self.page.get_by_role("option", name=re.compile(rf"^{re.escape(option)}\b")).first.click()

    def map_says(self, words: str) -> None:
        from playwright.sync_api import expect

        expect(self.map).to_have_attribute("aria-label", words, timeout=WAIT)

    def map_says_fewer(self, count: int) -> None:
        """Some are selected, but fewer than so many."""
        some = "|".join(str(number) for number in range(1, count))
        from playwright.sync_api import expect

        said = re.compile(rf"^2D map of {self.rows}, ({some}) selected$")
        expect(self.map).to_have_attribute("aria-label", said, timeout=WAIT)

    def grid_says(self, words: str) -> None:
        from playwright.sync_api import expect

        expect(self.page.locator("[data-cy=entry-counts]")).to_have_text(words, timeout=WAIT)

    def find(self, text: str) -> None:
        """Search for what is there once; it is selected, and looked at."""
        for _ in range(3):  # neighbors, preview and selection: a press closes one
            self.page.keyboard.press("Escape")
        self.map_says(f"2D map of {self.rows}, 0 selected")
        self.page.keyboard.press("/")
        self.search(text, 1)

    def search(self, text: str, hits: int) -> None:
        """Search for what is there so many times; all of it is selected."""
        search = self.panel.get_by_label("Search the map")
        search.fill(text)
        search.press("Enter")
        self.map_says(f"2D map of {self.rows}, {hits} selected")
        search.press("Escape")

    def chooses(self, count: int, classes: int) -> None:
        """All that can be chosen is so much, of so many classes: what is outside the App's view is left out."""
        from playwright.sync_api import expect

        expect(self.panel.get_by_role("button", name=re.compile("^Hide "))).to_have_count(classes, timeout=WAIT)
        self.map.hover()
        self.page.keyboard.press("Escape")
        self.map_says(f"2D map of {self.rows}, 0 selected")
        self.page.keyboard.press("v")
        self.map_says(f"2D map of {self.rows}, {count} selected")
        self.page.keyboard.press("Escape")
        self.map_says(f"2D map of {self.rows}, 0 selected")

    def lasso_left_half(self) -> None:
        box = self.map.bounding_box()
        left, top = box["x"] + 4, box["y"] + 4
        right, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"] - 4
        middle = (top + bottom) / 2  # no bar covers it
        mouse = self.page.mouse
        mouse.move(left, middle)
        mouse.down()
        for corner in ((left, bottom), (right, bottom), (right, top), (left, top), (left, middle - 2)):
            mouse.move(*corner, steps=4)
        mouse.up()

    def label(self, name: str) -> None:
        """Type a class for the selection, and leave its neighbors as they are."""
        self.page.keyboard.press("l")
        self.panel.get_by_role("dialog").get_by_label("Label", exact=True).fill(name)
        self.page.keyboard.press("Enter")
        self.gone(self.panel.get_by_role("dialog"))

    def choose(self, menu: str, entry: str) -> None:
        """Open one of the panel's menus and choose an entry."""
        self.panel.get_by_role("button", name=menu).click()
        self.page.get_by_role("menuitem", name=entry).click()

    def pending_says(self, words: str) -> None:
        from playwright.sync_api import expect

        expect(self.panel.get_by_test_id("labelscape-pending")).to_have_text(words, timeout=WAIT)

    def shot(self, name: str) -> None:
        """A picture for the documentation, where LABELSCAPE_SHOTS names a folder for them."""
        folder = os.environ.get("LABELSCAPE_SHOTS")
        if folder:
            self.page.wait_for_timeout(800)
            self.page.screenshot(path=Path(folder) / f"{name}.png")

    def both_shots(self, name: str) -> None:
        """Pictures of a state that stays while the theme changes, dark and light."""
        if os.environ.get("LABELSCAPE_SHOTS"):
            self.shot(f"{name}-dark")
            self.use_theme("light")
            self.shot(f"{name}-light")
            self.use_theme("dark")

    def use_theme(self, mode: str) -> None:
        """Switch the App, and wait until the panel has followed."""
        if self.page.locator(f".ls-root.ls-{mode}").count():
            return
        # The App's own button is behind an open menu or window.
        button = self.page.get_by_role("button", name=f"{mode.capitalize()} mode", include_hidden=True)
        button.dispatch_event("click")
        self.sees(self.page.locator(f".ls-root.ls-{mode}"))

    def counts_in_sidebar(self, field: str, counts: dict[str, int]) -> None:
        """The App counts these values in the field, over what its grid shows."""
        self.page.locator(f"[data-cy='sidebar-field-arrow-enabled-{field}']").click()
        for value, count in counts.items():
            self.sees(self.page.locator(f"[data-cy='checkbox-{value}']").get_by_text(str(count), exact=True))

    def documents(self) -> list[dict[str, Any]]:
        """What the database holds; FiftyOne's own reads do not run beside Playwright's event loop."""
        return list(self.dataset._sample_collection.find({}, {"ground_truth": 1}).sort("_id", 1))

    def labels(self) -> list[str | None]:
        return [(document.get("ground_truth") or {}).get("label") for document in self.documents()]


def tick(shown: Shown, place: int) -> None:
    """Tick a thumbnail of the samples grid."""
    thumbnail = shown.page.locator("[data-cy=looker]:visible").nth(place)
    thumbnail.hover()
    # The box itself is drawn by a label over it.
    thumbnail.locator("input[type=checkbox]").dispatch_event("click")


def beside_samples(dataset: Any) -> None:
    """A workspace in which the explorer stands beside the samples."""
    import fiftyone as fo

    panels = [fo.Panel(type="Samples", pinned=True), fo.Panel(type="data_explorer")]
    halves = [fo.Space(children=[panel], active_child=panel.component_id) for panel in panels]
    dataset.save_workspace(dataset.name, fo.Space(children=halves, orientation="horizontal", sizes=[0.35, 0.65]))
