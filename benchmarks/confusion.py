"""Matching predictions to labels: ours against pycocotools and FiftyOne's evaluate_detections on the same objects.

`python benchmarks/confusion.py` makes 5,000 images x 20 objects and prints a table. FiftyOne needs its database; a
dataset of a new name is made there and deleted. It gets a part of the images, because all of them take it minutes.
`--data FOLDER` walks a detector's real predictions instead (COCO128: `config.yaml` with the names,
`yolox_nano_predictions.json` with image -> boxes) and prints what surfaces.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import resource
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from labelscape.ml_backend.analysis.confusion import Matches, Objects, Outcomes, candidate_pairs

CLASSES = 80
THRESHOLDS = [(0.5, 0.0), (0.1, 0.8), (0.75, 0.3), (0.3, 0.5), (0.2, 0.1), (0.9, 0.0), (0.5, 0.6), (0.0, 0.0)]


def scene(images: int, each: int, seed: int = 0) -> tuple[Objects, Objects]:
    """Make labels, and a detector that misses 10 %, is wrong in 20 % and sees 15 % that is not there."""
    rng = np.random.default_rng(seed)
    n = images * each
    sample = np.repeat(np.arange(images), each)
    box = np.concatenate([rng.uniform(0, 0.8, (n, 2)), rng.uniform(0.02, 0.2, (n, 2))], axis=1)
    label = rng.integers(0, CLASSES, n)
    found = np.flatnonzero(rng.random(n) < 0.9)
    stray = rng.integers(0, n, int(0.15 * n))
    guess = np.where(rng.random(n) < 0.8, label, rng.integers(0, CLASSES, n))
    guessed = np.concatenate([box[found] + rng.normal(0, 0.01, (len(found), 4)), box[rng.permutation(stray)]])
    guessed[:, 2:] = np.maximum(guessed[:, 2:], 0.005)  # FiftyOne 1.22's evaluation fails on a negative width
    predictions = Objects(
        np.concatenate([sample[found], sample[stray]]),
        np.concatenate([guess[found], guess[stray]]),
        guessed,
        rng.random(len(guessed)),
    )
    return Objects(sample, label, box), predictions


def timed(call: Callable[[], Any], repeat: int = 1) -> tuple[float, Any]:
    took, result = [], None
    for _ in range(repeat):
        start = time.perf_counter()
        result = call()
        took.append(time.perf_counter() - start)
    return statistics.median(took), result


def counts(matches: Matches) -> str:
    metrics = matches.metrics()
    right, wrong, missed = metrics.true_positives, metrics.false_positives, metrics.false_negatives
    return f"{right.sum()} / {wrong.sum()} / {missed.sum()}"


def coco(objects: Objects) -> Any:
    from pycocotools.coco import COCO

    made = COCO()
    made.dataset = {
        "images": [{"id": int(i)} for i in np.unique(objects.sample)],
        "categories": [{"id": c} for c in range(CLASSES)],
        "annotations": [
            {
                "id": i + 1,
                "image_id": int(objects.sample[i]),
                "category_id": int(objects.label[i]),
                "bbox": objects.box[i].tolist(),
                "area": float(objects.box[i, 2] * objects.box[i, 3]),
                "iscrowd": 0,
                "score": float(objects.confidence[i]),
            }
            for i in range(len(objects))
        ],
    }
    made.createIndex()
    return made


def run_pycocotools(truth: Objects, predictions: Objects) -> tuple[float, str, float]:
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(coco(truth), coco(predictions), "bbox")
        parameters = evaluation.params
        parameters.iouThrs, parameters.maxDets = np.array([0.5]), [1000]
        parameters.areaRng, parameters.areaRngLbl = [[0, 1e10]], ["all"]

        def evaluate() -> None:
            evaluation.evaluate()
            evaluation.accumulate()

        took, _ = timed(evaluate)
    images = [image for image in evaluation.evalImgs if image is not None]
    right = sum(int((image["dtMatches"][0] > 0).sum()) for image in images)
    missed = sum(int((image["gtMatches"][0] == 0).sum()) for image in images)
    precision = evaluation.eval["precision"]
    return took, f"{right} / {len(predictions) - right} / {missed}", float(precision[precision > -1].mean())


def add_detections(samples: list[Any], field: str, objects: Objects) -> None:
    import fiftyone as fo

    rows = np.argsort(objects.sample, kind="stable")
    cuts = np.searchsorted(objects.sample[rows], np.arange(1, len(samples)))
    for sample, chosen in zip(samples, np.split(rows, cuts), strict=True):
        sample[field] = fo.Detections(
            detections=[
                fo.Detection(
                    label=str(objects.label[i]),
                    bounding_box=objects.box[i].tolist(),
                    confidence=None if np.isnan(objects.confidence[i]) else float(objects.confidence[i]),
                )
                for i in chosen
            ]
        )


def run_fiftyone(truth: Objects, predictions: Objects, images: int) -> list[tuple[str, float, str]]:
    import fiftyone as fo

    fo.config.show_progress_bars = False
    dataset = fo.Dataset(f"labelscape-benchmark-{uuid.uuid4().hex[:8]}")
    try:
        samples = [fo.Sample(filepath=f"/missing/{i}.jpg") for i in range(images)]
        add_detections(samples, "labels", truth)
        add_detections(samples, "guesses", predictions)
        dataset.add_samples(samples)
        read, _ = timed(
            lambda: dataset.values(
                [f"labels.detections.{name}" for name in ("id", "label", "bounding_box", "iscrowd")]
                + [f"guesses.detections.{name}" for name in ("id", "label", "bounding_box", "confidence")]
            )
        )

        def evaluate(**options: Any) -> str:
            dataset.evaluate_detections("guesses", gt_field="labels", iou=0.5, eval_key="e", **options)
            return " / ".join(str(sum(dataset.values(f"e_{name}"))) for name in ("tp", "fp", "fn"))

        agnostic, agnostic_counts = timed(lambda: evaluate(classwise=False))
        classwise, classwise_counts = timed(lambda: evaluate(classwise=True))
        return [
            ("reading the columns we need from FiftyOne", read, ""),
            ("FiftyOne evaluate_detections, any class", agnostic, agnostic_counts),
            ("FiftyOne evaluate_detections, same class", classwise, classwise_counts),
        ]
    finally:
        dataset.delete()


def compare(images: int, each: int, fiftyone_images: int) -> None:
    truth, predictions = scene(images, each)
    print(f"{images:,} images, {len(truth):,} labels, {len(predictions):,} predictions, {CLASSES} classes\n")
    rows: list[tuple[str, float, str]] = []
    took, pairs = timed(lambda: candidate_pairs(truth, predictions))
    rows.append(("ours: all pairs with IoU, once", took, ""))
    for classwise, name in ((False, "any class"), (True, "same class")):
        pairs.match(classwise=classwise)
        each_took = [
            timed(lambda t=t, c=classwise: pairs.match(iou=t[0], confidence=t[1], classwise=c).matrix(), 5)[0]
            for t in THRESHOLDS
        ]
        right = counts(pairs.match(iou=0.5, classwise=classwise))
        rows.append((f"ours: new threshold, matrix included, {name} (median)", statistics.median(each_took), right))
        rows.append((f"ours: new threshold, matrix included, {name} (slowest)", max(each_took), ""))
    took, metrics = timed(lambda: pairs.match(iou=0.5).metrics(), 5)
    rows.append(("ours: new threshold and all metrics with AP", took, f"mAP50 {metrics.mean_average_precision:.6f}"))
    took, found, precision = run_pycocotools(truth, predictions)
    rows.append(("pycocotools, one IoU, same class", took, found))
    rows.append(("pycocotools, precision", 0.0, f"mAP50 {precision:.6f}"))
    if fiftyone_images:
        part = min(fiftyone_images, images)
        measured = run_fiftyone(*scene(part, each), part)
        rows += [(f"{name}, {part:,} images", seconds, note) for name, seconds, note in measured]
        if part < images:
            # its cost is a sum over samples, so a part of them tells the whole
            rows += [(f"{name}, scaled to {images:,}", seconds * images / part, "") for name, seconds, _ in measured]
            fewer = candidate_pairs(*scene(part, each))
            rows.append((f"ours on those {part:,}, any class", 0.0, counts(fewer.match())))
            rows.append((f"ours on those {part:,}, same class", 0.0, counts(fewer.match(classwise=True))))
    print(f"| {'what':60} | seconds | TP / FP / FN at IoU .5 |\n|---|---|---|")
    for name, seconds, note in rows:
        print(f"| {name:60} | {f'{seconds:.4f}' if seconds else '':>8} | {note} |")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def read_predictions(folder: Path) -> tuple[Objects, Objects, list[str], list[str]]:
    names = dict(re.findall(r"^\s+(\d+):\s*(.+?)\s*$", (folder / "config.yaml").read_text(), re.MULTILINE))
    found = json.loads((folder / "yolox_nano_predictions.json").read_text())
    images = sorted(found["gt"])

    def objects(side: str, scored: bool) -> Objects:
        rows = np.array([(i, *row) for i, image in enumerate(images) for row in found[side][image]])
        corners = rows[:, -4:]
        box = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        return Objects(rows[:, 0], rows[:, 1], box, rows[:, 2] if scored else None)

    classes = [names[str(c)] for c in range(len(names))]
    return objects("gt", False), objects("pred", True), classes, images


def walk(folder: Path, shown: int) -> None:
    truth, predictions, names, images = read_predictions(folder)
    pairs = candidate_pairs(truth, predictions, n_classes=len(names))
    whole = pairs.match(iou=0.5).metrics()
    print(f"{len(images)} images, {len(truth)} labels, {len(predictions)} predictions", end="; ")
    print(f"mAP50 {whole.mean_average_precision:.4f}\n")
    matches = pairs.match(iou=0.1, confidence=0.8)

    def name(c: int) -> str:
        return names[c] if c >= 0 else "-"

    def show(title: str, outcomes: Outcomes) -> None:
        print(f"{title}: {len(outcomes)}")
        both = zip(outcomes.truth_class.tolist(), outcomes.predicted_class.tolist(), strict=True)
        print("  ", ", ".join(f"{name(t)} -> {name(p)} {k}" for (t, p), k in Counter(both).most_common(12)))
        outcomes = outcomes.by_confidence()
        for i in range(min(shown, len(outcomes))):
            image = images[predictions.sample[outcomes.prediction[i]]]
            box = np.rint(predictions.box[outcomes.prediction[i]]).astype(int).tolist()
            pair = f"{name(outcomes.truth_class[i])} -> {name(outcomes.predicted_class[i])}"
            print(f"   {outcomes.confidence[i]:.2f}  IoU {outcomes.iou[i]:.2f}  {pair:28} {image} {box}")

    print("IoU 0.1, confidence 0.8")
    print(f"true positives {len(matches.true_positives())}, labels not found {len(matches.false_negatives())}")
    show("false positives (look for objects without label)", matches.false_positives())
    show("confusions (look for wrong labels)", matches.confusions())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a COCO128 folder: walk its predictions")
    parser.add_argument("--shown", type=int, default=15, help="examples of each kind to print on the walk")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--objects", type=int, default=20, help="labels an image")
    parser.add_argument("--fiftyone-images", type=int, default=500, help="how many FiftyOne evaluates, 0 = none")
    arguments = parser.parse_args()
    if arguments.data:
        walk(arguments.data, arguments.shown)
    else:
        compare(arguments.images, arguments.objects, arguments.fiftyone_images)
