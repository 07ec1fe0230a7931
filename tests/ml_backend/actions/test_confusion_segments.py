"""A confusion becomes a segment without any panel, finds the faults that are there, and can be made again."""

import json
from dataclasses import replace

import fiftyone as fo
import numpy as np
import pytest
from labelscape.cli.scenes import add_scenes
from labelscape.ml_backend.actions.confusion import Choice, choose, evaluate
from labelscape.ml_backend.actions.confusion_segments import create_segment_from_confusion, remake_segment
from labelscape.ml_backend.store.evaluation_columns import read_evaluation
from labelscape.ml_backend.store.segment_records import as_record, load_segment, write_segment
from labelscape.ml_backend.store.segments import member_ids

FIELDS = {"truth_field": "ground_truth", "prediction_field": "predictions"}


@pytest.fixture
def made(make_digits_dataset, tmp_path):
    dataset = make_digits_dataset(1)
    dataset.clear()
    dataset.delete_sample_field("ground_truth")
    return dataset, add_scenes(dataset, tmp_path, count=60)


@pytest.fixture
def classified(make_digits_dataset):
    """60 digits, of which six are predicted wrong and two not at all."""
    dataset = make_digits_dataset(60)
    labels = dataset.values("ground_truth.label")
    guesses = [str((int(label) + (row < 6)) % 10) for row, label in enumerate(labels)]
    predictions = [fo.Classification(label=guess, confidence=0.9) for guess in guesses]
    dataset.set_values("predictions", [*predictions[:58], None, None])
    return dataset


def test_confident_false_positives_are_the_unlabeled_objects(made):
    dataset, faults = made
    report = create_segment_from_confusion(
        dataset, **FIELDS, name="Unlabeled", iou=0.1, confidence=0.8, choice=Choice(("false positives",))
    )
    assert report.segment.fields == ["predictions"]
    assert set(member_ids(dataset, report.segment, "predictions")) == set(faults.unlabeled)


def test_confident_confusions_are_the_wrong_labels(made):
    dataset, faults = made
    report = create_segment_from_confusion(
        dataset, **FIELDS, name="Wrong", iou=0.1, confidence=0.8, choice=Choice(("confusions",))
    )
    assert report.segment.fields == ["ground_truth"]
    assert set(member_ids(dataset, report.segment, "ground_truth")) == set(faults.wrong)
    assert report.segment.made_by.confidence == 0.8


def test_one_cell_of_the_matrix_is_one_class_pair(made):
    dataset, _ = made
    evaluation = evaluate(dataset, **FIELDS)
    matches = evaluation.match(iou=0.1)
    counts = matches.matrix()
    classes = evaluation.columns.classes
    row, column = np.argwhere((counts[:-1, :-1] > 0) & ~np.eye(len(classes), dtype=bool))[0]
    outcomes = choose(evaluation, matches, Choice(cells=((classes[row], classes[column]),)))
    assert len(outcomes) == counts[row, column]
    phantoms = choose(evaluation, matches, Choice(("false positives",), ((None, classes[0]),)))
    assert len(phantoms) == len(matches.false_positives())


def test_classes_with_the_names_that_screens_give_to_none_are_classes(classified):
    odd = ["(no label)", "(no label) (class)", "(no prediction)", "", None]
    classified.set_values("ground_truth", [fo.Classification(label=name) for name in odd * 12])
    classified.set_values("predictions", [fo.Classification(label="(no prediction)", confidence=0.9)] * 60)
    evaluation = evaluate(classified, **FIELDS)
    assert evaluation.columns.classes == sorted(odd[:3])
    counts = {
        truth: len(choose(evaluation, evaluation.match(), Choice(cells=((truth, "(no prediction)"),))))
        for truth in (*odd[:3], None)
    }
    assert counts == {"(no label)": 12, "(no label) (class)": 12, "(no prediction)": 12, None: 24}
    report = create_segment_from_confusion(
        classified, **FIELDS, name="Odd", choice=Choice(cells=(("(no label)", "(no prediction)"),))
    )
    again = remake_segment(classified, slug="odd", name="Again")
    assert (report.segment.size, again.after, again.stayed) == (12, 12, 12)


def test_both_sides_of_a_confusion_can_be_kept(made):
    dataset, _ = made
    report = create_segment_from_confusion(
        dataset, **FIELDS, name="Both", iou=0.1, choice=Choice(("confusions",)), members="both"
    )
    n = len(evaluate(dataset, **FIELDS).match(iou=0.1).confusions())
    assert (report.segment.size, report.segment.fields) == (2 * n, ["ground_truth", "predictions"])


