"""What the preview shows of samples whose picture is a card."""

import os

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
    names = [fact["name"] for fact in panel.do("facts", **panel.map, rows=[0, 1, 2])["facts"]]
    assert sorted(names)[1:] == ["other", "short"]
    assert long.startswith(sorted(names)[0].rstrip("…"))
    assert len(sorted(names)[0]) <= 81


def test_a_blank_text_has_the_name_of_its_card(mapped, tmp_path):
    pd.DataFrame({"text": ["one", "two"]}).to_csv(tmp_path / "requests.csv", index=False)
    panel = mapped(Source(tmp_path / "requests.csv", "text"))
    blank = fo.load_dataset("medium-text").first()
    blank["text"] = "  \n "
    blank.save()
    fact = panel.do("facts", **panel.map, rows=[0])["facts"][0]
    assert (fact["id"], fact["name"]) == (blank.id, os.path.basename(blank.filepath))


def test_a_series_is_zoomed_by_reading_a_stretch_again(mapped, tmp_path):
    write_motions(tmp_path / "motions", count=6)
    panel = mapped(Source(tmp_path / "motions", "series"))
    name = panel.do("facts", **panel.map, rows=[0])["facts"][0]["name"]
    assert (tmp_path / "motions" / name).exists()  # the series, not its card
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
