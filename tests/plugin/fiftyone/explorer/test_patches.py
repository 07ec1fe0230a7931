"""The data explorer on a map of patches: every row is an object inside a sample."""

import base64

import fiftyone as fo
import numpy as np
import pytest
from sklearn.datasets import load_digits

from ...conftest import give_map

BOXES = [[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 0.5, 0.5], [0.0, 0.5, 0.5, 0.5]]


@pytest.fixture
def patches(make_digits_dataset):
    """20 samples with 3 boxes each, the first box of each labeled."""
    dataset = make_digits_dataset(20, labeled=0)
    for row, sample in enumerate(dataset.iter_samples(autosave=True)):
        sample["parts"] = fo.Detections(
            detections=[
                fo.Detection(bounding_box=box, label="loop" if place == 0 else None, size=float(3 * row + place))
                for place, box in enumerate(BOXES)
            ]
        )
    dataset.add_dynamic_sample_fields()
    give_map(dataset, np.asarray(load_digits().data[:60], np.float32), "parts")
    return dataset


@pytest.fixture
def panel(make_explorer, patches):
    panel = make_explorer(patches)
    panel.load("flat")
    return panel


def objects(dataset):
    return fo.load_dataset(dataset.name).values("parts.detections.id", unwind=True)


def object_labels(dataset):
    return fo.load_dataset(dataset.name).values("parts.detections.label", unwind=True)


def test_rows_are_objects_with_their_own_fields(panel, patches):
    assert (panel.state["map"]["n"], panel.state["map"]["noun"]) == (60, "object")
    assert (panel.state["label_field"], panel.state["label_fields"]) == ("parts", ["parts"])
    assert panel.states() == [1, 0, 0] * 20
    assert panel.field("parts.detections.label") == ["loop", None, None] * 20
    assert panel.field("parts.detections.size") == [float(row) for row in range(60)]
    truth = patches.values("true_digit")
    assert panel.field("true_digit") == [digit for digit in truth for _ in BOXES]


def test_facts_show_the_part_of_the_image(panel, patches):
    fact = panel.do("facts", **panel.map, rows=[4])["facts"][0]
    assert (fact["id"], fact["crop"]) == (objects(patches)[4], BOXES[1])
    assert fact["thumbnail"] == patches.values("filepath")[1]
    panel.do("grow", **panel.rows(4), k=1)  # the neighbors, which are found in background, are there
    preview = panel.do("preview", **panel.map, row=4, k=3)["preview"]
    assert preview["sample_id"] == patches.values("id")[1]
    assert ["size", "4"] in preview["fields"]
    assert len(preview["neighbors"]) == 3


def test_objects_are_labeled_deleted_saved_and_restored(panel, patches):
    before = object_labels(patches)
    panel.do("set_label", **panel.rows(1, 2), label="stem")
    panel.do("delete", **panel.rows(5))
    panel.do("save")
    assert object_labels(patches)[:5] == ["loop", "stem", "stem", "loop", None]
    assert len(objects(patches)) == 59
    places, _ = panel.column(panel.state["map"]["positions"])
    assert np.flatnonzero(np.isnan(places[:, 0])).tolist() == [5]
    panel.do("undo")
    assert object_labels(patches) == before
    assert panel.states() == [1, 0, 0] * 20


def test_the_label_of_an_object_reaches_its_neighbors(panel, patches):
    panel.do("set_label", **panel.rows(1), label="stem")
    answer = panel.do("label_neighbors", **panel.map, rows=[1], label="stem")
    order = np.frombuffer(base64.b64decode(answer["order"]), "<u4").tolist()
    assert order
    assert not {row for row in order if row % 3 == 0}
    rows = base64.b64encode(np.asarray(order[:2], "<u4").tobytes()).decode()
    assert panel.do("accept_neighbors", **panel.map, anchors=[1], rows=rows, label="stem")["count"] == 2
    panel.do("save")
    assert [object_labels(patches)[row] for row in order[:2]] == ["stem"] * 2


@pytest.mark.parametrize("shown", ["samples", "patches"])
def test_the_grid_shows_the_selected_objects_in_both_kinds_of_view(panel, patches, shown):
    import fiftyone.server.view as fosv

    dataset = fo.load_dataset(patches.name)
    view = dataset.view() if shown == "samples" else dataset.to_patches("parts")
    panel.view = {"view": view._serialize()}
    stage = panel.do("select", **panel.rows(1, 4))["stage"]
    grid = fosv.get_view(dataset, stages=view._serialize(), extended_stages=dict(stage))
    ids = patches.values("id")[:2] if shown == "samples" else [objects(patches)[row] for row in (1, 4)]
    assert sorted(grid.values("id")) == sorted(ids)


def test_objects_outside_the_apps_view_are_marked(panel, patches):
    panel.view = {"view": patches.select(patches.values("id")[:2])._serialize()}
    panel.do("sync", revision=-1)
    mask, _ = panel.column(panel.state["map"]["in_view"])
    assert mask[:, 0].tolist() == [1] * 6 + [0] * 54


def test_search_finds_single_objects(panel, patches):
    reply = panel.do("search", **panel.map, text="loop", meaning=False, limit=100)
    assert np.frombuffer(base64.b64decode(reply["rows"]), "<u4").tolist() == list(range(0, 60, 3))
    one = panel.do("search", **panel.map, text=objects(patches)[7], meaning=False, limit=100)
    assert np.frombuffer(base64.b64decode(one["rows"]), "<u4").tolist() == [7]


def test_outliers_among_objects_are_ranked(panel):
    ended = panel.finish(panel.do("rank_outliers", selection=None)["job"])
    assert ended["status"] == "done", ended
    scores = panel.field("parts.detections.outlier_score")
    assert all(0 <= score <= 1 for score in scores)
