"""The matrix, its cells and its metrics say what pycocotools, FiftyOne and scikit-learn say."""

import contextlib
import io
import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.confusion import Objects, candidate_pairs, match, top_classes
from sklearn import metrics as sk

NAN = float("nan")

object_rows = st.tuples(
    st.integers(0, 2),  # sample
    st.integers(0, 2),  # class
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 4), st.integers(-1, 4)),  # many equal IoUs
)
truth_rows = st.lists(st.tuples(object_rows, st.booleans()), max_size=14)
prediction_rows = st.lists(st.tuples(object_rows, st.sampled_from([0.0, 0.2, 0.5, 0.9])), max_size=14)
thresholds = st.sampled_from([0.0, 0.1, 0.25, 0.5, 2 / 3, 1.0])


def truth_of(rows, crowds=True) -> Objects:
    return Objects(
        [r[0][0] for r in rows],
        [r[0][1] for r in rows],
        [r[0][2] for r in rows],
        crowd=[r[1] and crowds for r in rows],
    )


def predictions_of(rows) -> Objects:
    return Objects([r[0][0] for r in rows], [r[0][1] for r in rows], [r[0][2] for r in rows], [r[1] for r in rows])


def random_scene(seed, samples=40, each=15, classes=6, crowds=0.1):
    rng = np.random.default_rng(seed)
    n = samples * each
    sample = rng.permutation(np.repeat(np.arange(samples), each))
    box = np.concatenate([rng.uniform(0, 0.7, (n, 2)), rng.uniform(0.05, 0.3, (n, 2))], axis=1)
    label = rng.integers(0, classes, n)
    truth = Objects(sample, label, box, crowd=rng.random(n) < crowds)
    guess = np.where(rng.random(n) < 0.7, label, rng.integers(0, classes, n))
    kept = rng.random(n) < 0.8
    stray = rng.integers(0, n, n // 5)
    order = rng.permutation(np.concatenate([np.flatnonzero(kept), stray]))
    jitter = rng.normal(0, 0.03, (len(order), 4))
    return truth, Objects(sample[order], guess[order], box[order] + jitter, rng.random(len(order)))


def coco_evaluation(truth, predictions, ious, classwise=True, masks=None):
    """pycocotools' own answer: per IoU (tp, fp, fn) counts, matched pairs, and AP per IoU and class."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    classes = max([*truth.label, *predictions.label], default=0) + 1
    samples = sorted({*truth.sample.tolist(), *predictions.sample.tolist()}) or [0]

    def annotations(objects):
        rows = []
        for i in range(len(objects)):
            box = [float(v) for v in objects.box[i]]
            rows.append(
                {
                    "id": i + 1,
                    "image_id": int(objects.sample[i]),
                    "category_id": int(objects.label[i]),
                    "bbox": box,
                    "area": abs(box[2] * box[3]),
                    "iscrowd": int(objects.crowd[i]),
                    "score": float(np.nan_to_num(objects.confidence[i])),
                }
            )
        return rows

    def dataset(rows, segments):
        coco = COCO()
        if segments is not None:
            for row, segment in zip(rows, segments, strict=True):
                row["segmentation"] = segment
        coco.dataset = {
            "images": [{"id": s, "height": 40, "width": 60} for s in samples],
            "categories": [{"id": c} for c in range(classes)],
            "annotations": rows,
        }
        coco.createIndex()
        return coco

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(
            dataset(annotations(truth), masks and masks[0]),
            dataset(annotations(predictions), masks and masks[1]),
            "segm" if masks else "bbox",
        )
        evaluation.params.iouThrs = np.array(ious)
        evaluation.params.maxDets = [10_000]
        evaluation.params.areaRng = [[0, 1e10]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.params.useCats = int(classwise)
        evaluation.evaluate()
        evaluation.accumulate()
    found = []
    for t in range(len(ious)):
        tp = fp = fn = 0
        pairs = set()
        for image in filter(None, evaluation.evalImgs):
            matched, ignored = image["dtMatches"][t] > 0, image["dtIgnore"][t].astype(bool)
            tp += int((matched & ~ignored).sum())
            fp += int((~matched & ~ignored).sum())
            fn += int(((image["gtMatches"][t] == 0) & (np.asarray(image["gtIgnore"]) == 0)).sum())
            pairs |= {
                (int(g) - 1, d - 1)
                for g, d, skip in zip(image["dtMatches"][t], image["dtIds"], ignored, strict=True)
                if g and not skip
            }
        found.append(((tp, fp, fn), pairs))
    ap = evaluation.eval["precision"][:, :, :, 0, 0].mean(axis=1) if classwise else None
    return found, ap


def our_pairs(matches):
    outcomes = matches.outcomes
    both = (outcomes.truth >= 0) & (outcomes.prediction >= 0)
    return set(zip(outcomes.truth[both].tolist(), outcomes.prediction[both].tolist(), strict=True))


def our_counts(matches):
    return len(our_pairs(matches)), len(matches.false_positives()), len(matches.false_negatives())


def one_after_another(truth, predictions, iou, confidence, classwise):
    """The rules of COCO as a loop: what the matching of all samples at once must equal."""

    def overlap(t, p):
        (ax, ay, aw, ah), (bx, by, bw, bh) = truth.box[t], predictions.box[p]
        w, h = min(ax + aw, bx + bw) - max(ax, bx), min(ay + ah, by + bh) - max(ay, by)
        if w <= 0 or h <= 0:
            return 0.0
        return w * h / (bw * bh if truth.crowd[t] else aw * ah + bw * bh - w * h)

    pairs, ignored, free = set(), set(), set(np.flatnonzero(~truth.crowd).tolist())
    known = np.nan_to_num(predictions.confidence, nan=-1.0)
    for p in sorted(range(len(predictions)), key=lambda p: -known[p]):
        if max(known[p], 0) < confidence:
            continue
        best, best_iou = None, min(iou, 1 - 1e-10)
        for t in sorted(free):
            same = truth.label[t] == predictions.label[p]
            if truth.sample[t] != predictions.sample[p] or (classwise and not same):
                continue
            if overlap(t, p) > 0 and overlap(t, p) >= best_iou:
                best, best_iou = t, overlap(t, p)
        if best is not None:
            free.remove(best)
            pairs.add((best, p))
        elif any(
            truth.sample[t] == predictions.sample[p]
            and truth.label[t] == predictions.label[p]
            and overlap(t, p) > 0
            and overlap(t, p) >= min(iou, 1 - 1e-10)
            for t in np.flatnonzero(truth.crowd)
        ):
            ignored.add(p)
    return pairs, ignored


@settings(max_examples=300, deadline=None)
@given(truth_rows, prediction_rows, thresholds, st.sampled_from([0.0, 0.2, 0.3, 0.9]), st.booleans())
def test_matching_all_samples_at_once_equals_the_greedy_loop(labels, guesses, iou, confidence, classwise):
    truth, predictions = truth_of(labels), predictions_of(guesses)
    matches = match(truth, predictions, iou=iou, confidence=confidence, classwise=classwise)
    pairs, ignored = one_after_another(truth, predictions, iou, confidence, classwise)
    assert our_pairs(matches) == pairs
    assert set(np.flatnonzero(matches.ignored).tolist()) == ignored


@settings(max_examples=150, deadline=None)
@given(truth_rows, prediction_rows, st.sampled_from([0.1, 0.25, 0.5, 2 / 3, 1.0]))
def test_pairs_counts_and_average_precision_equal_pycocotools(labels, guesses, iou):
    truth, predictions = truth_of(labels), predictions_of(guesses)
    pairs = candidate_pairs(truth, predictions)
    [(counts, matched)], ap = coco_evaluation(truth, predictions, [iou])
    matches = pairs.match(iou=iou, classwise=True)
    assert our_counts(matches) == counts
    assert our_pairs(matches) == matched
    if len(predictions) and pairs.n_classes:
        expected = np.where(ap[0] < 0, NAN, ap[0])
        np.testing.assert_allclose(matches.metrics().average_precision, expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_many_objects_equal_pycocotools_at_every_iou(seed):
    truth, predictions = random_scene(seed)
    ious = [0.1, 0.3, 0.5, 0.75, 0.9]
    expected, ap = coco_evaluation(truth, predictions, ious)
    pairs = candidate_pairs(truth, predictions)
    for i, iou in enumerate(ious):
        matches = pairs.match(iou=iou, classwise=True)
        assert our_counts(matches) == expected[i][0]
        assert our_pairs(matches) == expected[i][1]
        metrics = matches.metrics()
        np.testing.assert_allclose(metrics.average_precision, ap[i], atol=1e-12)
        assert metrics.mean_average_precision == pytest.approx(ap[i].mean(), abs=1e-12)


def test_equal_confidences_are_ranked_as_pycocotools_ranks_them():
    truth, sure = random_scene(8)
    predictions = Objects(sure.sample, sure.label, sure.box, np.round(sure.confidence, 1))
    _, ap = coco_evaluation(truth, predictions, [0.5])
    np.testing.assert_allclose(candidate_pairs(truth, predictions).average_precision(iou=0.5), ap[0], atol=1e-12)


def test_equal_boxes_match_at_an_overlap_of_one():
    truth, _ = random_scene(9, crowds=0)
    assert len(our_pairs(match(truth, truth, iou=1.0))) == len(truth)


def test_result_does_not_depend_on_the_chunks(monkeypatch):
    (truth, _), (predictions, _) = mask_scene(4)
    before = candidate_pairs(truth, predictions).match(iou=0.1)
    monkeypatch.setattr("labelscape.ml_backend.analysis.confusion.overlaps._CANDIDATES_AT_ONCE", 20)
    monkeypatch.setattr("labelscape.ml_backend.analysis.mask_iou._PIXELS_AT_ONCE", 500)
    after = candidate_pairs(truth, predictions).match(iou=0.1)
    assert our_pairs(after) == our_pairs(before)
    np.testing.assert_array_equal(after.prediction_iou, before.prediction_iou)


def test_class_agnostic_pairs_equal_pycocotools_without_categories():
    truth, predictions = random_scene(3, crowds=0)
    expected, _ = coco_evaluation(truth, predictions, [0.1, 0.5], classwise=False)
    for i, iou in enumerate([0.1, 0.5]):
        assert our_pairs(match(truth, predictions, iou=iou)) == expected[i][1]


def test_predictions_below_the_confidence_do_not_exist():
    truth, predictions = random_scene(4)
    kept = np.flatnonzero(predictions.confidence >= 0.6)
    rest = Objects(*(c[kept] for c in (predictions.sample, predictions.label, predictions.box, predictions.confidence)))
    [(counts, _)], _ = coco_evaluation(truth, rest, [0.5])
    assert our_counts(match(truth, predictions, confidence=0.6, classwise=True)) == counts


@settings(max_examples=100, deadline=None)
@given(truth_rows, prediction_rows, thresholds, st.booleans())
def test_every_label_and_every_prediction_is_counted_once(labels, guesses, iou, classwise):
    truth, predictions = truth_of(labels), predictions_of(guesses)
    matches = match(truth, predictions, iou=iou, confidence=0.2, classwise=classwise, n_classes=3)
    matrix = matches.matrix()
    assert matrix[:-1].sum() == (~truth.crowd).sum()
    assert matrix[:, :-1].sum() == (matches.kept & ~matches.ignored).sum()
    assert matrix[-1, -1] == 0
    counts = matches.metrics()
    assert (counts.true_positives + counts.false_negatives == counts.support).all()
    cells = [[len(matches.cell(t, p)) for p in (0, 1, 2, -1)] for t in (0, 1, 2, -1)]
    assert (np.array(cells) == matrix).all()
    parts = (
        matches.true_positives(),
        matches.confusions(),
        matches.false_positives(),
        matches.false_negatives(),
    )
    assert sum(map(len, parts)) == matrix.sum() == len(matches.outcomes)
    if classwise:
        assert len(matches.confusions()) == 0


@settings(max_examples=60, deadline=None)
@given(truth_rows, prediction_rows, thresholds, st.randoms(use_true_random=False))
def test_result_does_not_depend_on_the_order_of_objects(labels, guesses, iou, random):
    # equal confidences and equal overlaps are decided by order: make them differ
    labels = [
        ((s, c, tuple(v + 0.01 * np.sin(17 * i + j) for j, v in enumerate(b))), k)
        for i, ((s, c, b), k) in enumerate(labels)
    ]
    guesses = [(row, confidence + i / 1000) for i, (row, confidence) in enumerate(guesses)]
    before = match(truth_of(labels), predictions_of(guesses), iou=iou, n_classes=3)
    a, b = random.sample(range(len(labels)), len(labels)), random.sample(range(len(guesses)), len(guesses))
    after = match(truth_of([labels[i] for i in a]), predictions_of([guesses[i] for i in b]), iou=iou, n_classes=3)
    assert {(a[t], b[p]) for t, p in our_pairs(after)} == our_pairs(before)
    assert (after.matrix() == before.matrix()).all()


@settings(max_examples=60, deadline=None)
@given(truth_rows, prediction_rows, thresholds)
def test_a_higher_threshold_never_adds_predictions_or_pairs(labels, guesses, iou):
    pairs = candidate_pairs(truth_of(labels), predictions_of(guesses))
    by_confidence = [pairs.match(iou=iou, confidence=c) for c in (0.0, 0.2, 0.6, 1.0)]
    for low, high in itertools.pairwise(by_confidence):
        assert not (high.kept & ~low.kept).any()
        assert len(our_pairs(high)) <= len(our_pairs(low))


def test_a_new_threshold_gives_what_a_new_start_gives():
    truth, predictions = random_scene(5)
    pairs = candidate_pairs(truth, predictions)
    pairs.match(iou=0.9, confidence=0.9, classwise=True).metrics()
    for iou, confidence in [(0.1, 0.8), (0.5, 0.0), (0.0, 0.3)]:
        again, fresh = (
            pairs.match(iou=iou, confidence=confidence),
            match(truth, predictions, iou=iou, confidence=confidence),
        )
        assert our_pairs(again) == our_pairs(fresh)
        np.testing.assert_array_equal(again.matrix(), fresh.matrix())


def test_a_sure_prediction_over_a_gap_is_an_unlabeled_object_and_a_sure_other_class_a_wrong_label():
    truth = Objects([0, 0], [0, 1], [[0, 0, 10, 10], [20, 0, 10, 10]])
    predictions = Objects(
        [0, 0, 0, 0],
        [0, 2, 2, 1],
        [[0, 0, 10, 9], [20, 1, 10, 10], [50, 50, 5, 5], [80, 0, 5, 5]],
        [0.9, 0.95, 0.85, 0.3],
    )
    matches = match(truth, predictions, iou=0.1, confidence=0.8)
    assert matches.false_positives().prediction.tolist() == [2]
    wrong = matches.confusions()
    assert (wrong.truth.tolist(), wrong.prediction.tolist()) == ([1], [1])
    assert (wrong.truth_class.tolist(), wrong.predicted_class.tolist()) == ([1], [2])
    assert wrong.iou[0] == pytest.approx(90 / 110)
    assert matches.cell(1, 2).prediction.tolist() == [1]
    assert matches.cell(-1, 2).prediction.tolist() == [2]
    assert matches.matrix().tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]]


def test_outcomes_sort_by_confidence_and_by_overlap():
    truth, predictions = random_scene(6)
    outcomes = match(truth, predictions, iou=0.1).outcomes
    confidence = outcomes.by_confidence().confidence
    known = confidence[~np.isnan(confidence)]
    assert (np.diff(known) <= 0).all()
    assert np.isnan(confidence[len(known) :]).all()
    overlap = outcomes.by_iou().iou
    known = overlap[~np.isnan(overlap)]
    assert (np.diff(known) >= 0).all()
    assert np.isnan(overlap[len(known) :]).all()


def test_a_crowd_is_neither_found_nor_missed_and_only_its_own_class_hides_in_it():
    truth = Objects([0], [0], [[0, 0, 100, 100]], crowd=[True])
    boxes = [[10, 10, 5, 5], [40, 40, 5, 5], [10, 60, 5, 5], [300, 300, 5, 5]]
    predictions = Objects([0] * 4, [0, 0, 1, 0], boxes, [0.9, 0.8, 0.7, 0.6])
    matches = match(truth, predictions)
    assert matches.ignored.tolist() == [True, True, False, False]
    assert matches.false_positives().prediction.tolist() == [2, 3]
    assert len(matches.false_negatives()) == 0
    assert matches.metrics().support.tolist() == [0, 0]


def test_unknown_confidence_ranks_last_passes_only_zero_and_leaves_no_average_precision():
    truth = Objects([0, 1], [0, 0], [[0, 0, 4, 4]] * 2)
    predictions = Objects([0, 0], [0, 0], [[0, 0, 4, 4]] * 2, [NAN, 0.1])
    assert our_pairs(match(truth, predictions)) == {(0, 1)}
    assert match(truth, predictions, confidence=0.05).kept.tolist() == [False, True]
    assert match(truth, predictions).metrics().average_precision[0] == pytest.approx(51 / 101)
    unknown = match(truth, Objects([0], [0], [[0, 0, 4, 4]]))
    assert our_pairs(unknown) == {(0, 0)}
    assert np.isnan(unknown.metrics().average_precision).all()
    assert np.isnan(unknown.metrics().mean_average_precision)


@pytest.mark.parametrize("box", [[0, 0, 0, 4], [0, 0, 4, 0], [4, 4, -4, -4], [2, 2, 0, 0]])
def test_a_degenerate_box_matches_nothing(box):
    truth, predictions = Objects([0], [0], [box]), Objects([0], [0], [box], [0.5])
    assert our_counts(match(truth, predictions, iou=0.0)) == (0, 1, 1)
    whole = Objects([0], [0], [[-10, -10, 30, 30]], [0.5])
    assert our_counts(match(truth, whole, iou=0.0)) == (0, 1, 1)


def test_nothing_on_one_side_or_on_both():
    some = Objects([0, 3], [0, 1], [[0, 0, 1, 1]] * 2, [0.5, 0.5])
    none = Objects([], [], np.empty((0, 4)))
    assert our_counts(match(some, none)) == (0, 0, 2)
    assert our_counts(match(none, some)) == (0, 2, 0)
    assert match(some, none).metrics().average_precision.tolist() == [0.0, 0.0]
    assert np.isnan(match(none, some).metrics().average_precision).all()
    empty = match(none, none)
    assert empty.matrix().tolist() == [[0]]
    assert empty.metrics().weighted_f1 == 0.0
    assert our_counts(match(Objects([], []), some)) == (0, 2, 0)


def test_classes_only_predicted_have_a_column_and_no_average_precision():
    truth, predictions = Objects([0], [0], [[0, 0, 4, 4]]), Objects([0], [5], [[0, 0, 4, 4]], [0.5])
    metrics = match(truth, predictions).metrics()
    assert match(truth, predictions).matrix()[0, 5] == 1
    assert (metrics.false_positives[5], metrics.false_negatives[0]) == (1, 1)
    assert np.isnan(metrics.average_precision[5])
    assert metrics.mean_average_precision == 0.0
    assert match(truth, predictions, n_classes=80).matrix().shape == (81, 81)


def test_an_object_without_class_takes_no_part():
    truth = Objects([0, 0], [-1, 0], [[0, 0, 4, 4], [10, 10, 4, 4]])
    predictions = Objects([0, 0], [0, -1], [[0, 0, 4, 4], [10, 10, 4, 4]], [0.9, 0.9])
    matches = match(truth, predictions)
    assert matches.false_positives().prediction.tolist() == [0]
    assert matches.false_negatives().truth.tolist() == [1]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Objects([0, 1], [0]), "label has 1 values for 2 objects"),
        (lambda: Objects([0], [-2]), "label -2 of object 0"),
        (lambda: Objects([0], [0], [[0, 0, NAN, 1]]), r"boxes of objects \[0\] are not finite"),
        (lambda: Objects([0], [0], confidence=[87]), "confidence 87 of object 0 is not between 0 and 1"),
        (lambda: Objects([0], [0], masks=[None]), "masks need the box"),
        (lambda: Objects([0], [0], [[0, 0, 1, 1]], masks=[np.ones(3, bool)]), "mask of object 0 is not"),
        (lambda: match(Objects([0], [0]), Objects([0], [0], [[0, 0, 1, 1]])), "the labels have no boxes"),
        (
            lambda: match(Objects([0], [3]), Objects([], []), n_classes=2),
            "class 3 does not fit into 2 classes",
        ),
        (lambda: match(Objects([7, 7], [0, 1]), Objects([7], [0])), "sample 7 has 2 labels"),
        (lambda: match(Objects([0], [0]), Objects([0], [0]), iou=1.5), "iou 1.5 is not between 0 and 1"),
        (lambda: match(Objects([0], [0]), Objects([0], [0])).cell(4, 0), "truth_class 4 is not a class"),
        (lambda: match(Objects([0], [0]), Objects([0], [0]), top_k=0), "top_k 0"),
    ],
)
def test_wrong_input_is_answered_with_a_sentence(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_classification_equals_scikit_learn():
    rng = np.random.default_rng(0)
    right = rng.integers(0, 5, 400)
    scores = rng.dirichlet(np.ones(5), 400)
    scores[np.arange(400), right] += 0.3
    scores /= scores.sum(axis=1, keepdims=True)
    guessed = scores.argmax(axis=1)
    matches = match(Objects(np.arange(400), right), top_classes(scores, 1), n_classes=5)
    np.testing.assert_array_equal(matches.matrix()[:-1, :-1], sk.confusion_matrix(right, guessed))
    ours = matches.metrics()
    expected = sk.precision_recall_fscore_support(right, guessed)
    for mine, theirs in zip((ours.precision, ours.recall, ours.f1, ours.support), expected, strict=True):
        np.testing.assert_allclose(mine, theirs)
    weighted = sk.precision_recall_fscore_support(right, guessed, average="weighted")[:3]
    np.testing.assert_allclose((ours.weighted_precision, ours.weighted_recall, ours.weighted_f1), weighted)
    for k in (1, 2, 4):
        top = match(Objects(np.arange(400), right), top_classes(scores, 5), top_k=k)
        assert len(top.true_positives()) == sk.top_k_accuracy_score(right, scores, k=k, normalize=False)
        assert top.matrix().sum() == 400


def test_classification_without_label_or_guess():
    truth = Objects([0, 1, 2, 3], [0, -1, 1, 1])
    predictions = Objects([0, 1, 2, 5], [0, 1, 0, 1], confidence=[0.9, 0.8, 0.7, 0.9])
    matches = match(truth, predictions, confidence=0.75)
    assert matches.matrix().tolist() == [[1, 0, 0], [0, 0, 2], [0, 2, 0]]
    assert matches.false_positives().prediction.tolist() == [1, 3]
    # nothing to judge the guesses on unlabeled samples by: precision does not suffer
    assert matches.metrics().precision.tolist() == [1.0, 0.0]
    assert matches.metrics().false_positives.tolist() == [0, 0]
    assert np.isnan(matches.outcomes.iou).all()


def test_average_precision_of_classification_ranks_all_guesses_of_a_class():
    truth = Objects([0, 1, 2, 3], [0, 0, 1, 1])
    guesses = top_classes([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6], [0.2, 0.8]], 2)
    ap = match(truth, guesses).metrics().average_precision
    # class 0 by confidence: right, wrong (.4), right (.3), wrong
    assert ap[0] == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_average_precision_of_classification_leaves_unlabeled_samples_out():
    guesses = Objects([0, 1], [0, 0], confidence=[0.5, 0.9])
    assert match(Objects([0, 1], [0, -1]), guesses).metrics().average_precision[0] == pytest.approx(1)


def test_a_class_guessed_twice_in_a_sample_counts_once():
    matches = match(Objects([0], [0]), Objects([0, 0, 0], [1, 0, 0], confidence=[0.9, 0.8, 0.7]), top_k=3)
    assert matches.outcomes.prediction.tolist() == [1]
    assert matches.matrix().sum() == 1


def mask_scene(seed):
    from pycocotools import mask as coco_mask

    rng = np.random.default_rng(seed)
    height, width = 40, 60

    def objects(n, confident, crowds):
        x, y = rng.integers(0, 40, n), rng.integers(0, 25, n)
        w, h = rng.integers(1, 20, n), rng.integers(1, 15, n)
        masks = [rng.random((h[i], w[i])) < 0.8 for i in range(n)]
        segments = []
        for i in range(n):
            full = np.zeros((height, width), np.uint8, order="F")
            full[y[i] : y[i] + h[i], x[i] : x[i] + w[i]] = masks[i]
            segments.append(coco_mask.encode(full))
        box = np.stack([x / width, y / height, w / width, h / height], axis=1)
        made = Objects(
            rng.integers(0, 5, n),
            rng.integers(0, 2, n),
            box,
            rng.permutation(n) / n if confident else None,
            crowd=rng.random(n) < crowds,
            masks=masks,
        )
        return made, segments

    return objects(80, False, 0.1), objects(100, True, 0)


@pytest.mark.parametrize("seed", range(3))
def test_masks_are_matched_as_pycocotools_matches_them(seed):
    (truth, truth_segments), (predictions, segments) = mask_scene(seed)
    ious = [0.05, 0.2, 0.4]
    expected, ap = coco_evaluation(truth, predictions, ious, masks=(truth_segments, segments))
    pairs = candidate_pairs(truth, predictions)
    assert pairs.box_pairs == 0
    for i, iou in enumerate(ious):
        matches = pairs.match(iou=iou, classwise=True)
        assert our_counts(matches) == expected[i][0]
        assert our_pairs(matches) == expected[i][1]
        np.testing.assert_allclose(pairs.average_precision(iou=iou), ap[i], atol=1e-12)


def test_boxes_count_where_one_side_has_no_mask():
    box = [[0.1, 0.1, 0.5, 0.5]] * 2
    half = np.zeros((10, 10), bool)
    half[:5] = True
    truth = Objects([0, 1], [0, 0], box, masks=[half, half])
    predictions = Objects([0, 1], [0, 0], box, [0.9, 0.9], masks=[np.ones((10, 10), bool), None])
    pairs = candidate_pairs(truth, predictions)
    assert (pairs.mask_pairs, pairs.box_pairs) == (1, 1)
    np.testing.assert_allclose(pairs.match(iou=0.1).prediction_iou, [0.5, 1.0])


def test_a_coarse_mask_is_compared_with_a_fine_one():
    coarse, fine = np.array([[True, False], [True, True]]), np.ones((100, 100), bool)
    fine[:50, 50:] = False
    truth = Objects([0], [0], [[0.2, 0.2, 0.5, 0.5]], masks=[fine])
    predictions = Objects([0], [0], [[0.2, 0.2, 0.5, 0.5]], [0.5], masks=[coarse])
    assert match(truth, predictions).prediction_iou[0] == pytest.approx(1.0)


def test_masks_with_boxes_in_pixels_are_refused():
    objects = Objects([0], [0], [[0, 0, 1e-5, 1e-5]], [0.5], masks=[np.ones((50, 50), bool)])
    with pytest.raises(ValueError, match="no share of an image"):
        match(objects, objects)


def test_100k_objects_answer_a_new_threshold_at_once():
    truth, predictions = random_scene(7, samples=5000, each=20, classes=80)
    pairs = candidate_pairs(truth, predictions)
    pairs.match(classwise=True)
    took = []
    for iou, confidence in [(0.1, 0.8), (0.5, 0.0), (0.75, 0.3), (0.3, 0.5), (0.2, 0.1)]:
        start = time.perf_counter()
        pairs.match(iou=iou, confidence=confidence).matrix()
        took.append(time.perf_counter() - start)
    assert min(took) < 0.1
