"""The data explorer beside FiftyOne's own Embeddings panel, in the real App: `python benchmarks/panel.py [points ...]`.

Both panels show the same map of the same dataset in one headless Chromium (Debian's, or the one that CHROMIUM names).
FiftyOne needs its database and this repository as its plugin; the datasets are made there under names of their own, and
deleted unless `--keep` is given. A time ends with the frame of the browser's screencast that shows the result.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import psutil
from labelscape.cli.app_server import PatientServer
from labelscape.cli.digits import write_digits
from labelscape.cli.plugin_link import install
from screencast import HEIGHT, WIDTH, Cast, at_rest, points_visible

MAP, OTHER_MAP = "map", "other_map"
CENTERS = [(x, y) for x in (-0.75, -0.3) for y in (-0.5, 0.5)] + [(x, y) for x in (0.3, 0.75) for y in (-0.6, 0, 0.6)]
UNLABELED = 0.2
DOCUMENTS_AT_ONCE = 20_000
COUNTER = "[data-cy=entry-counts]"
MOVES = 120
BUSY = 20  # percent of all cores
REST_WITHIN = 180  # seconds
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]


def make_dataset(name: str, n: int) -> fo.Dataset:
    """Samples that share a hundred images, with two maps of ten groups, four of them left of the middle."""
    dataset = fo.Dataset(name, persistent=True)
    paths, _ = write_digits(Path(fo.config.default_dataset_dir) / "labelscape-benchmark", count=100)
    dataset.add_sample(fo.Sample(str(paths[0]), ground_truth=fo.Classification(label="0"), brightness=0.5))
    document = dataset._sample_collection.find_one_and_delete({})
    for part in np.array_split(np.arange(n), -(-n // DOCUMENTS_AT_ONCE)):
        dataset._sample_collection.insert_many(list(documents(document, part, paths)), ordered=False)
    points = points_of(n)
    for key, flattened in ((MAP, points), (OTHER_MAP, points * [1, 0.4])):
        fob.compute_visualization(dataset, points=flattened, brain_key=key, create_index=True)
    panels = [fo.Panel(type="Samples", pinned=True), fo.Panel(type="Histograms")]
    others = [fo.Panel(type="data_explorer"), fo.Panel(type="Embeddings")]
    halves = [
        fo.Space(children=panels[:1], active_child=panels[0].component_id),
        fo.Space(children=[*panels[1:], *others], active_child=panels[1].component_id),
    ]
    dataset.save_workspace(name, fo.Space(children=halves, orientation="horizontal", sizes=[0.35, 0.65]))
    return dataset


def documents(first: dict[str, Any], rows: np.ndarray, paths: list[Path]) -> Iterator[dict[str, Any]]:
    """Sample documents as FiftyOne writes them; a million of them through its own classes would take minutes."""
    from bson import ObjectId

    random = np.random.default_rng(int(rows[0]))
    brightness = random.random(len(rows))
    labeled = random.random(len(rows)) > UNLABELED
    now = datetime.utcnow()
    for row, value, has_label in zip(rows.tolist(), brightness.tolist(), labeled.tolist(), strict=True):
        label = {**first["ground_truth"], "_id": ObjectId(), "label": str(row % len(CENTERS))} if has_label else None
        made = {"filepath": str(paths[row % len(paths)]), "ground_truth": label, "brightness": value, "_rand": value}
        yield {**first, "_id": ObjectId(), "created_at": now, "last_modified_at": now, **made}


def points_of(n: int) -> np.ndarray:
    """Points (n, 2) within -1 … 1, which the first two span."""
    random = np.random.default_rng(0)
    points = np.asarray(CENTERS)[np.arange(n) % len(CENTERS)] + random.normal(0, 0.07, (n, 2))
    points[:2] = [-1, -1], [1, 1]
    return np.clip(points, -1, 1).astype(np.float32)


def open_embeddings(page: Any) -> None:
    page.get_by_text("Embeddings", exact=True).click()
    page.locator(".emb-runs-page").wait_for()


def choose_run(page: Any) -> None:
    page.locator(".emb-runs-page").get_by_text(MAP, exact=True).click()


def open_run(page: Any) -> None:
    open_embeddings(page)
    choose_run(page)


def open_explorer(page: Any) -> None:
    page.get_by_text("Data explorer", exact=True).click()


def choose(page: Any, picker: str, option: str) -> None:
    """Choose in one of our pickers, whose list is the App's own."""
    page.get_by_role("combobox", name=picker, exact=True).click()
    page.get_by_role("option", name=re.compile(rf"^{re.escape(option)}\b")).click()


