"""What tests of saves read of digits that have boxes."""

import fiftyone as fo


def names(dataset, field="ground_truth"):
    return dict(zip(*fo.load_dataset(dataset.name).values(["id", f"{field}.label"]), strict=True))


def state(dataset):
    """Everything about labels except when they were changed."""
    again = fo.load_dataset(dataset.name)
    again.reload()
    labels = {}
    for sample in again:
        boxes = [(box.id, box.label, tuple(box.bounding_box)) for box in sample.parts.detections]
        labels[sample.id] = (sample.ground_truth.label if sample.ground_truth else None, boxes)
    return labels
