"""Whether labels are predictions is judged by name, evaluation, confidence, or logits, and never taken for granted."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.store.label_origins import holds_predictions, may_hold_predictions
from labelscape.ml_backend.store.labels import (
    default_label_field,
)


@pytest.fixture
def dataset(unlabeled_digits):
    return unlabeled_digits


def label(dataset, field, **attributes):
    dataset.set_values(field, [fo.Classification(label="x", **attributes) for _ in range(5)])


@pytest.mark.parametrize(
    "name",
    [
        "predictions",
        "model_pred",
        "yolo_predictions",
        "predicted_class",
        "Model",
        "Preds2",
        "yoloOutput",
        "argmax",
        "y_hat",
        "autoLabels",
    ],
)
def test_a_field_with_the_name_of_predictions_is_not_the_default(dataset, name):
    label(dataset, name)
    assert holds_predictions(dataset, name)
    assert default_label_field(dataset).name == "ground_truth"


@pytest.mark.parametrize("attribute", [{"confidence": 0.9}, {"logits": [0.1, 0.9]}])
def test_a_field_with_confidence_or_logits_is_not_the_default(dataset, attribute):
    label(dataset, "kind", **attribute)
    assert holds_predictions(dataset, "kind")
    assert default_label_field(dataset).name == "ground_truth"


def test_predictions_in_a_field_called_ground_truth_are_left_alone_too(dataset):
    label(dataset, "ground_truth", confidence=0.9)
    assert default_label_field(dataset).name == "label"
    label(dataset, "label", confidence=0.9)
    assert default_label_field(dataset).name == "label_2"


def test_several_labels_with_confidence_are_predictions(dataset):
    several = fo.Classifications(classifications=[fo.Classification(label="x", confidence=0.5)])
    dataset.set_values("kinds", [several] * 5)
    assert holds_predictions(dataset, "kinds")


def test_objects_with_confidence_are_predictions_and_those_without_are_not(dataset):
    for name, confidence in (("boxes", None), ("found", 0.5)):
        box = fo.Detection(label="x", bounding_box=[0, 0, 0.5, 0.5], confidence=confidence)
        dataset.set_values(name, [fo.Detections(detections=[box])] * 5)
        dataset.set_values(f"one_{name}", [box] * 5)
        event = fo.TemporalDetection(label="x", support=[1, 2], confidence=confidence)
        dataset.set_values(f"{name}_in_time", [fo.TemporalDetections(detections=[event])] * 5)
    assert [holds_predictions(dataset, name) for name in ("boxes_in_time", "found_in_time")] == [False, True]
    assert [holds_predictions(dataset, name) for name in ("boxes", "one_boxes")] == [False, False]
    assert [holds_predictions(dataset, name) for name in ("found", "one_found")] == [True, True]


def test_the_predictions_of_an_evaluation_are_not_the_default(dataset):
    label(dataset, "kind")
    label(dataset, "truth")
    dataset.evaluate_classifications("kind", gt_field="truth", eval_key="eval", progress=False)
    assert holds_predictions(dataset, "kind")
    assert default_label_field(dataset).name == "truth"


def test_a_field_that_nothing_tells_about_may_hold_predictions(dataset):
    label(dataset, "kind")
    assert default_label_field(dataset).name == "kind"
    assert may_hold_predictions(dataset, "kind")
    several = fo.Classifications(classifications=[fo.Classification(label="x")])
    dataset.set_values("kinds", [several] * 5)
    assert may_hold_predictions(dataset, "kinds")


def test_a_name_labels_of_ours_or_an_evaluation_tell_that_a_field_holds_the_truth(dataset):
    for name in ("ground_truth", "my_labels", "GT", "human1"):
        label(dataset, name)
        assert not may_hold_predictions(dataset, name)
    label(dataset, "ours", labelscape="human")
    label(dataset, "scored")
    dataset.evaluate_classifications("my_labels", gt_field="scored", eval_key="eval", progress=False)
    dataset.add_sample_field("empty", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    assert [may_hold_predictions(dataset, name) for name in ("ours", "scored", "empty")] == [False, False, False]


def test_labels_that_labelscape_saved_with_a_confidence_are_no_predictions(dataset):
    label(dataset, "truth", confidence=0.9, labelscape="neighbors")
    assert not holds_predictions(dataset, "truth")
    assert default_label_field(dataset).name == "truth"


def test_a_field_that_a_person_chose_is_used_whatever_it_holds(dataset):
    label(dataset, "predictions", confidence=0.9)
    assert default_label_field(dataset, chosen="predictions").name == "predictions"
