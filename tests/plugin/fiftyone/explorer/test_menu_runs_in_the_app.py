"""A long run from the App's menu, in the real App: no window blocks it; the panel shows it, stops it, and ends it."""

from collections.abc import Callable
from typing import Any

import fiftyone as fo
import numpy as np
import pytest
from sklearn.datasets import load_digits

from ...conftest import give_map
from ...shown import Shown, beside_samples

pytestmark = pytest.mark.slow

COUNT, COPIES = 1500, 4  # t-SNE of so many takes longer than a run may stay in the form, and can be stopped in time
HALF = 3000  # the run that ends: still longer than a run may stay in the form
WHOLE_RUN = 600_000  # milliseconds, on a busy machine


@pytest.fixture
def many(make_digits_dataset: Callable[..., Any], app: Any, request: pytest.FixtureRequest) -> Shown:
    dataset = make_digits_dataset(COUNT)
    paths = dataset.values("filepath")
    dataset.add_samples([fo.Sample(filepath=path) for _ in range(COPIES - 1) for path in paths])
    vectors = np.tile(np.asarray(load_digits().data[:COUNT], np.float32), (COPIES, 1))
    give_map(dataset, vectors + np.random.default_rng(0).normal(size=vectors.shape).astype(np.float32))
    dataset.save_view("Half", dataset[:HALF])
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    return Shown(page, app.address(dataset.name, workspace=dataset.name), dataset, "6,000 samples")


def start_tsne(shown: Shown) -> None:
    """Execute “compute map” from the App's list of operators."""
    page = shown.page
    page.locator("[data-cy=entry-counts]").click()
    page.keyboard.press("`")
    page.get_by_placeholder("Search operations").fill("Labelscape: compute map")
    page.get_by_text("Labelscape: compute map", exact=True).first.click()
    form = page.get_by_role("dialog").filter(has_text="Labelscape: compute map")
    form.get_by_role("radio", name="t-SNE").check()
    shown.sees(form.get_by_text("Perplexity").first)  # the form has followed
    page.wait_for_timeout(3_000)  # the App (1.22) resolves the form again; a click meanwhile is lost
    form.get_by_role("button", name="Execute").click()
    shown.gone(form)


def test_a_long_run_of_the_menu_is_in_the_panel_and_blocks_nothing(many: Shown) -> None:
    many.open()
    many.map_says("2D map of 6,000 samples, 0 selected")
    start_tsne(many)
    jobs = many.panel.get_by_role("group", name="Job: Compute map")
    many.sees(jobs.get_by_role("progressbar"))
    jobs.get_by_role("button", name="Stop").click()  # at once: a fast machine takes a few seconds in all
    many.sees(jobs.get_by_text("Stopped. Work finished before that is kept."))

    many.page.goto(f"{many.page.url}&view=half")
    many.grid_says("3,000 samples")
    many.map_says("2D map of 6,000 samples, 0 selected")
    start_tsne(many)
    many.map.hover()
    many.page.keyboard.press("v")
    many.map_says("2D map of 6,000 samples, 3,000 selected")
    result = many.panel.get_by_text("(t-SNE, 2D) shows 3,000 samples")
    many.sees(result, WHOLE_RUN)
    many.page.mouse.move(0, 0)
    many.gone(result)  # after half a minute: nobody has to close it
    assert many.errors == []
