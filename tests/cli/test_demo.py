"""`labelscape demo` shows all digits on their map, and computes nothing twice."""

import re
import socket
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import serve, stop, type_in


def test_the_demo_says_that_its_port_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = type_in("demo", "--port", str(port), "--address", "127.0.0.1")
    assert result.exit_code == 1
    assert f"127.0.0.1:{port}" in result.output
    assert "--port" in result.output


@pytest.fixture(scope="module")
def demo(database: None) -> Iterator[tuple[int, str, str]]:
    """The demo, served: its port, and its output at the first and the second start."""
    import fiftyone as fo

    if fo.dataset_exists("labelscape-digits"):  # of a start that failed, after which this runs again
        fo.delete_dataset("labelscape-digits")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    first, said_first = serve(port, "demo")
    stop(first)
    second, said_then = serve(port, "demo")
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
