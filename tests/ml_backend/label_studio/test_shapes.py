"""Regions that are not boxes: the box around each, and the shape that a prediction returns."""

from typing import Any

import numpy as np
import pytest
from label_studio_sdk.converter.brush import encode_rle
from labelscape.ml_backend.label_studio.config import Control, invalid_reason, read_label_config
from labelscape.ml_backend.label_studio.shapes import as_value, read_shape

_LABELS = '<Label value="Cat"/><Label value="Dog"/>'
CONFIG = f'<View><Image name="i" value="$image"/><{{tag}} name="c" toName="i">{_LABELS}</{{tag}}></View>'


def stroke(width: int, height: int) -> dict[str, Any]:
    """A brush stroke over rows 10 to 19 and columns 20 to 39."""
    mask = np.zeros((height, width, 4), np.uint8)
    mask[10:20, 20:40] = 255
    return {"format": "rle", "rle": [int(byte) for byte in encode_rle(mask.flatten())]}


SHAPES: dict[str, tuple[dict[str, Any], tuple[float, float, float, float]]] = {
    "PolygonLabels": ({"points": [[10, 20], [50, 20], [30, 60]], "closed": True}, (10, 20, 50, 60)),
    "KeyPointLabels": ({"x": 50, "y": 3, "width": 1}, (44, 0, 56, 9)),
    "EllipseLabels": ({"x": 50, "y": 40, "radiusX": 20, "radiusY": 10, "rotation": 0}, (30, 30, 70, 50)),
    "BrushLabels": (stroke(100, 50), (20, 20, 40, 40)),
}


def control(tag: str) -> Control:
    return read_label_config(CONFIG.format(tag=tag))


def item(tag: str, value: dict[str, Any], label: str = "Cat") -> dict[str, Any]:
    return {
        "id": "r1", "from_name": "c", "to_name": "i", "type": tag.lower(), "value": {**value, tag.lower(): [label]},
        "original_width": 100, "original_height": 50,
    }  # fmt: skip


@pytest.mark.parametrize("tag", SHAPES)
def test_a_region_is_its_box_with_a_class_and_goes_back_in_its_shape(tag: str) -> None:
    value, (left, top, right, bottom) = SHAPES[tag]
    served = control(tag)
    assert served.boxes
    [region] = served.regions_of(served.own([item(tag, value)]))  # normalized twice, as the ledger's results are
    assert (region.label, region.upright) == (
        "Cat",
        pytest.approx((left / 100, top / 100, (right - left) / 100, (bottom - top) / 100)),
    )
    made = served.box(region, "Dog", 0.9)
    assert made == {**item(tag, value, "Dog"), "score": 0.9}
    assert invalid_reason(CONFIG.format(tag=tag), {"result": [made], "score": 0.9}) is None
    empty = served.box(region, None, None)
    assert invalid_reason(CONFIG.format(tag=tag), {"result": [empty], "score": 0.9}) is None


def test_a_turned_ellipse_is_its_upright_box() -> None:
    value = {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 90}
    read = read_shape(value, "ellipselabels", (100, 50))
    assert read is not None
    # 20 pixels across and 5 down become 5 across and 20 down, of 100 by 50 pixels
    assert read[0] == pytest.approx((45, 10, 55, 90))
    assert read_shape(value, "ellipselabels", None) is None


@pytest.mark.parametrize("kind", ["polygonlabels", "keypointlabels", "ellipselabels", "brushlabels"])
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"points": [], "x": None, "rle": []},
        {"points": [[1, 2, 3]], "x": "1", "y": 2, "rle": [255] * 9},
        {"points": [[1, float("nan")], [3, 4]], "x": float("inf"), "y": 1, "rle": "abc"},
        {"points": [[5, 5], [5, 5]], "x": 1, "y": True, "rle": [256]},
        {"points": {"a": 1}, "x": 10**400, "y": 1, "radiusX": 0, "radiusY": 0, "rle": [0, 0, 78, 32]},
    ],
)
def test_a_shape_that_cannot_be_used_is_none(kind: str, value: dict[str, Any]) -> None:
    assert read_shape(value, kind, (100, 50)) is None


def test_a_brush_stroke_of_another_size_than_its_image_is_not_decoded() -> None:
    assert read_shape(stroke(100, 50), "brushlabels", (100, 51)) is None
    assert read_shape(stroke(100, 50), "brushlabels", None) is None


def test_the_run_length_code_is_stored_compactly() -> None:
    value = stroke(100, 50)
    read = read_shape(value, "brushlabels", (100, 50))
    assert read is not None
    assert isinstance(read[1]["rle"], bytes)
    assert as_value(read[1]) == value


def test_a_taxonomy_is_read_and_chosen_by_paths() -> None:
    inner = (
        '<Choice value="Animal"><Choice value="Cat"/><Choice value="Dog" alias="dog"/></Choice><Choice value="Other"/>'
    )
    config = '<View><Image name="i" value="$image"/><Taxonomy name="c" toName="i" {}>{}</Taxonomy></View>'
    several = read_label_config(config.format("", inner))
    assert (several.classes, several.multi) == (("Animal", "Cat", "dog", "Other"), True)
    result = [
        {"from_name": "c", "to_name": "i", "type": "taxonomy", "value": {"taxonomy": [["Animal", "Cat"], ["Other"]]}}
    ]
    assert several.stated(several.own(result)) == ["Cat", "Other"]
    assert several.choice(["Cat", "Other"]) == result
    assert invalid_reason(config.format("", inner), {"result": several.choice(["dog"]), "score": 0.5}) is None
    one = read_label_config(config.format('maxUsages="1" leafsOnly="true"', inner))
    assert (one.classes, one.multi) == (("Cat", "dog", "Other"), False)


def test_a_rating_is_one_of_its_stars() -> None:
    config = '<View><Image name="i" value="$image"/><Rating name="c" toName="i" {}/></View>'
    rating = read_label_config(config.format('maxRating="3"'))
    assert (rating.classes, rating.multi) == (("1", "2", "3"), False)
    assert len(read_label_config(config.format("")).classes) == 5
    result = [{"from_name": "c", "to_name": "i", "type": "rating", "value": {"rating": 2}}]
    assert rating.stated(rating.own(result)) == ["2"]
    assert rating.choice(["2"]) == result
    assert invalid_reason(config.format(""), {"result": result, "score": 0.5}) is None
