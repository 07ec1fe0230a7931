"""Half of a large dataset labeled, saved, undone in the real App: `python benchmarks/panel_labeling.py [points ...]`.

Times on the screen, in seconds, of headless Chromium and the database on the same machine: until the panel shows the
selection, the pending labels, the progress of the save, its end, and the undo. Meanwhile the App is asked for its
version every half a second; the longest wait for an answer is printed. Options as in panel.py.
"""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from panel import (
    COUNTER,
    MAP,
    PANELS,
    browsed,
    choose_map,
    datasets,
    draw_around_left_half,
    open_explorer,
    options,
    served,
)

LABELSCAPE = PANELS[0]
LABEL = "half"
PATIENCE_MS = 600_000
PAUSE_MS = 5_000  # between two actions
ASKED_EVERY = 0.5


class Steps:
    """Seconds from one thing that a person does to what the panel then shows."""

    def __init__(self, page: Any, shots: Path | None) -> None:
        self.page = page
        self.shots = shots
        self.began = time.monotonic()

    def start(self) -> None:
        """A person does something now."""
        self.began = time.monotonic()

    def shown(self, what: str, locator: Any, state: str = "visible") -> None:
        """Print how long it took until this is shown, or gone."""
        locator.first.wait_for(state=state, timeout=PATIENCE_MS)
        print(f"  {what:44}{time.monotonic() - self.began:.2f} s", flush=True)
        if self.shots is not None:
            self.page.screenshot(path=self.shots / f"{what.replace(' ', '-')}.png")


@contextmanager
def answering(url: str) -> Iterator[None]:
    """Ask the App for its version until the block ends, and print the longest wait for an answer."""
    waits: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(ASKED_EVERY):
            began = time.monotonic()
            with urllib.request.urlopen(f"{url}/fiftyone", timeout=PATIENCE_MS / 1000) as answer:
                answer.read()
            waits.append(time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()
    what = f"longest of {len(waits)} answers of the App meanwhile"
    print(f"  {what:44}{max(waits, default=0):.2f} s", flush=True)


def walk(page: Any, url: str, name: str, shots: Path | None) -> None:
    """Lasso the left half, label it, save, and undo."""
    page.goto(f"{url}/datasets/{name}?workspace={name}")
    page.locator(COUNTER).wait_for(timeout=PATIENCE_MS)
    open_explorer(page)
    choose_map(page, MAP)
    page.locator("canvas[data-drawn=all]").wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(PAUSE_MS)
    steps = Steps(page, shots)
    pending = page.get_by_test_id("labelscape-pending")
    nothing_pending = page.locator(".ls-root:not(:has([data-testid=labelscape-pending]))")

    LABELSCAPE.use_lasso(page)
    draw_around_left_half(page, page.locator(LABELSCAPE.canvas).bounding_box())
    page.mouse.up()
    steps.start()
    steps.shown("lasso half: selected", page.get_by_role("toolbar", name="Selection"))
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("l")
    page.get_by_role("dialog").get_by_label("Label", exact=True).fill(LABEL)
    page.keyboard.press("Enter")
    steps.start()
    steps.shown("label them: pending", pending)
    page.wait_for_timeout(PAUSE_MS)
    with answering(url):
        page.keyboard.press("s")
        steps.start()
        steps.shown(
            "save: progress shown, or saved", page.get_by_role("group", name="Job: Saving").or_(nothing_pending)
        )
        steps.shown("save: saved", pending, "hidden")
    page.wait_for_timeout(PAUSE_MS)
    with answering(url):
        page.keyboard.press("u")
        steps.start()
        undone = page.get_by_text("Undid: save of")
        steps.shown("undo: progress shown, or undone", page.get_by_role("group", name="Job: Undoing").or_(undone))
        steps.shown("undo: undone", undone)


def main() -> None:
    """Walk through datasets of the sizes named on the command line."""
    parser = options(__doc__)
    parser.add_argument("--shots", type=Path, help="a folder for a screenshot of every step")
    arguments = parser.parse_args()
    for n, name in datasets(arguments):
        print(f"{n:,} points:")
        with served() as url, browsed() as page:
            walk(page, url, name, arguments.shots)


if __name__ == "__main__":
    main()
