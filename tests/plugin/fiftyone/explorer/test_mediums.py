"""What the preview shows of samples whose picture is a card."""

import fiftyone as fo
import numpy as np
import pandas as pd
import pytest
from labelscape.cli.synthetic import write_motions
from labelscape.ml_backend.actions.import_media import import_media
from labelscape.ml_backend.actions.medium_sources import Source

from ...conftest import give_map, numbers


@pytest.fixture
def mapped(make_explorer, database):
    made = []

    def make(source):
        dataset = fo.load_dataset(import_media(source, name=f"medium-{source.kind}").dataset)
        made.append(dataset.name)
        give_map(dataset, np.random.default_rng(0).normal(size=(len(dataset), 8)).astype(np.float32))
        panel = make_explorer(dataset)
        panel.load("flat")
        return panel

    yield make
    for name in made:
        fo.delete_dataset(name)


def test_the_preview_of_a_text_has_all_of_it(mapped, tmp_path):
    long = "My card was lost. " * 200
    pd.DataFrame({"text": [long, "short", "other"]}).to_csv(tmp_path / "requests.csv", index=False)
    panel = mapped(Source(tmp_path / "requests.csv", "text"))
    assert panel.state["medium"] == "text"
    texts = [panel.do("medium", **panel.map, row=row)["medium"]["text"] for row in range(3)]
    assert long.strip() in [text.strip() for text in texts]


def test_a_series_is_zoomed_by_reading_a_stretch_again(mapped, tmp_path):
    write_motions(tmp_path / "motions", count=6)
    panel = mapped(Source(tmp_path / "motions", "series"))
    whole = panel.do("medium", **panel.map, row=0)["medium"]
    times = numbers(whole["times"], "<f4")
    assert whole["channels"]
    assert all(len(numbers(channel["values"], "<f4")) == len(times) for channel in whole["channels"])
    start, end = times[len(times) // 4], times[len(times) // 2]
    part = numbers(panel.do("medium", **panel.map, row=0, start=start, end=end)["medium"]["times"], "<f4")
    assert start - 1 <= part[0] <= part[-1] <= end + 1
    assert len(part) < len(times)


def test_a_picture_is_its_own_medium(explorer):
    assert explorer.state["medium"] is None
    assert explorer.do("medium", **explorer.map, row=0)["medium"] is None
