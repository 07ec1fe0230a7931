"""Each kind of control is read, labeled and predicted with a real Label Studio."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_studio_sdk.converter.brush import encode_rle
from labelscape.cli.digits import write_digits
from labelscape.testing.label_studio import LabelStudioServer

from .projects import IMAGE, Project, eventually

pytestmark = pytest.mark.slow

SIDE = 64  # pixels of a digit
CLASSES = ("0", "1", "2", "4")
_MASK = np.zeros((SIDE, SIDE, 4), np.uint8)
_MASK[8:-8, 8:-8] = 255
SHAPES: dict[str, dict[str, Any]] = {
    "PolygonLabels": {"points": [[5, 5], [95, 5], [95, 95], [5, 95]], "closed": True},
    "KeyPointLabels": {"x": 50, "y": 50, "width": 2},
    "EllipseLabels": {"x": 50, "y": 50, "radiusX": 45, "radiusY": 45, "rotation": 0},
    "BrushLabels": {"format": "rle", "rle": [int(byte) for byte in encode_rle(_MASK.flatten())]},
}


def item(tag: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"from_name": "c", "to_name": "image", "type": tag.lower(), "value": value, **more}


def region(tag: str, digit: str | None) -> dict[str, Any]:
    value = {**SHAPES[tag], tag.lower(): [] if digit is None else [digit]}
    return item(tag, value, id="r1", original_width=SIDE, original_height=SIDE)


def answer(tag: str, digit: str) -> list[dict[str, Any]]:
    if tag in SHAPES:
        return [region(tag, digit)]
    if tag == "Rating":
        return [item(tag, {"rating": int(digit) + 1})]
    path = ["round" if digit == "0" else "straight", digit]
    return [item(tag, {"choices" if tag == "Choices" else "taxonomy": [path]})]


def config(tag: str) -> str:
    if tag in SHAPES:
        inner = "".join(f'<Label value="{digit}"/>' for digit in CLASSES)
        return f'<View>{IMAGE}<{tag} name="c" toName="image">{inner}</{tag}></View>'
    if tag == "Rating":
        return f'<View>{IMAGE}<Rating name="c" toName="image"/></View>'
    straight = "".join(f'<Choice value="{digit}"/>' for digit in CLASSES[1:])
    inner = f'<Choice value="round"><Choice value="0"/></Choice><Choice value="straight">{straight}</Choice>'
    nested = 'allowNested="true"' if tag == "Choices" else 'maxUsages="1" leafsOnly="true"'
    return f'<View>{IMAGE}<{tag} name="c" toName="image" {nested}>{inner}</{tag}></View>'


def tasks(tag: str, folder: Path) -> list[dict[str, Any]]:
    """50 digits of four classes, 30 of them labeled; the others have the regions of a detector, without a class."""
    shown = [(path, str(digit)) for path, digit in zip(*write_digits(folder, count=500), strict=True)]
    rows = []
    for path, digit in [one for one in shown if one[1] in CLASSES][:50]:
        row: dict[str, Any] = {"data": {"image": f"/data/local-files/?d=files/digits/{path.name}", "digit": digit}}
        if len(rows) < 30:
            row["annotations"] = [{"result": answer(tag, digit)}]
        elif tag in SHAPES:
            row["predictions"] = [{"model_version": "detector", "score": 0.5, "result": [region(tag, None)]}]
        rows.append(row)
    return rows


@pytest.mark.parametrize("tag", [*SHAPES, "Taxonomy", "Rating", "Choices"])
def test_a_control_of_each_kind_is_read_labeled_and_predicted(
    make_project: Callable[..., Project], label_studio: LabelStudioServer, tag: str
) -> None:
    project = make_project(config(tag), rows=tasks(tag, label_studio.media / "digits"))

    def found() -> dict[int, list[dict[str, Any]]]:
        return {task: prediction["result"] for task, prediction in project.predictions(unlabeled=True).items()}

    predicted = eventually("a prediction for each of 20 tasks", lambda: made if len(made := found()) == 20 else None)
    right = [result == answer(tag, project.digits[task]) for task, result in _plain(predicted).items()]
    assert sum(right) > 10
    path = "ground_truth.detections.label" if tag in SHAPES else "ground_truth.label"
    labels = [one for one in project.dataset.exists("ground_truth").values(path, unwind=True) if one]
    assert len(labels) == 30


def _plain(predicted: dict[int, list[dict[str, Any]]]) -> dict[int, list[dict[str, Any]]]:
    """Results without the parts that Label Studio or a score add."""
    kept = ("from_name", "to_name", "type", "value", "id", "original_width", "original_height")
    return {
        task: [{name: one[name] for name in kept if name in one} for one in result]
        for task, result in predicted.items()
    }
