"""`labelscape explore`: a folder of images becomes a dataset with a map, and nothing is done twice."""

import shutil
import uuid
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
from labelscape.cli.digits import write_digits
from labelscape.cli.explore import EMBEDDINGS, LABELS, MAP, Exploration, prepare
from labelscape.ml_backend.errors import Refusal

from .conftest import serve, stop


@pytest.fixture
def photos(tmp_path: Path, database: None) -> Path:
    """Forty digits in folders named after them, next to a file that is not an image."""
    paths, digits = write_digits(tmp_path / "digits", count=60)
    folder = tmp_path / "photos"
    for path, digit in zip(paths[:40], digits[:40].tolist(), strict=True):
        (folder / str(digit)).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / str(digit))
    (folder / "notes.txt").write_text("not an image")
    return folder


@pytest.fixture
def exploration(photos: Path):
    yield Exploration(photos, "explored", "preprocessing", None, labels_from_folders=True)
    if fo.dataset_exists("explored"):
        fo.delete_dataset("explored")


def test_a_folder_becomes_a_labeled_dataset_with_a_map(exploration: Exploration) -> None:
    dataset = prepare(exploration)
    assert len(dataset) == 40
    assert dataset.count(LABELS) == 40
    assert dataset.first()[LABELS].label == Path(dataset.first().filepath).parent.name
    assert dataset.load_brain_results(MAP).points.shape == (40, 2)
    assert dataset.has_workspace(exploration.workspace)


def test_running_it_again_embeds_only_what_is_new(exploration: Exploration, photos: Path, capsys) -> None:
    prepare(exploration)
    capsys.readouterr()
    prepare(exploration)
    assert "Embedded" not in capsys.readouterr().out
    shutil.copy(photos.parent / "digits" / "digit-0050.png", photos / "new.png")
    dataset = prepare(exploration)
    assert "Embedded 1 sample" in capsys.readouterr().out
    assert len(dataset) == 41
    assert dataset.has_brain_run(EMBEDDINGS)
    assert dataset.load_brain_results(MAP).points.shape == (41, 2)


def test_a_folder_without_images_is_refused_and_leaves_no_dataset(tmp_path: Path, database: None) -> None:
    (tmp_path / "readme.txt").write_text("nothing to see")
    with pytest.raises(Refusal, match="has no images"):
        prepare(Exploration(tmp_path, "explored-empty", "preprocessing", None, labels_from_folders=False))
    assert not fo.dataset_exists("explored-empty")


def test_a_dataset_of_something_else_is_never_touched(exploration: Exploration) -> None:
    mine = fo.Dataset("explored", persistent=True)
    with pytest.raises(Refusal, match="exists already"):
        prepare(exploration)
    assert len(mine) == 0


def test_a_name_that_fiftyone_does_not_take_is_refused_with_the_way_out(photos: Path) -> None:
    with pytest.raises(Refusal, match=r"FiftyOne cannot call a dataset '…'.*--name"):
        prepare(Exploration(photos, "…", "preprocessing", None, labels_from_folders=False))


@pytest.mark.slow
def test_a_folder_opens_at_its_map_whatever_its_name(
    tmp_path: Path, database: None, closed_port: int, page: Any
) -> None:
    folder = tmp_path / f"My photos_{uuid.uuid4().hex}"  # not opened before, should this test run again
    write_digits(folder, count=40)
    process, said = serve(closed_port, "explore", str(folder))
    try:
        page.goto(next(word for word in said.split() if "/datasets/" in word))
        page.locator("[data-testid=labelscape-map][aria-label*='40 samples']").wait_for()
    finally:
        stop(process)