def test_classification_errors_make_a_segment_of_samples(classified):
    report = create_segment_from_confusion(classified, **FIELDS, name="Wrong", choice=Choice(("confusions",)))
    assert member_ids(classified, report.segment).tolist() == classified.values("id")[:6]
    missed = create_segment_from_confusion(classified, **FIELDS, name="Missed", choice=Choice(("false negatives",)))
    assert member_ids(classified, missed.segment).tolist() == classified.values("id")[58:]


def test_several_guesses_a_sample_are_right_among_the_top_k(classified):
    labels = classified.values("ground_truth.label")
    guesses = [[str((int(label) + shift) % 10) for shift in (1, 0, 2)] for label in labels]
    confidences = (0.6, 0.3, 0.1)
    classified.set_values(
        "guesses",
        [
            fo.Classifications(
                classifications=[
                    fo.Classification(label=one, confidence=c) for one, c in zip(some, confidences, strict=True)
                ]
            )
            for some in guesses
        ],
    )
    evaluation = evaluate(classified, truth_field="ground_truth", prediction_field="guesses")
    assert len(evaluation.match(top_k=1).true_positives()) == 0
    assert len(evaluation.match(top_k=2).true_positives()) == 60
    with pytest.raises(ValueError, match="several classes per sample"):
        evaluate(classified, truth_field="guesses", prediction_field="predictions")


def test_a_view_is_evaluated_alone(classified):
    view = classified.limit(3)
    report = create_segment_from_confusion(view, **FIELDS, name="Wrong", choice=Choice(("confusions",)))
    assert (report.segment.size, report.segment.made_by.samples) == (3, 3)


def test_made_again_on_better_predictions_it_tells_what_stayed_and_what_is_gone(made):
    dataset, _ = made
    options = {"iou": 0.1, "confidence": 0.0, "choice": Choice(("false positives",))}
    first = create_segment_from_confusion(dataset, **FIELDS, name="FP", **options)
    better = [fo.Detections(detections=[d.copy() for d in one.detections]) for one in dataset.values("predictions")]
    members = member_ids(dataset, first.segment, "predictions").tolist()
    left_out = set(members) - set(members[:4])
    for one, old in zip(better, dataset.values("predictions"), strict=True):
        dropped = [d.id in left_out for d in old.detections]
        one.detections = [d for d, drop in zip(one.detections, dropped, strict=True) if not drop]
        for d in one.detections:
            d.tags = []
    dataset.set_values("better", better)
    remake = remake_segment(dataset, slug="fp", prediction_field="better", name="FP better")
    assert (remake.before, remake.after, remake.stayed) == (first.segment.size, 4, 4)
    assert (set(remake.gone["predictions"]), remake.new) == (left_out, {"better": []})
    before, now = remake.runs
    assert [(run.prediction_field, run.members) for run in remake.runs] == [
        ("predictions", first.segment.size),
        ("better", 4),
    ]
    assert now.precision > before.precision
    assert f"F1 was {before.f1:.3f} and is {now.f1:.3f}" in remake.sentence()
    assert load_segment(dataset, "fp").runs == load_segment(dataset, "fp-better").runs == list(remake.runs)
    assert load_segment(dataset, "fp-better").made_by.remade_from == "fp"
    assert load_segment(dataset, "fp").size == first.segment.size
    assert "4 stayed" in remake.sentence()


def test_made_again_on_the_same_predictions_nothing_changes(made):
    dataset, _ = made
    create_segment_from_confusion(dataset, **FIELDS, name="All", choice=Choice(("confusions",)))
    remake = remake_segment(dataset, slug="all")
    assert remake.before == remake.after == remake.stayed > 0
    assert remake.report is None


def test_predictions_rewritten_are_reported_to_be_incomparable(made):
    dataset, _ = made
    options = {"confidence": 0.8, "choice": Choice(("false positives",))}
    first = create_segment_from_confusion(dataset, **FIELDS, name="FP", **options)
    anew = [fo.Detections(detections=[fo.Detection(label=d.label, bounding_box=d.bounding_box, confidence=0.9)
                                      for d in one.detections]) for one in dataset.values("predictions")]  # fmt: skip
    dataset.set_values("predictions", anew)
    remake = remake_segment(dataset, slug="fp")
    assert (remake.lost, remake.stayed) == (first.segment.size, 0)


def test_made_from_a_view_it_is_made_again_from_the_same_view(classified):
    half = classified.match({"ground_truth.label": {"$in": ["0", "1", "2", "3", "4"]}})
    first = create_segment_from_confusion(half, **FIELDS, name="Half", choice=Choice(("confusions",)))
    assert 0 < first.segment.size < 6
    assert f"in a view of {len(half)} samples" in first.segment.sentence()
    remake = remake_segment(classified, slug="half")
    assert remake.before == remake.after == remake.stayed == first.segment.size


