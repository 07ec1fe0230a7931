"""What the model metrics panel returns to its front end, without a browser."""

import base64
import json
import re
import zipfile
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators.executor import Executor
from labelscape.cli.scenes import add_scenes
from labelscape.plugin.fiftyone.metrics import panel as model_metrics
from labelscape.plugin.fiftyone.metrics.panel import ModelMetrics

WEB = Path(__file__).resolve().parents[4] / "plugin/web/src"
FIELDS = {"truth_field": "ground_truth", "prediction_field": "predictions"}


class Asking:
    """The panel on one dataset; an answer has gone through JSON, as on its way to the App."""

    def __init__(self, dataset):
        self.dataset = dataset
        self.view = dataset.view()
        self.selected = []
        self.thresholds = {"iou": 0.5, "confidence": 0.0, "top_k": 1}

    def ask(self, method, /, **params):
        request = {
            "dataset_name": self.dataset.name,
            "view": self.view._serialize(),
            "selected": self.selected,
            "params": params,
        }
        executor = Executor()
        context = foo.ExecutionContext(request, executor=executor)
        answer = getattr(ModelMetrics(), method)(context)
        self.prompted = next((made.params for made in executor._requests if "prompt" in made.operator_uri), None)
        self.shown = next((made.params for made in executor._requests if "view" in (made.params or {})), None)
        return json.loads(json.dumps(answer, allow_nan=False))

    def compare(self, **thresholds):
        self.thresholds |= thresholds
        token = self.report["evaluation"] if thresholds else None
        self.report = self.ask("compare", evaluation=token, scope="dataset", **FIELDS, **self.thresholds)["report"]
        return self.report

    def of(self, **choice):
        return {"evaluation": self.report["evaluation"], **self.thresholds, "whats": [], "cells": [], **choice}

    def results(self, order="none", offset=0, limit=1000, **choice):
        return self.ask("results", order=order, offset=offset, limit=limit, **self.of(**choice))


@pytest.fixture
def panel(make_digits_dataset, tmp_path):
    dataset = make_digits_dataset(1)
    dataset.clear()
    dataset.delete_sample_field("ground_truth")
    add_scenes(dataset, tmp_path, count=40)
    panel = Asking(dataset)
    panel.compare()
    return panel


def unpack(text):
    return np.frombuffer(base64.b64decode(text), "<u4")


def test_contract_and_panel_name_the_same_methods_and_component():
    described = re.search(r"export interface Methods {(.*?)\n}", (WEB / "metrics/contract.ts").read_text(), re.DOTALL)
    assert described is not None
    assert set(ModelMetrics.methods) == set(re.findall(r"^  (\w+): \[", described[1], re.MULTILINE))
    assert all(callable(getattr(ModelMetrics(), name)) for name in ModelMetrics.methods)
    assert f'name: "{ModelMetrics.component}"' in (WEB / "hosts/fiftyone/metrics.tsx").read_text()


def test_cells_totals_and_results_tell_the_same_numbers(panel):
    for thresholds in ({"iou": 0.1, "confidence": 0.8}, {"iou": 0.9, "confidence": 0.3}):
        report = panel.compare(**thresholds)
        rows, columns, counts = (unpack(report["cells"][name]) for name in ("rows", "columns", "counts"))
        none = len(report["classes"])
        assert counts[rows == none].sum() == report["totals"]["false positives"]
        assert counts[columns == none].sum() == report["totals"]["false negatives"]
        for what, total in report["totals"].items():
            assert panel.results(whats=[what])["total"] == total
        assert sum(report["per_class"]["support"]) == report["labels"]


def test_pages_join_to_the_whole_and_every_order_holds_the_same_objects(panel):
    whole = panel.results(whats=["confusions"])["items"]
    pages = [panel.results(whats=["confusions"], offset=at, limit=4)["items"] for at in range(0, len(whole), 4)]
    assert [item for page in pages for item in page] == whole
    for order in ("confidence", "iou low", "iou high", "pair"):
        items = panel.results(order, whats=["confusions"])["items"]
        assert sorted(item["rows"] for item in items) == sorted(item["rows"] for item in whole)
    by_confidence = [item["confidence"] for item in panel.results("confidence", whats=["confusions"])["items"]]
    assert by_confidence == sorted(by_confidence, reverse=True)
    low, high = ([i["iou"] for i in panel.results(o, whats=["confusions"])["items"]] for o in ("iou low", "iou high"))
    assert low == high[::-1] == sorted(low)