def choose_map(page: Any, key: str) -> None:
    choose(page, "Map", key)


def open_first_map(page: Any) -> None:
    open_explorer(page)
    choose_map(page, MAP)  # an earlier run may have left the other one


def color_embeddings(page: Any) -> None:
    page.locator(".emb-facet-trigger").click()
    page.locator(".emb-facet-row-label").get_by_text("brightness", exact=True).click()


@dataclass(frozen=True)
class Panel:
    """By which acts one gets about in a panel: from its tab to the map, or first to the panel and then to a map."""

    name: str
    canvas: str
    open: Callable[[Any], None]
    prepare: Callable[[Any], None]
    choose: Callable[[Any], None]
    color: Callable[[Any], None]
    use_hand: Callable[[Any], None]
    use_lasso: Callable[[Any], None]


PANELS = [
    Panel(
        name="Labelscape",
        canvas="canvas[data-testid=labelscape-map]",
        open=open_explorer,
        prepare=open_first_map,
        choose=lambda page: choose_map(page, OTHER_MAP),
        color=lambda page: choose(page, "Color by", "brightness"),
        use_hand=lambda page: page.get_by_role("button", name="Move", exact=True).click(),
        use_lasso=lambda page: page.get_by_role("button", name="Lasso", exact=True).click(),
    ),
    Panel(
        name="FiftyOne",
        canvas=".emb-plot-scene canvas",
        open=open_run,
        prepare=open_embeddings,
        choose=choose_run,
        color=color_embeddings,
        use_hand=lambda page: page.locator(".emb-mode-segment").first.click(),
        use_lasso=lambda page: page.locator(".emb-mode-segment").last.click(),
    ),
]


@dataclass(frozen=True)
class Walk:
    """One walk through a panel: what took how long, in seconds, and how many frames came while the map moved.

    Of a map that is opened or chosen: until its points are seen, and until they have their final colors.
    """

    opened: str
    opened_again: str
    map_chosen: str
    colors: float
    pan: str
    zoom: str
    lasso_drawn: float
    lasso_counted: float
    chosen: str


def walk(page: Any, panel: Panel, address: str, patience: float) -> Walk:
    """Open, open again, color, move, and lasso; ``patience`` is how long each may take, in seconds."""
    cast = Cast(page)
    waiting = [
        points_after(page, cast, panel, act, address, patience) for act in (panel.open, panel.open, panel.choose)
    ]
    with cast.recording():
        began = time.time()
        panel.color(page)
        page.wait_for_timeout(patience * 1000)
    colors = at_rest(cast.pictures(panel.canvas)) - began
    box = page.locator(panel.canvas).bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    panel.use_hand(page)
    pan = frames(page, lambda: drag(page, middle))
    page.wait_for_timeout(2000)
    zoom = frames(page, lambda: turn_wheel(page, middle))
    page.wait_for_timeout(2000)
    panel.use_lasso(page)
    drawn, counted, chosen = lassoed(page, cast, panel, box, patience)
    return Walk(*waiting, colors, pan, zoom, drawn, counted, chosen)


def points_after(page: Any, cast: Cast, panel: Panel, act: Callable[[Any], None], address: str, patience: float) -> str:
    """Seconds from an act on a fresh page until the points are seen, and until their picture is at rest."""
    page.goto(address)
    page.locator(COUNTER).filter(has_text=re.compile(r"\d samples")).wait_for(timeout=120_000)
    wait_for_rest(page)
    if act is panel.choose:
        panel.prepare(page)
        page.wait_for_timeout(patience * 1000)
    with cast.recording():
        began = time.time()
        act(page)
        page.wait_for_timeout(patience * 1000)
    pictures = cast.pictures(panel.canvas)
    return f"{points_visible(pictures) - began:.2f} / {at_rest(pictures) - began:.2f} s"


def wait_for_rest(page: Any) -> None:
    """Wait until the machine has done what the App began with: counting the fields of its sidebar, for one."""
    psutil.cpu_percent()
    quiet = 0
    for _ in range(REST_WITHIN):
        page.wait_for_timeout(1000)
        quiet = quiet + 1 if psutil.cpu_percent() < BUSY else 0
        if quiet == 3:
            return
    raise SystemExit(f"The machine has not come to rest in {REST_WITHIN} s: what else runs on it?")


