"""A headless Chromium, for benchmarks and pictures; tests have the fixture `page`."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # no GPU needed


@contextmanager
def chromium() -> Iterator[Any]:
    """Playwright's `Browser`, until the block ends.

    Raises:
        FileNotFoundError: no Chromium is installed
    """
    from playwright.sync_api import sync_playwright

    names = [os.environ.get("CHROMIUM") or "", *_NAMES]
    executable = next((path for name in names if name and (path := shutil.which(name))), None)
    if executable is None:
        raise FileNotFoundError("No Chromium is installed: apt-get install chromium, or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()