def test_results_name_the_boxes_as_they_are_in_the_dataset(panel):
    item = panel.results(whats=["confusions"])["items"][0]
    sample = panel.dataset[item["sample_id"]]
    assert item["image"] == sample.filepath
    assert item["truth_box"] in [label.bounding_box for label in sample.ground_truth.detections]
    assert item["prediction_box"] in [guess.bounding_box for guess in sample.predictions.detections]


def test_one_by_one_choice_is_what_goes_into_the_segment(panel):
    items = panel.results(whats=["confusions"])["items"]
    two = [item["rows"] for item in items[:2]]
    new = {"kind": "data quality", "note": "", "members": "labels"}
    answer = panel.ask("add_to_segment", name="Two", **new, **panel.of(whats=["confusions"], rows=two))
    assert (answer["segments"][0]["size"], answer["segments"][0]["can_remake"]) == (2, False)
    answer = panel.ask("add_to_segment", name="Rest", **new, **panel.of(whats=["confusions"], without=two))
    assert answer["segments"][1]["size"] == len(items) - 2
    answer = panel.ask("add_to_segment", slug="two", members="labels", **panel.of(whats=["confusions"]))
    assert answer["segments"][0]["size"] == len(items)
    answer = panel.ask("merge_segments", slug="rest", into="two")
    assert [one["slug"] for one in answer["segments"]] == ["two"]


def test_what_is_ticked_in_an_open_segment_leaves_it(panel):
    new = {"name": "Wrong", "kind": "data quality", "note": "", "members": "labels"}
    size = panel.ask("add_to_segment", **new, **panel.of(whats=["confusions"]))["segments"][0]["size"]
    panel.view = panel.dataset.load_saved_view("segment wrong")
    panel.selected = panel.view.values("id")[:3]
    answer = panel.ask("remove_from_segment", slug="wrong")
    assert answer["segments"][0]["size"] == size - 3
    assert [step for _, step in answer["segments"][0]["sizes"]] == [size, size - 3]


def test_a_segment_lives_its_life_in_the_panel(panel, tmp_path):
    new = {"name": "Wrong", "kind": "data quality", "note": "", "members": "labels"}
    panel.compare(iou=0.1, confidence=0.8)
    size = panel.ask("add_to_segment", **new, **panel.of(whats=["confusions"]))["segments"][0]["size"]
    outcome = panel.ask("remake_segment", slug="wrong", prediction_field=None, name="Wrong again")
    assert f"{size} stayed, 0 are gone, 0 are new" in outcome["message"]
    assert [one["can_remake"] for one in outcome["segments"]] == [True, True]
    remake = outcome["remake"]
    assert [remake[part] for part in ("stayed", "gone", "new", "lost")] == [size, 0, 0, 0]
    assert [run["members"] for run in remake["runs"]] == [size]
    edited = panel.ask("edit_segment", slug="wrong", name="Mislabeled", kind="data organization", note="n")
    assert {(one["slug"], one["kind"]) for one in edited["segments"]} == {
        ("mislabeled", "data organization"),
        ("wrong-again", "data quality"),
    }
    written = panel.ask("export_segment", slug="mislabeled", format="csv", folder=str(tmp_path / "out"))
    assert written == {"message": f"Written to {tmp_path / 'out'}.", "file": None}
    assert len((tmp_path / "out" / "mislabeled.csv").read_text().splitlines()) == size + 1
    assert (
        "is not empty"
        in panel.ask("export_segment", slug="mislabeled", format="csv", folder=str(tmp_path / "out"))["error"]
    )
    table = Path(panel.ask("export_segment", slug="mislabeled", format="csv", folder="")["file"])
    assert len(table.read_text().splitlines()) == size + 1
    archive = Path(panel.ask("export_segment", slug="mislabeled", format="fiftyone", folder="")["file"])
    with zipfile.ZipFile(archive) as packed:
        assert "samples.json" in packed.namelist()
    panel.ask("open_segment", slug="mislabeled")
    assert "segment:mislabeled" in json.dumps(panel.shown)
    left = panel.ask("delete_segment", slug="mislabeled")["segments"]
    assert [one["slug"] for one in left] == ["wrong-again"]
    assert panel.ask("overview")["segments"] == left


