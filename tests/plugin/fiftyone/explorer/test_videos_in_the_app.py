"""The panel on a dataset of videos in the real App: from nothing to a labeled map."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ...shown import Shown, beside_samples

pytestmark = pytest.mark.slow

COUNT = 12


@pytest.fixture
def filmed(make_digits_dataset: Callable[..., Any], app: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Shown:
    """The App on short videos, half of them dark and half of them bright, without embeddings."""
    import fiftyone as fo

    dataset = make_digits_dataset(1)
    dataset.clear()
    dataset.media_type = "video"
    for number in range(COUNT):
        path = str(tmp_path / f"film-{number:02}.mp4")
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"VP90"), 5, (96, 72))
        for frame in range(6):
            image = np.full((72, 96, 3), 40 if number % 2 else 200, np.uint8)
            image[10:30, 5 + 4 * frame + number : 25 + 4 * frame + number] = 120
            writer.write(image)
        writer.release()
        dataset.add_sample(fo.Sample(filepath=path, light="dark" if number % 2 else "bright"))
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    return Shown(page, app.address(dataset.name, workspace=dataset.name), dataset, f"{COUNT} samples")


def test_videos_get_a_map_a_preview_and_labels(filmed: Shown) -> None:
    page, panel = filmed.page, filmed.panel
    filmed.open()
    filmed.sees(panel.get_by_role("heading", name="No embeddings yet"))
    assert panel.get_by_role("radio", name="Image model on frames").is_checked()
    panel.get_by_role("button", name="Generate explorer").click()
    filmed.map_says(f"2D map of {COUNT} samples, 0 selected")
    filmed.pick("Color by", "light")
    filmed.gone(panel.get_by_text("meaning"))  # no text tower
    filmed.find("film-03")
    preview = panel.get_by_label("Preview", exact=True)
    filmed.sees(preview.get_by_role("heading", name="film-03.mp4"))
    filmed.sees(preview.locator("video[controls]"))
    page.wait_for_function("document.querySelector('.ls-preview video').readyState >= 2")
    filmed.both_shots("explorer-video")
    filmed.label("night")
    panel.get_by_role("button", name="Skip").click()
    filmed.pending_says("1 label pending")
    page.keyboard.press("s")
    filmed.gone(panel.get_by_label("Pending changes"))
    assert filmed.labels()[3] == "night"
    assert filmed.errors == []
