"""Label neighbors, the map, the panel, and audits in a project that labels boxes, with a real Label Studio."""

from collections.abc import Callable
from typing import Any

import fiftyone as fo
import pytest
from labelscape.cli.scenes import add_scenes
from labelscape.testing.label_studio import LabelStudioServer

from .projects import CLASSES, Project, eventually, rectangles, scene_as_task
from .test_actions_end_to_end import call, preview, run

pytestmark = pytest.mark.slow
SCENES, DONE = 24, 16


@pytest.fixture
def boxes(make_project: Callable[..., Project], label_studio: LabelStudioServer) -> Project:
    """Scenes of digits with a detector's boxes; in most of them, people gave each box its class."""
    scenes = fo.Dataset()
    add_scenes(scenes, label_studio.media / "scenes", count=SCENES)
    rows = [scene_as_task(sample) for sample in scenes]
    for row in rows[:DONE]:
        row["annotations"] = [{"result": answered(row["predictions"][0]["result"], row["data"]["digits"])}]
    scenes.delete()
    project = make_project(rectangles(CLASSES), rows=rows)
    eventually("predictions", lambda: len(project.predictions(unlabeled=True)) == SCENES - DONE)
    return project


def answered(boxes: list[dict[str, Any]], digits: list[str]) -> list[dict[str, Any]]:
    """Boxes of a detector, each with its class."""
    return [
        {**box, "value": {**box["value"], "rectanglelabels": [digit]}} for box, digit in zip(boxes, digits, strict=True)
    ]


def filled_in(project: Project) -> dict[tuple[int, str], str]:
    """Task and region → the class that Label Studio shows for it."""
    return {
        (task, box["id"]): box["value"]["rectanglelabels"][0]
        for task, prediction in project.predictions(unlabeled=True).items()
        for box in prediction["result"]
        if box["value"].get("rectanglelabels")
    }


def test_boxes_have_a_map_neighbors_and_an_audit(boxes: Project) -> None:
    digits = {task: data["digits"] for task, data in boxes.data().items()}
    unlabeled = set(boxes.unlabeled())
    task = next(task for task in digits if task not in unlabeled)
    eventually("a map", lambda: call(boxes, "GET", "map").ok)
    shown = call(boxes, "GET", "map").json()
    assert len(shown["tasks"]) == len(set(shown["regions"])) == len(shown["x"]) == sum(map(len, digits.values()))
    on_map = [label for one, label in zip(shown["tasks"], shown["labels"], strict=True) if one == task]
    assert sorted(on_map) == sorted(digits[task])

    panel = call(boxes, "GET", f"tasks/{task}/neighbors?count=3").json()
    assert [one["label"] for one in panel["regions"]] == digits[task]
    assert all(len(one["box"]) == 4 and one["media"] for one in panel["neighbors"])
    assert len(panel["neighbors"]) == 3
    region = panel["regions"][-1]
    assert call(boxes, "GET", f"tasks/{task}/neighbors?region={region['region']}").json()["region"] == region["region"]
    assert "no longer exists" in call(boxes, "GET", f"tasks/{task}/neighbors?region=0").json()["detail"]
    assert set(call(boxes, "GET", "next?count=3").json()["tasks"]) <= set(boxes.unlabeled())
    spread_and_undo(boxes, task, region)
    search_by_regions(boxes, digits)
    missing = next(one for one in CLASSES if one not in digits[task])
    refused = call(boxes, "POST", "label_neighbors/preview", {"tasks": [task], "label": missing}).json()["detail"]
    assert f"no region labeled “{missing}”" in refused
    check_at_random(boxes, digits)


def spread_and_undo(boxes: Project, task: int, region: dict[str, Any]) -> None:
    before = filled_in(boxes)
    settings = {"tasks": [task], "label": region["label"], "region": region["region"], "reach": 3}
    announced = preview(boxes, "label_neighbors", **settings)
    assert announced["numbers"] == {"selected": 1, "neighbors": 3, "kept": 0}
    assert "1 selected region and 3 unlabeled neighbors" in announced["sentence"]
    assert set(announced["tasks"]) <= set(boxes.unlabeled())
    assert run(boxes, "label_neighbors", **settings)["outcome"]["numbers"]["neighbors"] == 3
    new = {place for place, label in filled_in(boxes).items() if label == region["label"]}
    assert len(new) >= 3
    assert {place[0] for place in new} >= set(announced["tasks"])
    assert run(boxes, "undo")["outcome"]["numbers"] == {"undone": 4}
    eventually("the predictions of before", lambda: filled_in(boxes) == before)


def search_by_regions(boxes: Project, digits: dict[int, list[str]]) -> None:
    labeled = [task for task in digits if task not in set(boxes.unlabeled())]
    digit = max(CLASSES, key=lambda one: sum(digits[task].count(one) for task in labeled))
    tasks = [task for task in labeled if digit in digits[task]][:3]
    everything = sum(len(digits[task]) for task in tasks)
    same = sum(digits[task].count(digit) for task in tasks)
    examples = {"tasks": tasks, "label": digit}
    assert preview(boxes, "find_similar", tasks=tasks)["numbers"] == {"positives": everything, "negatives": 0}
    assert preview(boxes, "find_similar", **examples)["numbers"] == {"positives": same, "negatives": 0}
    similar = run(boxes, "find_similar", **examples, limit=6)["outcome"]
    assert similar["numbers"] == {"found": 6}
    assert f"Found 6 similar regions in {len(similar['tasks'])} task" in similar["sentence"]
    assert sum(digit in digits[task] for task in similar["tasks"]) >= 0.6 * len(similar["tasks"])
    assert {task for task, data in boxes.data().items() if data.get("ls_similar", 0) > 0} == set(similar["tasks"])
    assert run(boxes, "create_function", **examples, name="Same digit", threshold=0.6)["state"] == "done"
    assert all(boxes.data()[task]["ls_fn_same_digit"] > 0.6 for task in tasks)
    missing = next(one for one in CLASSES if not any(one in digits[task] for task in tasks))
    refused = call(boxes, "POST", "find_similar/preview", {"tasks": tasks, "label": missing}).json()["detail"]
    assert f"no region labeled “{missing}”: choose other tasks" in refused


def check_at_random(boxes: Project, digits: dict[int, list[str]]) -> None:
    assert run(boxes, "suggest_labels", tasks=boxes.unlabeled(), precision=0.5)["state"] == "done"
    begun = run(boxes, "audit_suggestions", target=0.5)["outcome"]
    drawn = [one for one, data in boxes.data().items() if data.get("ls_audit")]
    assert f"in {len(drawn)} task" in begun["sentence"], begun
    for one in drawn:
        [proposed] = [made for made in boxes.task(one)["predictions"] if made["model_version"] == "detector"]
        result = answered(proposed["result"], digits[one])
        boxes.studio.ask("POST", f"tasks/{one}/annotations/", json={"result": result})

    def checked() -> bool:
        return run(boxes, "audit_suggestions")["outcome"]["numbers"] == {"left": 0, "population": population}

    population = begun["numbers"]["population"]
    eventually("that all drawn boxes are checked", checked)