def test_the_members_that_left_a_rebuilt_segment_are_shown_in_the_grid(panel):
    new = {"name": "Wrong", "kind": "data quality", "note": "", "members": "labels"}
    panel.compare(iou=0.1, confidence=0.8)
    size = panel.ask("add_to_segment", **new, **panel.of(whats=["confusions"]))["segments"][0]["size"]
    wrong = panel.results(whats=["confusions"])["items"][2:]
    for item in wrong:
        sample = panel.dataset[item["sample_id"]]
        label = next(one for one in sample.ground_truth.detections if one.bounding_box == item["truth_box"])
        label.label = item["predicted_class"]
        sample.save()
    remake = panel.ask("remake_segment", slug="wrong", prediction_field=None, name=None)["remake"]
    assert [remake[part] for part in ("stayed", "gone", "new")] == [2, size - 2, 0]
    assert [run["members"] for run in remake["runs"]] == [size, 2]
    assert remake["runs"][0]["f1"] < remake["runs"][1]["f1"]
    told = panel.ask("show_members", ids=remake["gone_ids"], total=size - 2)
    assert told == {"message": f"The grid shows {size - 2} members."}
    part = panel.ask("show_members", ids=remake["gone_ids"], total=12_345)
    assert part == {"message": f"The grid shows {size - 2} of 12,345 members."}
    assert all(one in json.dumps(panel.shown) for one in remake["gone_ids"]["ground_truth"])


def test_what_is_chosen_goes_to_label_studio_by_the_operators_own_form(panel):
    items = panel.results(whats=["false positives"])["items"]
    panel.ask("send_to_label_studio", **panel.of(whats=["false positives"], rows=[items[0]["rows"]]))
    assert panel.prompted["operator_uri"] == "@labelscape/data-explorer/send_to_label_studio"
    of_one = {"items": [items[0]["sample_id"]], "patches": "whole samples", "field": "ground_truth"}
    assert panel.prompted["params"] == of_one
    cell = next((item["truth_class"], item["predicted_class"]) for item in panel.results(whats=["confusions"])["items"])
    in_cell = {item["sample_id"] for item in panel.results(cells=[cell])["items"]}
    panel.ask("send_to_label_studio", **panel.of(cells=[cell]))
    assert set(panel.prompted["params"]["items"]) == in_cell


def test_a_segment_goes_to_label_studio_by_its_name(panel):
    new = {"name": "Wrong", "kind": "data quality", "note": "", "members": "labels"}
    panel.ask("add_to_segment", **new, **panel.of(whats=["confusions"]))
    panel.ask("send_to_label_studio", slug="wrong")
    assert panel.prompted["params"] == {"segment": "wrong"}
    assert "is no segment" in panel.ask("send_to_label_studio", slug="gone")["error"]


def test_more_than_a_form_takes_goes_by_a_segment(panel, monkeypatch):
    monkeypatch.setattr(model_metrics, "SENT_AT_ONCE", 2)
    assert "Add to segment" in panel.ask("send_to_label_studio", **panel.of(whats=["true positives"]))["error"]
    nothing = panel.of(whats=["true positives"], rows=[])
    assert "nothing to send" in panel.ask("send_to_label_studio", **nothing)["error"]


def test_the_grid_shows_patches_of_one_field_and_samples_of_two(panel):
    panel.ask("show_results", **panel.of(whats=["false positives"]))
    assert "ToPatches" in json.dumps(panel.shown)
    answer = panel.ask("show_results", **panel.of(whats=["false positives", "false negatives"]))
    assert "ToPatches" not in json.dumps(panel.shown)
    totals = panel.report["totals"]
    assert answer["message"] == f"The grid shows {totals['false positives'] + totals['false negatives']:,} results."


def test_predictions_without_confidence_switch_the_threshold_off(panel):
    bare = [[fo.Detection(label=d.label, bounding_box=d.bounding_box) for d in one.detections]
            for one in panel.dataset.values("predictions")]  # fmt: skip
    panel.dataset.set_values("predictions", [fo.Detections(detections=one) for one in bare])
    report = panel.compare()
    assert report["scored"] is False
    assert set(report["per_class"]["average_precision"]) == {None}


def test_a_comparison_that_is_forgotten_or_of_another_dataset_is_refused(panel, make_digits_dataset):
    other = Asking(make_digits_dataset(2))
    assert "press “Compare again”" in other.ask("results", order="none", offset=0, limit=1, **panel.of())["error"]
    assert "press “Compare again”" in panel.results(evaluation="gone")["error"]


def test_every_refusal_is_a_sentence(panel):
    new = {"name": "?", "kind": "data quality", "note": "", "members": "labels"}
    assert "at least one letter" in panel.ask("add_to_segment", **new, **panel.of(whats=["confusions"]))["error"]
    assert "is not an order" in panel.results("best", whats=["confusions"])["error"]
    assert "Nothing is ticked" in panel.ask("remove_from_segment", slug="x")["error"]
    assert "is no segment" in panel.ask("open_segment", slug="x")["error"]
