"""The command line, as a user types it."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelscape.cli import app, digits, doctor
from typer.testing import CliRunner

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LABELSCAPE = Path(sys.executable).with_name("labelscape")
PLUGIN = "@labelscape/data-explorer"


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """FiftyOne's plugins folder, empty."""
    import fiftyone as fo

    folder = tmp_path / "plugins"
    monkeypatch.setattr(fo.config, "plugins_dir", str(folder))
    return folder


def type_in(*words: str) -> Any:
    return CliRunner().invoke(app, words)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_help_names_every_command() -> None:
    said = type_in("--help").output
    assert all(command in said for command in ("doctor", "install-plugin", "demo", "explore"))


def test_install_plugin_links_this_package(plugins: Path) -> None:
    result = type_in("install-plugin")
    assert result.exit_code == 0
    assert (plugins / "labelscape").resolve() == REPOSITORY
    assert str(plugins / "labelscape") in result.output


def test_installing_the_plugin_twice_changes_nothing(plugins: Path) -> None:
    type_in("install-plugin")
    result = type_in("install-plugin")
    assert result.exit_code == 0
    assert "Nothing to do" in result.output


def test_install_plugin_fixes_a_link_that_is_broken(plugins: Path, tmp_path: Path) -> None:
    plugins.mkdir()
    (plugins / "labelscape").symlink_to(tmp_path / "gone")
    assert type_in("install-plugin").exit_code == 0
    assert (plugins / "labelscape").resolve() == REPOSITORY


def test_install_plugin_does_not_overwrite_something_else(plugins: Path) -> None:
    (plugins / "labelscape").mkdir(parents=True)
    (plugins / "labelscape" / "notes.txt").write_text("mine")
    result = type_in("install-plugin")
    assert result.exit_code == 1
    assert "will not be overwritten" in result.output
    assert (plugins / "labelscape" / "notes.txt").read_text() == "mine"


def test_install_plugin_does_not_shadow_a_downloaded_copy(plugins: Path) -> None:
    copy = plugins / "@labelscape" / "data-explorer"
    copy.mkdir(parents=True)
    (copy / "fiftyone.yml").write_text(f'name: "{PLUGIN}"\n')
    result = type_in("install-plugin")
    assert result.exit_code == 1
    assert str(copy) in result.output
    assert not (plugins / "labelscape").exists()


