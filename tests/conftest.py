"""Fixtures: the tests' own FiftyOne, real digits in it, its App, and a browser.

Everything FiftyOne reads or writes is set up here, before FiftyOne is imported: a temporary folder and a
MongoDB of this test run. FiftyOne itself would join any MongoDB that runs for this user, whatever its folder.
"""

import atexit
import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as property_settings
from labelscape.testing.label_studio import QUICK_PACE, LabelscapeServer, LabelStudioServer
from labelscape.testing.processes import free_port, listens, start, stop, wait_for

REPOSITORY = Path(__file__).resolve().parent.parent
PLUGIN = "@labelscape/data-explorer"
# These know no host, so they run without waiting for a database.
HOSTLESS = (REPOSITORY / "tests/ml_backend/analysis", REPOSITORY / "tests/ml_backend/embedding")
PATIENCE_MS = 120_000  # how long a browser test waits for anything: a busy machine is slow, not wrong
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Threads that spin while they wait for each other took most of the processor time where two processes share two
# cores: OpenBLAS multiplies in one thread, and those of OpenMP sleep. Libraries read these variables when they are
# imported, here and in servers.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Properties hold however long an example takes on a busy machine.
property_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
property_settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In CI, run a failed end-to-end test once more; the summary lists it.

    Hundreds of them meet the hosts' own races (FiftyOne's forms, for example, now and then lose a change of
    theirs). A developer's run tries none twice, so that a race of ours shows.
    """
    if os.environ.get("PYTEST_XDIST_WORKER"):
        # Long files come first, and short ones fill the end, where one process would wait minutes for the other.
        long = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in long)
    if os.environ.get("CI"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.flaky(reruns=1))


def _isolate_fiftyone(home: Path, database_port: int) -> None:
    for name in [name for name in os.environ if name.startswith("FIFTYONE_") and name != "FIFTYONE_DATABASE_URI"]:
        del os.environ[name]
    if _mongod() is not None:
        os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{database_port}"
    # On a MongoDB that is not ours (no mongod here), a database of this run's own is all we touch.
    os.environ["FIFTYONE_DATABASE_NAME"] = f"labelscape-test-{uuid.uuid4().hex[:12]}"
    os.environ["FIFTYONE_DATABASE_DIR"] = str(home / "database")
    os.environ["FIFTYONE_DEFAULT_DATASET_DIR"] = str(home / "datasets")
    os.environ["FIFTYONE_DATASET_ZOO_DIR"] = str(home / "dataset-zoo")
    os.environ["FIFTYONE_MODEL_ZOO_DIR"] = str(home / "model-zoo")
    os.environ["FIFTYONE_PLUGINS_DIR"] = str(home / "plugins")
    for kind in ("CONFIG", "APP_CONFIG", "BRAIN_CONFIG", "ANNOTATION_CONFIG", "EVALUATION_CONFIG"):
        os.environ[f"FIFTYONE_{kind}_PATH"] = str(home / f"{kind.lower()}.json")
    os.environ["FIFTYONE_DO_NOT_TRACK"] = "true"
    os.environ["FIFTYONE_SHOW_PROGRESS_BARS"] = "false"
    os.environ["LABELSCAPE_DIR"] = str(home / "labelscape")
    (home / "plugins").mkdir()
    (home / "plugins" / "labelscape").symlink_to(REPOSITORY)


def _mongod() -> str | None:
    package = importlib.util.find_spec("fiftyone")
    assert package is not None
    assert package.submodule_search_locations
    own = Path(package.submodule_search_locations[0]) / "db" / "bin" / "mongod"
    return str(own) if own.exists() else shutil.which("mongod")


HOME = Path(tempfile.mkdtemp(prefix="labelscape-test-"))
DATABASE_PORT = free_port()
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
_isolate_fiftyone(HOME, DATABASE_PORT)


@pytest.fixture(scope="session", autouse=True)
def database(request: pytest.FixtureRequest) -> None:
    """This run's own MongoDB, in a temporary folder; not started if no selected test can need it."""
    if all(any(folder in item.path.parents for folder in HOSTLESS) for item in request.session.items):
        return
    mongod = _mongod()
    if mongod is None:
        atexit.register(_drop_database)
        return
    folder = HOME / "database"
    folder.mkdir()
    command = [mongod, "--dbpath", str(folder), "--port", str(DATABASE_PORT), "--bind_ip", "127.0.0.1"]
    command += ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.5", "--logpath", str(HOME / "mongod.log")]
    process = start(command, stdout=subprocess.DEVNULL)
    # Stopped at exit and not before: at its own exit, FiftyOne (1.22) would wait 30 s for a MongoDB that is gone.
    atexit.register(stop, process)
    wait_for("MongoDB", lambda: listens(DATABASE_PORT), process)


