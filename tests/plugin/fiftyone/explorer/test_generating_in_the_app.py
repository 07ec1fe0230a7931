"""“Generate explorer” in the real App: from nothing to a map, and with one's own network."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

from ...shown import Shown, beside_samples

pytestmark = pytest.mark.slow


@pytest.fixture
def bare(make_digits_dataset: Callable[..., Any], app: Any, request: pytest.FixtureRequest) -> Shown:
    """The App on 60 digits of which nothing is known: no label, no embeddings, no map."""
    dataset = make_digits_dataset(60, labeled=0)
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    return Shown(page, app.address(dataset.name, workspace=dataset.name), dataset)


@pytest.fixture
def network(tmp_path: Path) -> str:
    """The file of a network that says its size, and nothing else of its input."""
    import torch
    from torch import nn

    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    torch.onnx.export(net.eval(), (torch.zeros(1, 3, 20, 20),), tmp_path / "net.onnx", dynamo=False)
    return str(tmp_path / "net.onnx")


def test_from_nothing_each_empty_state_offers_the_next_step(network: str, bare: Shown) -> None:
    panel = bare.panel
    bare.open()
    bare.sees(panel.get_by_role("heading", name="No embeddings yet"))
    bare.shot("explorer-no-embeddings")
    panel.get_by_label("Your own network").check()
    generate = panel.get_by_role("button", name="Generate explorer")
    assert generate.is_disabled()
    panel.get_by_label("Network", exact=True).fill("/nowhere/net.onnx")
    bare.sees(panel.get_by_text(re.compile("There is no file '/nowhere/net.onnx'")))  # before the start
    assert generate.is_disabled()
    panel.get_by_label("Network", exact=True).fill(network)
    bare.sees(panel.get_by_text("Still needed: its mean and standard deviation, which the file does not declare."))
    panel.get_by_role("combobox", name="Embedding taken from").click()
    bare.sees(bare.page.get_by_role("option").filter(has_text="4 × 18 × 18 · Conv"))
    bare.page.keyboard.press("Escape")
    bare.pick("Normalization", "0 to 1")
    bare.sees(panel.get_by_label("Keep its predictions in"))
    assert generate.is_enabled()
    bare.both_shots("explorer-own-network")
    panel.get_by_label("Preprocessing only").check()
    panel.get_by_label("Then make a 2D map from them").uncheck()
    panel.get_by_role("button", name="Generate explorer").click()
    bare.sees(panel.get_by_role("heading", name="Work in progress"))
    assert bare.page.evaluate("document.activeElement.closest('.ls-root') !== null")  # the keys are still the panel's
    bare.sees(panel.get_by_role("heading", name="No map yet"), 120_000)
    bare.shot("explorer-no-map")
    panel.get_by_role("button", name="Generate other embeddings…").click()
    panel.get_by_label("Your own network").check()
    panel.get_by_label("Network", exact=True).fill("/nowhere/other.onnx")
    bare.sees(panel.get_by_text(re.compile("There is no file '/nowhere/other.onnx'")))
    panel.get_by_label("Vectors you have").check()
    panel.get_by_label("File", exact=True).fill("/nowhere/vectors.parquet")
    panel.get_by_role("button", name="Generate explorer").click()
    bare.sees(panel.get_by_text(re.compile("nowhere/vectors.parquet")).first)
    bare.sees(panel.get_by_role("heading", name="No map yet"))  # nothing is left behind
    assert panel.get_by_label("File", exact=True).input_value() == "/nowhere/vectors.parquet"  # to be mended
    panel.get_by_role("button", name="Use existing embeddings").click()
    bare.pick("Method", "PCA")
    panel.get_by_role("button", name="Compute map").click()
    bare.map_says("2D map of 60 samples, 0 selected")
    bare.sees(panel.get_by_text("Nothing is labeled yet."))
    bare.shot("explorer-nothing-labeled")

    first = bare.dataset._sample_collection.find_one()
    bare.page.wait_for_timeout(1_000)  # ids know the second they were made in
    bare.dataset._sample_collection.insert_many([{**first, "_id": ObjectId()} for _ in range(3)])
    bare.sees(panel.get_by_text("Out of date: 3 samples are not on this map"))
    bare.shot("explorer-stale")
    panel.get_by_role("button", name="Update").click()
    bare.map_says("2D map of 63 samples, 0 selected")
    bare.gone(panel.get_by_text("Out of date:"))
    assert bare.errors == []


def test_the_name_of_a_model_may_begin_as_that_of_an_offered_one_does(shown: Shown) -> None:
    from playwright.sync_api import expect

    page, panel = shown.page, shown.panel
    shown.open()
    shown.map_says("2D map of 120 samples, 0 selected")
    shown.choose("Actions", "Generate explorer…")
    dialog = panel.get_by_role("dialog", name="Generate explorer")
    dialog.get_by_label("Pretrained model").check()
    model = dialog.get_by_role("combobox", name="Model", exact=True)
    offered = model.locator(".ls-picker-value").inner_text()
    model.click()
    page.get_by_role("option", name=re.compile("^Another…")).click()
    name = dialog.get_by_label("Name", exact=True)
    name.click()
    page.keyboard.type(f"{offered}-variant")
    expect(name).to_have_value(f"{offered}-variant")
    expect(panel.get_by_label("Pending changes")).to_have_count(0)  # none of the letters was a command
