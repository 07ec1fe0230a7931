"""A search by text in the App, by a network with a text tower: from the text box to the results, best first."""

from pathlib import Path
from typing import Any

import pytest

from ..plugin.conftest import give_map
from .test_search_in_the_app import execute_named, open_entry

WORDS = ["nothing", "three birds", "a red car", "a house by the sea", "snow", "a zero"]


@pytest.fixture
def dataset(make_digits_dataset: Any, tmp_path: Path) -> Any:
    """Six samples, each with the vector of a text, by an open_clip network with random weights."""
    import open_clip
    import torch
    from labelscape.ml_backend.embedding import load
    from labelscape.ml_backend.embedding.base import TextTower

    torch.manual_seed(0)
    torch.save(open_clip.create_model("ViT-S-32-alt", pretrained=None).state_dict(), tmp_path / "clip.pt")
    name, options = "open_clip/ViT-S-32-alt", {"weights": str(tmp_path / "clip.pt")}
    model = load(name, **options)
    assert isinstance(model, TextTower)
    dataset = make_digits_dataset(len(WORDS))
    give_map(dataset, model.embed_text(WORDS), model=name, options=options)
    return dataset


@pytest.mark.slow
def test_the_sample_that_a_text_describes_is_the_first_result(
    app: Any, dataset: Any, page: Any, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    page.goto(app.address(dataset.name))
    expect(page.locator("[data-cy='looker']").first).to_be_visible()
    form = open_entry(page, "search similar")
    expect(form.get_by_text("Describe the images in words")).to_be_visible()
    execute_named(form, "three birds")
    expect(page.get_by_role("dialog").filter(has_text="Found 6 samples among 6")).to_be_visible()
    documents = dataset._sample_collection.find({}).sort("_id", 1)
    scores = [document["search_score"] for document in documents]
    assert max(scores) == scores[WORDS.index("three birds")] > 0.99
    expect(page.locator("[data-cy=entry-counts]")).to_have_text("6 samples")
    page.screenshot(path=tmp_path / "found.png")