def _drop_database() -> None:
    import pymongo

    pymongo.MongoClient(os.environ["FIFTYONE_DATABASE_URI"]).drop_database(os.environ["FIFTYONE_DATABASE_NAME"])


@pytest.fixture
def make_digits_dataset() -> Iterator[Callable[..., Any]]:
    """Factory of FiftyOne datasets of real digits: ``make_digits_dataset(n, name=None, labeled=None)``.

    ``ground_truth`` holds the labels ("0" … "9") of the first ``labeled`` samples, all by default;
    ``true_digit`` has every sample's. Datasets made are deleted afterwards.
    """
    import fiftyone as fo
    from labelscape.cli.digits import write_digits

    made: list[str] = []

    def make(n: int = 300, name: str | None = None, *, labeled: int | None = None) -> Any:
        paths, digits = write_digits(HOME / "digits", count=n)
        dataset = fo.Dataset(name or f"digits-{uuid.uuid4().hex[:8]}", persistent=True)
        made.append(dataset.name)
        dataset.add_sample_field("ground_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
        labeled = n if labeled is None else labeled
        dataset.add_samples(
            fo.Sample(
                filepath=str(path),
                true_digit=str(digit),
                ground_truth=fo.Classification(label=str(digit)) if index < labeled else None,
            )
            for index, (path, digit) in enumerate(zip(paths, digits, strict=True))
        )
        return dataset

    yield make
    for name in made:
        if fo.dataset_exists(name):
            fo.delete_dataset(name)


@pytest.fixture
def digits_dataset(make_digits_dataset: Callable[..., Any]) -> Any:
    """A FiftyOne dataset of the first 300 digits, all labeled."""
    return make_digits_dataset(300)


@dataclass(frozen=True)
class App:
    """The FiftyOne App as a server process shows it."""

    url: str

    def address(self, dataset: str, workspace: str | None = None) -> str:
        return f"{self.url}/datasets/{dataset}" + (f"?workspace={workspace}" if workspace else "")


@pytest.fixture(scope="session")
def app(database: None) -> Iterator[App]:
    """FiftyOne's own App server on the tests' database, with this repository as its plugin."""
    import fiftyone.constants as foc

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (HOME / "app.log").open("wb") as log:
        process = start(
            [sys.executable, "main.py", "--port", str(port), "--address", "127.0.0.1"],
            cwd=foc.SERVER_DIR,
            env={**os.environ, "HOME": str(HOME)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for("The App", lambda: _answers(f"{url}/fiftyone"), process)
        yield App(url)
    finally:
        stop(process)


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return bool(urllib.request.urlopen(url, timeout=5).status == 200)
    return False


@pytest.fixture(scope="session")
def label_studio() -> Iterator[LabelStudioServer]:
    """A real Label Studio, started once: the first start takes half a minute. Create your own project in it."""
    server = LabelStudioServer(HOME / "label-studio")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def labelscape_server(database: None) -> Iterator[LabelscapeServer]:
    """The real `labelscape serve`, on the tests' database."""
    server = LabelscapeServer(HOME / "labelscape-server", QUICK_PACE)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def page(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A Playwright page in headless Chromium, new profile; a failed test leaves test-results/<test>.png.

    Playwright keeps an event loop running in this thread, so a test cannot execute operators itself while it
    has a page: prepare the dataset in a fixture that comes before `page`.
    """
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    names = [os.environ.get("CHROMIUM") or "", *CHROMIUM_NAMES]
    executable = next((path for name in names if name and (path := shutil.which(name))), None)
    if executable is None:
        message = "no Chromium: apt-get install chromium, or CHROMIUM=/path/to/chrome"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=executable,
            headless=True,
            # The hosts' megabytes of JavaScript are fetched and compiled once; nothing else is shared with other tests.
            args=[*CHROMIUM_FLAGS, f"--disk-cache-dir={HOME / 'browser-cache'}"],
            viewport={"width": 1440, "height": 900},
        )
        try:
            context.set_default_timeout(PATIENCE_MS)
            page = context.pages[0]
            # FiftyOne's advertisement (1.22) lies over the App until it is dismissed.
            advertisement = page.locator(".MuiPopover-root").get_by_role("button", name="Dismiss")
            page.add_locator_handler(advertisement, lambda button: button.click())
            yield page
            if request.node.stash.get(FAILED, False):
                results = REPOSITORY / "test-results"
                results.mkdir(exist_ok=True)
                page.screenshot(path=results / f"{request.node.name}.png")
        finally:
            context.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print why a test failed that ran again: it would be lost where the second run passes."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"first run of {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":  # type: ignore[attr-defined]
        item.stash[FAILED] = report.failed  # type: ignore[attr-defined]
    return report
