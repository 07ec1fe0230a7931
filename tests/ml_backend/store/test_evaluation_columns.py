"""Labels and predictions are read exactly, including that somebody checked and found nothing."""

import fiftyone as fo
from labelscape.ml_backend.actions.confusion import evaluate


def test_a_sample_that_was_checked_counts_against_predictions_and_an_unlabeled_one_does_not(make_digits_dataset):
    dataset = make_digits_dataset(4, labeled=0)
    for path, kind in (("labelscape", fo.StringField), ("labeled_at", fo.DateTimeField)):
        dataset.add_sample_field(f"ground_truth.{path}", kind)
    labels = [
        fo.Classification(label="a"),
        fo.Classification(label=None, labelscape="human"),
        fo.Classification(label=None, labelscape="neighbors"),
        None,
    ]
    dataset.set_values("ground_truth", labels)
    dataset.set_values("guess", [fo.Classification(label="a", confidence=0.9) for _ in range(4)])
    evaluation = evaluate(dataset, truth_field="ground_truth", prediction_field="guess")
    assert evaluation.columns.truth.objects.empty.tolist() == [1]
    metrics = evaluation.match().metrics()
    assert (metrics.precision.tolist(), metrics.false_positives.tolist()) == ([0.5], [1])
