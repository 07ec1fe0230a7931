"""Scenes of objects, and pycocotools' answers about them, that the tests of confusion share."""

import contextlib
import io

import numpy as np
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.confusion import Objects

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
    hits = []
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
        hits.append(((tp, fp, fn), pairs))
    ap = evaluation.eval["precision"][:, :, :, 0, 0].mean(axis=1) if classwise else None
    return hits, ap


def our_pairs(matches):
    outcomes = matches.outcomes
    both = (outcomes.truth >= 0) & (outcomes.prediction >= 0)
    return set(zip(outcomes.truth[both].tolist(), outcomes.prediction[both].tolist(), strict=True))


def our_counts(matches):
    return len(our_pairs(matches)), len(matches.false_positives()), len(matches.false_negatives())


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
