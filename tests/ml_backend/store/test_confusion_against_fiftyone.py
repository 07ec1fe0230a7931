"""The confusion analysis gives what FiftyOne's own COCO evaluation gives on a dataset."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.confusion import Objects, candidate_pairs

CLASSES = ["bird", "cat", "dog"]


@pytest.fixture
def boxed_dataset(make_digits_dataset):
    """20 samples with boxes, predictions and a few crowds, and the same as columns."""
    import fiftyone as fo

    rng = np.random.default_rng(0)
    dataset = make_digits_dataset(20)

    def columns(box, label):
        sample = np.repeat(np.arange(20), len(label) // 20)
        return sample, label, box

    n = 20 * 8
    box = np.concatenate([rng.uniform(0, 0.6, (n, 2)), rng.uniform(0.1, 0.4, (n, 2))], axis=1)
    label = rng.integers(0, 3, n)
    truth = Objects(*columns(box, label), crowd=rng.random(n) < 0.1)
    guess = np.where(rng.random(n) < 0.7, label, rng.integers(0, 3, n))
    jittered = box + rng.normal(0, 0.03, box.shape)
    predictions = Objects(*columns(jittered, guess), rng.random(n))

    for field, objects in (("boxes", truth), ("guesses", predictions)):
        made = [
            fo.Detection(
                label=CLASSES[objects.label[i]],
                bounding_box=objects.box[i].tolist(),
                confidence=None if np.isnan(objects.confidence[i]) else float(objects.confidence[i]),
                iscrowd=bool(objects.crowd[i]),
                row=i,
            )
            for i in range(n)
        ]
        dataset.set_values(field, [fo.Detections(detections=made[s * 8 : s * 8 + 8]) for s in range(20)])
    return dataset, truth, predictions


@pytest.mark.slow
@pytest.mark.parametrize("classwise", [True, False])
@pytest.mark.parametrize("iou", [0.1, 0.5])
def test_pairs_and_counts_equal_fiftyone(boxed_dataset, classwise, iou):
    dataset, truth, predictions = boxed_dataset
    dataset.evaluate_detections(
        "guesses", gt_field="boxes", eval_key="eval", iou=iou, classwise=classwise, compute_mAP=False
    )
    rows = np.concatenate(dataset.values("guesses.detections.row"))
    matched_ids = np.concatenate(dataset.values("guesses.detections.eval_id"))
    truth_ids = np.concatenate(dataset.values("boxes.detections.id"))
    row_of = {id_: row for row, id_ in enumerate(truth_ids)}
    theirs = {(row_of[id_], int(row)) for row, id_ in zip(rows, matched_ids, strict=True) if id_ in row_of}
    in_crowds = {row for t, row in theirs if truth.crowd[t]}

    matches = candidate_pairs(truth, predictions).match(iou=iou, classwise=classwise)
    both = np.flatnonzero(matches.truth_of_prediction >= 0)
    assert set(np.flatnonzero(matches.ignored).tolist()) == in_crowds
    assert in_crowds
    assert {(int(matches.truth_of_prediction[p]), int(p)) for p in both} == {
        pair for pair in theirs if pair[1] not in in_crowds
    }
    # FiftyOne counts a confusion as a false positive and a false negative, and what lies in a crowd as found
    metrics = matches.metrics()
    assert sum(dataset.values("eval_tp")) == metrics.true_positives.sum() + len(in_crowds)
    assert sum(dataset.values("eval_fp")) == metrics.false_positives.sum()
    missed = np.concatenate(dataset.values("boxes.detections.eval"))[~truth.crowd] == "fn"
    assert missed.sum() == metrics.false_negatives.sum()


@pytest.mark.slow
def test_average_precision_equals_fiftyone(boxed_dataset):
    dataset, truth, predictions = boxed_dataset
    results = dataset.evaluate_detections(
        "guesses", gt_field="boxes", iou=0.5, classwise=True, compute_mAP=True, iou_threshs=[0.5]
    )
    ours = candidate_pairs(truth, predictions).average_precision(iou=0.5)
    np.testing.assert_allclose(ours, [results.mAP(classes=[name]) for name in CLASSES], atol=1e-6)
