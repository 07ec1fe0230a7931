"""What the app costs Label Studio's pages: `python benchmarks/label_studio_pages.py [tasks] [rounds]`.

Two real Label Studios show the same project, one of them with the app; a browser opens the same pages in both, in turn.
A time begins with the navigation, with the browser's cache filled, and ends when the page is usable: with the first row
of the list of tasks, or with the classes of the open task. “Panel open”: as left open by a user at the last visit.
Needs `scripts/setup label-studio`, Chromium, and FiftyOne's database, in which it uses a database of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from label_studio import Bench
from labelscape.testing.chromium import chromium
from labelscape.testing.label_studio import PASSWORD, USER, LabelStudioServer

LABELED = 200
LIST, TASK = "the list of tasks", "an open task"
USABLE = {LIST: ".lsf-table__row-wrapper", TASK: ".lsf-choices"}
STOCK, APP, PANEL = "without the app", "with the app", "with its panel open"
# Notes the first moment at which the page is usable, in milliseconds since the navigation began.
WATCH = """
(selectors) => {
  const seen = (window.__seen = {});
  const look = () => {
    for (const selector of selectors)
      if (!(selector in seen) && document.querySelector(selector)) seen[selector] = performance.now();
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}
"""


@dataclass(frozen=True)
class Visitor:
    """A browser session of its own in one of the Label Studios."""

    page: Any
    url: str

    def milliseconds(self, path: str, selector: str) -> float:
        """Open a page; how long until it is usable."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}{path}")
        self.page.locator(selector).first.wait_for()
        return float(self.page.evaluate("selector => window.__seen[selector]", selector))


def visitor(browser: Any, url: str, *, panel_open: bool = False) -> Visitor:
    """Log in."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(f"({WATCH})({list(USABLE.values())})")
    if panel_open:
        page.add_init_script("try { localStorage.setItem('labelscape:open', 'on') } catch {}")
    page.goto(f"{url}/user/login")
    page.fill("input[name=email]", USER)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda address: "login" not in address)
    return Visitor(page, url)


def measure(bench: Bench, stock: LabelStudioServer, rounds: int) -> None:
    """Open both pages in turn, so that whatever else the machine does slows all alike; print medians."""
    task = bench.rows("SELECT max(id) FROM task WHERE project_id = ?", bench.project)[0][0]
    paths = {LIST: f"/projects/{bench.project}/data", TASK: f"/projects/{bench.project}/data?task={task}"}
    times: dict[tuple[str, str], list[float]] = {(who, page): [] for page in paths for who in (STOCK, APP, PANEL)}
    with chromium() as browser:
        people = {
            STOCK: visitor(browser, stock.url),
            APP: visitor(browser, bench.studio.url),
            PANEL: visitor(browser, bench.studio.url, panel_open=True),
        }
        for number in range(-2, rounds):  # the first ones fill the caches
            order = list(people)[number % 3 :] + list(people)[: number % 3]
            for page, path in paths.items():
                for who in order:
                    took = people[who].milliseconds(path, USABLE[page])
                    if number >= 0:
                        times[who, page].append(took)
    for page in paths:
        base = float(np.median(times[STOCK, page]))
        for who in (STOCK, APP, PANEL):
            low, middle, high = np.percentile(times[who, page], [25, 50, 75])
            more = "" if who == STOCK else f"  {middle - base:+6.0f} ms (bar 100)"
            print(f"{page:<18} {who:<20} {middle:>6.0f} ms  (half of them {low:.0f} to {high:.0f}){more}", flush=True)


def main(n: int, rounds: int) -> None:
    """Start everything, and measure."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["FIFTYONE_DATABASE_NAME"] = f"labelscape-benchmark-{uuid.uuid4().hex[:8]}"
        os.environ["FIFTYONE_BRAIN_CONFIG_PATH"] = str(Path(name, "brain_config.json"))
        bench = Bench(Path(name), n, with_app=True)
        stock = LabelStudioServer(Path(name, "stock"))
        try:
            bench.studio.start()
            bench.server.start()
            bench.project = bench.create_project(range(n), LABELED)
            bench.connect()
            bench.published(0.0, n - LABELED)
            bench.until_quiet(20)
            where = "UPDATE io_storages_localfilesmixin SET path = ?"
            stock.copy_database(bench.studio, where, (str(stock.media),))
            shutil.copytree(bench.studio.media, stock.media, dirs_exist_ok=True)
            stock.start()
            measure(bench, stock, rounds)
        finally:
            if hasattr(stock, "process"):
                stock.stop()
            bench.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", type=int, nargs="?", default=1_000)
    parser.add_argument("rounds", type=int, nargs="?", default=15)
    arguments = parser.parse_args()
    main(arguments.tasks, arguments.rounds)