def draw_around_left_half(page: Any, box: dict[str, float]) -> None:
    """Draw a lasso around the left half of a map, up to where the button is let go."""
    left, right = box["x"] + 8, box["x"] + box["width"] / 2
    top, bottom = box["y"] + 8, box["y"] + box["height"] - 8
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((left, bottom), (right, bottom), (right, top), (left + 4, top)):
        page.mouse.move(*corner, steps=8)


def lassoed(page: Any, cast: Cast, panel: Panel, box: dict[str, float], patience: float) -> tuple[float, float, str]:
    """Seconds until the map shows the selection, until the grid counts it, and what the grid counts."""
    before = page.locator(COUNTER).inner_text()
    with cast.recording():
        draw_around_left_half(page, box)
        began = time.time()
        page.mouse.up()
        page.wait_for_function(
            "([counter, before]) => { const now = document.querySelector(counter)?.innerText ?? ''; "
            "return now !== before && /\\d samples/.test(now) }",
            arg=[COUNTER, before],
            timeout=patience * 4000,
        )
        counted = time.time() - began
        page.wait_for_timeout(patience * 1000)
    return at_rest(cast.pictures(panel.canvas)) - began, counted, page.locator(COUNTER).inner_text()


def frames(page: Any, act: Callable[[], None]) -> str:
    """Milliseconds between the page's frames while something is done: half of them, and 95 %, took at most so long."""
    page.evaluate(
        "() => { const times = (window.__times = []);"
        "const tick = (now) => { times.push(now); window.__tick = requestAnimationFrame(tick) };"
        "tick(performance.now()) }"
    )
    act()
    times = page.evaluate("() => { cancelAnimationFrame(window.__tick); return window.__times }")
    gaps = np.diff(times)
    return f"{np.median(gaps):.0f} / {np.quantile(gaps, 0.95):.0f}"


def drag(page: Any, middle: tuple[float, float]) -> None:
    page.mouse.move(*middle)
    page.mouse.down()
    for turn in np.linspace(0, 2 * np.pi, MOVES):
        page.mouse.move(middle[0] + 60 * np.sin(turn), middle[1] + 60 - 60 * np.cos(turn))
        page.wait_for_timeout(16)
    page.mouse.up()


def turn_wheel(page: Any, middle: tuple[float, float]) -> None:
    page.mouse.move(*middle)
    for way in (-30, 30):
        for _ in range(MOVES // 2):
            page.mouse.wheel(0, way)
            page.wait_for_timeout(16)


@contextmanager
def served() -> Iterator[str]:
    """The App from a fresh server process, which has read nothing yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = PatientServer(port, address="127.0.0.1", do_not_track=True)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


@contextmanager
def browsed() -> Iterator[Any]:
    """A page in a browser with an empty profile."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            headless=True,
            args=CHROMIUM_FLAGS,
            viewport={"width": WIDTH, "height": HEIGHT},
        )
        page = context.pages[0]
        # FiftyOne's advertisement (1.22) lies over the App until it is dismissed.
        advertisement = page.locator(".MuiPopover-root").get_by_role("button", name="Dismiss")
        page.add_locator_handler(advertisement, lambda button: button.click())
        yield page
        context.close()


def options(description: str | None) -> argparse.ArgumentParser:
    """The command line of a benchmark of the panel: the sizes, and whether to keep the datasets."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("points", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--keep", action="store_true", help="keep the datasets, and use those of an earlier run")
    return parser


def datasets(arguments: argparse.Namespace) -> Iterator[tuple[int, str]]:
    """Size and name of a dataset of each size: made if it is not there, and deleted afterwards unless it is kept."""
    print(install())
    for n in arguments.points:
        name = f"labelscape-benchmark-{n}"
        if not fo.dataset_exists(name):
            make_dataset(name, n)
        yield n, name
        if not arguments.keep:
            fo.delete_dataset(name)


def main() -> None:
    for n, name in datasets(options(__doc__).parse_args()):
        for panel in PANELS:
            with served() as url, browsed() as page:
                done = walk(page, panel, f"{url}/datasets/{name}?workspace={name}", patience=6 + n / 30_000)
            print(f"{n:,} points, {panel.name}:")
            for field in fields(done):
                value = getattr(done, field.name)
                print(f"  {field.name:16}{value if isinstance(value, str) else f'{value:.2f} s'}", flush=True)


if __name__ == "__main__":
    main()