def test_doctor_says_how_to_install_a_missing_plugin_and_fails(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", [doctor.check_plugin])
    result = type_in("doctor")
    assert result.exit_code == 1
    assert "✗ plugin" in result.output
    assert "labelscape install-plugin" in result.output


def test_doctor_finds_the_linked_plugin(plugins: Path) -> None:
    type_in("install-plugin")
    assert "a link to this repository" in doctor.check_plugin().found


def test_doctor_reports_a_disabled_plugin(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone.plugins as fop

    type_in("install-plugin")
    monkeypatch.setattr(fop, "list_disabled_plugins", lambda: [PLUGIN])
    assert doctor.check_plugin().fix == f"`fiftyone plugins enable {PLUGIN}`"


def test_doctor_says_why_a_plugin_does_not_load(plugins: Path) -> None:
    (plugins / "broken").mkdir(parents=True)
    (plugins / "broken" / "fiftyone.yml").write_text(f'name: "{PLUGIN}"\njs_bundle: fiftyone.yml\n')
    (plugins / "broken" / "__init__.py").write_text("import a_missing_package\n")
    finding = doctor.check_plugin()
    assert "No module named 'a_missing_package'" in finding.found
    assert "plugins requirements" in (finding.fix or "")


@pytest.mark.parametrize("url", [None, "https://hub.example", "https://hub.example/"])
def test_doctor_has_no_advice_on_a_proxy_without_a_path(url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone as fo

    monkeypatch.setattr(fo.app_config, "proxy_url", url)
    assert doctor.check_proxy().fix is None


def test_doctor_says_which_address_a_proxy_with_a_path_must_send_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone as fo

    monkeypatch.setattr(fo.app_config, "proxy_url", "https://hub.example/hub/app/")
    finding = doctor.check_proxy()
    assert "/hub/app/hub/app/plugins" in (finding.fix or "")
    assert not finding.essential


def test_doctor_reaches_mongodb() -> None:
    finding = doctor.check_mongodb()
    assert finding.fix is None
    assert finding.found[0].isdigit()


def test_doctor_notices_within_seconds_that_mongodb_does_not_answer(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fiftyone as fo
    import pymongo

    monkeypatch.setattr(fo.config, "database_uri", f"mongodb://127.0.0.1:{closed_port}")
    asked: list[Any] = []
    connect = pymongo.MongoClient
    monkeypatch.setattr(
        pymongo, "MongoClient", lambda *args, **options: asked.append(options) or connect(*args, **options)
    )
    finding = doctor.check_mongodb()
    assert "no answer" in finding.found
    assert "start it" in (finding.fix or "")
    assert asked[0]["serverSelectionTimeoutMS"] <= 5000  # PyMongo's own is 30 s


def test_doctor_reports_if_there_is_no_mongod_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone as fo
    import fiftyone.constants as foc

    monkeypatch.setattr(fo.config, "database_uri", None)
    monkeypatch.setattr(foc, "FIFTYONE_DB_BIN_DIR", str(tmp_path))
    finding = doctor.check_mongodb()
    assert finding.fix == doctor.INSTALL_MONGODB


def test_torch_and_torchvision_are_of_one_build() -> None:
    finding = doctor.check_torch()
    assert finding.fix is None
    assert "torchvision" in finding.found


def test_doctor_warns_of_vectors_that_a_reboot_deletes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import fiftyone.brain as fob

    backend = fob.brain_config.similarity_backends["lancedb"]
    monkeypatch.setitem(backend, "uri", "/tmp/lancedb")
    assert "reboot" in doctor.check_vectors().found
    monkeypatch.setitem(backend, "uri", "/var/lib/vectors")
    assert doctor.check_vectors().fix is None


def test_doctor_names_the_folder_of_the_vectors_and_what_decided_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import fiftyone.brain as fob

    # as FiftyOne starts where an earlier run wrote this folder into its configuration
    folder = str(Path(os.environ["LABELSCAPE_DIR"]) / "lancedb")
    monkeypatch.setitem(fob.brain_config.similarity_backends["lancedb"], "uri", folder)
    finding = doctor.check_vectors()
    assert os.environ["LABELSCAPE_DIR"] in finding.found
    assert "decided by the environment variable LABELSCAPE_DIR" in finding.found


def test_doctor_says_that_the_folder_of_the_vectors_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import fiftyone.brain as fob

    monkeypatch.setitem(fob.brain_config.similarity_backends["lancedb"], "uri", None)
    (tmp_path / "lancedb").write_text("a file")
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    assert "is a file, not a folder" in (doctor.check_vectors().fix or "")


def test_an_unreachable_hub_is_reported_but_is_no_failure(
    closed_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "HUBS", (f"http://127.0.0.1:{closed_port}",))
    assert doctor.report([doctor.check_hub()]) == 0
    assert "– model hubs" in capsys.readouterr().out


def test_the_digits_are_scikit_learns_pixel_by_pixel(tmp_path: Path) -> None:
    import cv2
    import numpy as np
    from sklearn.datasets import load_digits

    paths, shown = digits.write_digits(tmp_path, count=20)
    step = digits.SCALE
    images = np.stack([cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[::step, ::step] for path in paths])
    assert np.array_equal(np.round(images * (16 / 255)), load_digits().images[:20])
    assert np.array_equal(shown, load_digits().target[:20])


@pytest.mark.parametrize("count", [0, 1798])
def test_asking_for_digits_that_do_not_exist_is_an_error(count: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"count is {count}.*1 to 1797"):
        digits.write_digits(tmp_path, count=count)


def test_the_demo_says_that_its_port_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = type_in("demo", "--port", str(port), "--address", "127.0.0.1")
    assert result.exit_code == 1
    assert f"127.0.0.1:{port}" in result.output
    assert "--port" in result.output


def serve_demo(port: int) -> tuple[subprocess.Popen[str], str]:
    """Start ``labelscape demo`` and wait until it prints its address; return the process and its output until then."""
    command = [str(LABELSCAPE), "demo", "--no-browser", "--port", str(port)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=_take_interrupts,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if f"http://localhost:{port}/datasets/" in line:
            return process, "".join(said)
    raise AssertionError("the demo ended: " + "".join(said))


def _take_interrupts() -> None:
    # A shell that runs the tests in background lets all its children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def demo(database: None) -> Iterator[tuple[int, str, str]]:
    """The demo, served: its port, and its output at the first and the second start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    first, said_first = serve_demo(port)
    stop(first)
    second, said_then = serve_demo(port)
    yield port, said_first, said_then
    stop(second)


@pytest.mark.slow
def test_the_demo_has_all_digits_fifty_labels_and_a_map(demo: tuple[int, str, str]) -> None:
    import fiftyone as fo

    dataset = fo.load_dataset("labelscape-digits")
    assert len(dataset) == 1797
    assert dataset.count_values("ground_truth.label") == {str(digit): 5 for digit in range(10)} | {None: 1747}
    assert dataset.load_brain_results("digits_map").points.shape == (1797, 2)


@pytest.mark.slow
def test_the_demo_computes_nothing_the_second_time(demo: tuple[int, str, str]) -> None:
    port, first, then = demo
    assert "Embedded 1,797 samples" in first
    assert "Embedded" not in then
    assert urllib.request.urlopen(f"http://localhost:{port}/fiftyone", timeout=60).status == 200


@pytest.mark.slow
def test_the_demo_draws_the_map_beside_the_samples_and_unlabeled_digits_gray(
    demo: tuple[int, str, str], page: Any
) -> None:
    import cv2
    import numpy as np
    from playwright.sync_api import expect

    page.goto(f"http://localhost:{demo[0]}/datasets/labelscape-digits?workspace=labelscape-digits")
    expect(page.get_by_text("1,797 samples")).to_be_visible(timeout=60_000)
    expect(page.locator("[data-cy='looker']").first).to_be_visible(timeout=60_000)
    explorer = page.get_by_test_id("labelscape-map")
    expect(explorer).to_have_attribute("aria-label", re.compile("1,?797"), timeout=60_000)
    page.locator("[data-cy='panel-tab-embeddings']").click()
    panel = page.locator("[data-cy='panel-content-Embeddings']")
    panel.get_by_text("digits_map").click()
    expect(panel.get_by_text("1,797 points")).to_be_visible(timeout=60_000)
    panel.get_by_text("Color by").click()
    page.get_by_text("ground_truth.label").last.click()
    expect(panel.get_by_text("Double-click to isolate")).to_be_visible(timeout=60_000)

    picture = cv2.imdecode(np.frombuffer(panel.locator("canvas").first.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    saturation, brightness = cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV))[1:]
    gray = ((saturation < 20) & (brightness > 70)).sum()
    colored = ((saturation > 80) & (brightness > 70)).sum()
    assert gray > 5_000  # 1,747 points of about 20 pixels, many of them hidden by others
    assert 50 < colored < gray
