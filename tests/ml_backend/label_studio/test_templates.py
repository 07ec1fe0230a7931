"""Every label config that Label Studio ships is served or refused with a reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from label_studio_sdk.converter.brush import encode_rle
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.config import Control, invalid_reason, read_label_config
from labelscape.ml_backend.label_studio.regions import Region
from labelscape.ml_backend.label_studio.windows import region_items
from labelscape.testing.label_studio import LABEL_STUDIO

pytestmark = pytest.mark.slow  # it needs the environment that `scripts/setup label-studio` makes

SERVED = {
    "computer-vision/image-classification": "choice",
    "computer-vision/medical-image-classification-with-bboxes": "label",
    "computer-vision/object-detection-with-bounding-boxes": "label",
    "computer-vision/keypoints": "kp-1",
    "computer-vision/semantic-segmentation-with-masks": "tag",
    "computer-vision/semantic-segmentation-with-polygons": "label",
}


def templates() -> dict[str, str]:
    """Folder of a template → its config."""
    [folder] = LABEL_STUDIO.parent.parent.glob("lib/python*/site-packages/label_studio/annotation_templates")
    return {
        str(path.parent.relative_to(folder)): str(yaml.safe_load(path.read_text())["config"])
        for path in sorted(Path(folder).rglob("config.yml"))
    }


def read_all() -> tuple[dict[str, Control], dict[str, str]]:
    """The controls that are served, and why the other templates are refused."""
    served, refused = {}, {}
    for name, config in templates().items():
        try:
            served[name] = read_label_config(config)
        except Refusal as refusal:
            refused[name] = str(refusal)
    return served, refused


def test_every_template_of_label_studio_is_served_or_refused_with_a_reason() -> None:
    served, refused = read_all()
    assert len(served) + len(refused) == len(templates()) > 60
    assert {name: control.from_name for name, control in served.items() if name in SERVED} == SERVED
    unexplained = [name for name, reason in refused.items() if "This label config has" not in reason]
    assert unexplained == []
    assert [name for name, reason in refused.items() if "no control at all" in reason] == []


SHAPES = {
    "polygonlabels": {"points": [[1, 1], [9, 1], [5, 9]]},
    "keypointlabels": {"x": 5, "y": 5},
    "ellipselabels": {"x": 5, "y": 5, "radiusX": 2, "radiusY": 2},
    "brushlabels": {"format": "rle", "rle": [int(byte) for byte in encode_rle(np.ones(16, np.uint8))]},
}


def test_what_would_be_sent_to_a_served_template_is_valid() -> None:
    for name, control in read_all()[0].items():
        prediction = {"result": suggested(control), "score": 0.5, "model_version": "v"}
        assert invalid_reason(templates()[name], prediction) is None, name


def suggested(control: Control) -> list[dict[str, Any]]:
    """The result of a prediction with the first class of a control."""
    label = control.classes[0]
    if control.windows:
        window = {"id": "w", "value": {"x": 0.0, "width": 0.5, "start": 1.0, "end": 2.0}}
        [item] = region_items(control, [window], {"w": label}, {"w": 0.5})
        return [item]
    if control.boxes:
        region = Region("r1", (0.1, 0.1, 0.2, 0.2), None, 0.0, 640, 480, shape=SHAPES.get(control.kind))
        return [control.box(region, label, 0.5)]
    return control.choice([label])