def test_a_segment_outlives_the_predictions_it_was_made_from(made):
    dataset, _ = made
    first = create_segment_from_confusion(
        dataset, **FIELDS, name="FP", confidence=0.8, choice=Choice(("false positives",))
    )
    dataset.clone_sample_field("predictions", "newer")
    dataset.delete_sample_field("predictions")
    remake = remake_segment(dataset, slug="fp", prediction_field="newer")
    assert (remake.lost, remake.after, remake.stayed) == (first.segment.size, first.segment.size, 0)


def test_refusals_name_the_fix(made, classified):
    dataset, _ = made
    with pytest.raises(ValueError, match="fields of this dataset that do: ground_truth, predictions"):
        read_evaluation(dataset, truth_field="ground_truth", prediction_field="nothing")
    with pytest.raises(ValueError, match="chosen twice"):
        read_evaluation(dataset, truth_field="ground_truth", prediction_field="ground_truth")
    with pytest.raises(ValueError, match="patches, frames, or clips"):
        read_evaluation(dataset.to_patches("ground_truth"), **FIELDS)
    with pytest.raises(ValueError, match="lower the IoU or the confidence"):
        create_segment_from_confusion(
            dataset, **FIELDS, name="None", confidence=1.0, choice=Choice(("false positives",))
        )
    with pytest.raises(ValueError, match="is not a class"):
        create_segment_from_confusion(dataset, **FIELDS, name="None", choice=Choice(cells=(("cat", "dog"),)))


@pytest.mark.parametrize("masks", [False, True])
def test_columns_survive_missing_labels_boxes_and_confidence(make_digits_dataset, masks):
    dataset = make_digits_dataset(4)
    box = [0.1, 0.1, 0.4, 0.4]
    mask = np.ones((8, 8), bool) if masks else None
    dataset.set_values(
        "boxes",
        [
            fo.Detections(detections=[fo.Detection(label="a", bounding_box=box, mask=mask), fo.Detection(label=None)]),
            None,
            fo.Detections(detections=[]),
            fo.Detections(detections=[fo.Detection(label="b", bounding_box=[0.2, 0.2, 0, 0.3], iscrowd=True)]),
        ],
    )
    dataset.set_values(
        "guesses", [fo.Detections(detections=[fo.Detection(label="b", bounding_box=box, mask=mask)]), None, None, None]
    )
    evaluation = evaluate(dataset, truth_field="boxes", prediction_field="guesses")
    matches = evaluation.match(iou=0.5)
    assert not evaluation.columns.predictions.scored
    assert evaluation.pairs.mask_pairs == int(masks)
    assert (len(matches.confusions()), len(matches.false_negatives())) == (1, 0)


def test_an_empty_dataset_gives_an_empty_matrix(make_digits_dataset):
    dataset = make_digits_dataset(2)
    dataset.clear()
    dataset.add_sample_field("predictions", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    assert evaluate(dataset, **FIELDS).match().matrix().shape == (1, 1)


def test_compared_again_after_each_training_it_keeps_the_course_of_the_metric(classified):
    create_segment_from_confusion(classified, **FIELDS, name="Wrong", choice=Choice(("confusions",)))
    ids, labels = classified.values(["id", "ground_truth.label"])
    for n_wrong in (4, 4, 1):  # a run that finds the same as the last is not kept again
        guesses = [str((int(label) + (row < n_wrong)) % 10) for row, label in enumerate(labels)]
        guesses[50] = str((int(labels[50]) + 1) % 10)
        classified.set_values("predictions", [fo.Classification(label=guess, confidence=0.9) for guess in guesses])
        remake = remake_segment(classified, slug="wrong")
    assert [run.members for run in remake.runs] == [6, 5, 2]
    assert [run.f1 for run in remake.runs] == sorted(run.f1 for run in remake.runs)
    assert (remake.gone, remake.new) == ({None: sorted(ids[1:6])}, {None: [ids[50]]})
    again = load_segment(classified, "wrong")
    assert again.runs == list(remake.runs)
    json.dumps(as_record(again))


def test_a_segment_of_an_earlier_version_is_compared_with_its_own_predictions(classified):
    made = create_segment_from_confusion(classified, **FIELDS, name="Wrong", choice=Choice(("confusions",)))
    write_segment(classified, replace(made.segment, runs=[]))
    right = classified.values("ground_truth.label")
    classified.set_values("newer", [fo.Classification(label=label, confidence=0.9) for label in right])
    remake = remake_segment(classified, slug="wrong", prediction_field="newer")
    assert [(run.prediction_field, run.members) for run in remake.runs] == [("predictions", 6), ("newer", 0)]
    assert remake.runs[0].f1 < remake.runs[1].f1 == 1.0
