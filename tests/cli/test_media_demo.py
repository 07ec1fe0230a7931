"""The demos of other media have a map, five labels per class, and the true classes for comparison."""

from collections import Counter
from dataclasses import replace

import fiftyone as fo
import pytest
from labelscape.cli import media_demo
from labelscape.cli.media_demo import DEMOS, EMBEDDINGS, LABELS, MAP, TRUTH, prepare
from labelscape.cli.synthetic import make_requests
from labelscape.ml_backend.store.embeddings import load_embeddings
from labelscape.ml_backend.store.maps import load_map


@pytest.fixture
def demo(database, monkeypatch, tmp_path):
    """The demo of texts with 80 of them."""
    monkeypatch.setattr(fo.config, "default_dataset_dir", str(tmp_path))
    small = replace(DEMOS["text"], name="labelscape-requests-test", make=lambda folder: make_requests(count=80))
    yield small
    if fo.dataset_exists(small.name):
        fo.delete_dataset(small.name)


def test_a_demo_has_a_map_of_all_five_labels_per_class_and_the_truth(demo):
    dataset = prepare(demo)
    assert len(dataset) == len(load_map(dataset, MAP).points) == 80
    assert set(Counter(dataset.exists(LABELS).values(f"{LABELS}.label")).values()) == {5}
    labeled = dataset.exists(LABELS)
    assert labeled.values(f"{LABELS}.label") == labeled.values(TRUTH)
    assert dataset.has_workspace(demo.name)


def test_a_demo_that_was_interrupted_continues_and_a_finished_one_computes_nothing(demo, monkeypatch, capsys):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(media_demo, "compute_map", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare(demo)
    dataset = prepare(demo)
    assert len(load_embeddings(dataset, EMBEDDINGS).vectors) == 80
    assert dataset.has_brain_run(MAP)
    capsys.readouterr()
    assert len(prepare(demo)) == 80
    assert "Embedded" not in capsys.readouterr().out
