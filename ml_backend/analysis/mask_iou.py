"""Measure how much instance masks overlap, for many pairs at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import Refusal

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Counts = NDArray[np.int64]

PIXELS_AT_ONCE = 1 << 25
_LARGEST_IMAGE = 100_000  # pixels a side; more can only come from a broken box


@dataclass(frozen=True, eq=False)
class Masks:
    """Instance masks as FiftyOne stores them: each fills its box.

    Attributes:
        sample: (n,) the sample each mask lies in
        box: (n, 4) x, y, width, height as shares of the image
        masks: n times (height, width) boolean, or None
    """

    sample: Ints
    box: Floats
    masks: Sequence[Bools | None]

    def shapes(self) -> Counts:
        """Get (n, 2) height and width in pixels, (0, 0) for None."""
        return np.array([(0, 0) if m is None else m.shape for m in self.masks], np.int64).reshape(-1, 2)


def mask_iou(
    truth: Masks,
    predictions: Masks,
    in_truth: Ints,
    in_predictions: Ints,
    crowd: Bools,
    *,
    at_once: int = PIXELS_AT_ONCE,
) -> Floats:
    """Measure the IoU of pairs of masks of the same sample.

    Both masks are drawn into the pixels of their image and counted as runs along its rows, so that memory is
    that of the outlines. Equal to pycocotools where the boxes lie on whole pixels.

    Args:
        truth: masks of the labels
        predictions: masks of the predictions
        in_truth: (m,) row of each pair's label; its box must have positive sides
        in_predictions: (m,) row of each pair's prediction, likewise
        crowd: (m,) True = share of the prediction inside the label, instead of IoU (COCO's rule for crowds)
        at_once: pixels of masks that are drawn at a time: bounds the memory

    Returns:
        (m,) in 0..1, NaN for a pair of which one has no mask

    Raises:
        ValueError: a mask too large for its box, which then is no share of an image
    """
    truth_shape, prediction_shape = truth.shapes(), predictions.shapes()
    truth_pixels, prediction_pixels = truth_shape.prod(axis=1), prediction_shape.prod(axis=1)
    both = np.flatnonzero((truth_pixels[in_truth] > 0) & (prediction_pixels[in_predictions] > 0))
    iou = np.full(len(in_truth), np.nan)
    for chunk in chunks(truth_pixels[in_truth[both]] + prediction_pixels[in_predictions[both]], at_once):
        pair = both[chunk]
        a, in_a = np.unique(in_truth[pair], return_inverse=True)
        b, in_b = np.unique(in_predictions[pair], return_inverse=True)
        size = _image_sizes(
            np.concatenate([truth.sample[a], predictions.sample[b]]),
            np.concatenate([truth.box[a], predictions.box[b]]),
            np.concatenate([truth_shape[a], prediction_shape[b]]),
        )
        span = int(size.prod(axis=1).max()) + 1
        runs_a = _runs(truth, a, truth_shape[a], size[: len(a)], span)
        runs_b = _runs(predictions, b, prediction_shape[b], size[len(a) :], span)
        common = _common_pixels(runs_a, runs_b, in_a, in_b)
        area_a, area_b = runs_a.area()[in_a], runs_b.area()[in_b]
        iou[pair] = common / np.maximum(np.where(crowd[pair], area_b, area_a + area_b - common), 1)
    return iou


def chunks(weights: Counts, limit: int) -> Iterator[slice]:
    """Cut rows into runs whose weights sum to at most limit; a heavier row gets its own run."""
    totals = np.cumsum(weights)
    start = 0
    while start < len(totals):
        done = totals[start - 1] if start else 0
        stop = max(int(np.searchsorted(totals, done + limit, side="right")), start + 1)
        yield slice(start, stop)
        start = stop


def ragged(first: Counts, counts: Counts) -> Counts:
    """Concatenate the ranges first[i] .. first[i] + counts[i]."""
    ends = np.cumsum(counts)
    steps = np.arange(int(ends[-1]) if len(ends) else 0)
    return np.asarray(steps + np.repeat(first - (ends - counts), counts), np.int64)


@dataclass(frozen=True, eq=False)
class _Runs:
    """Masks as sorted runs of pixels along image rows; pixel p of mask i is at i * span + p."""

    span: int
    first: Counts  # (masks + 1,) into start and end
    start: Counts
    end: Counts
    covered: Counts  # (runs + 1,) pixels in the runs before each

    def area(self) -> Counts:
        return np.diff(self.covered[self.first])

    def covered_below(self, position: Counts) -> Counts:
        run = np.searchsorted(self.start, position, side="right") - 1
        inside = np.minimum(position, self.end[run]) - self.start[run]
        return np.where(run >= 0, self.covered[run] + inside, 0)


def _image_sizes(sample: Ints, box: Floats, shape: Counts) -> Counts:
    """Find the (height, width) of the image each mask was cut from, as the largest mask of its sample says.

    A small mask says it poorly (7 pixels in a box of 7.4 are 5 % off), so one sample's masks would not agree.
    """
    side = box[:, [3, 2]]
    size = shape / side
    if size.max() > _LARGEST_IMAGE:
        i = int(size.max(axis=1).argmax())
        raise Refusal(
            f"a mask of {shape[i, 1]} x {shape[i, 0]} pixels in a box of {side[i, 1]:g} x {side[i, 0]:g} "
            "is not a fraction of an image: with masks, boxes are relative (0..1)"
        )
    order = np.lexsort((shape.prod(axis=1), sample))
    last = np.append(sample[order][1:] != sample[order][:-1], True)
    samples, largest = sample[order][last], size[order][last]
    return np.asarray(np.maximum(np.rint(largest[np.searchsorted(samples, sample)]), 1), np.int64)


def _runs(masks: Masks, rows: Ints, shape: Counts, size: Counts, span: int) -> _Runs:
    """Draw masks into their images, each image pixel taking the mask pixel under its center."""
    picked = [masks.masks[i] for i in rows.tolist()]
    pixels = np.concatenate([np.asarray(m, bool).ravel() for m in picked if m is not None])
    owner = np.repeat(np.arange(len(rows)), shape[:, 0])  # of each mask row
    width = shape[owner, 1]
    row_start = np.cumsum(width) - width
    change = np.zeros(len(pixels) + 1, bool)
    change[row_start] = change[-1] = True
    change[1:-1] |= pixels[1:] != pixels[:-1]
    cuts = np.flatnonzero(change)
    inside = pixels[cuts[:-1]]
    begin, end = cuts[:-1][inside], cuts[1:][inside]

    row = np.searchsorted(row_start, begin, side="right") - 1
    mask = owner[row]
    y = row - (np.cumsum(shape[:, 0]) - shape[:, 0])[mask]
    left, top, box_width, box_height = masks.box[rows].T[:, mask]
    image_height, image_width = size[mask].T
    step_x, step_y = box_width / shape[mask, 1], box_height / shape[mask, 0]

    def first_pixel(position: Floats, length: Counts) -> Counts:
        return np.asarray(np.clip(np.ceil(position * length - 0.5), 0, length), np.int64)

    x0 = first_pixel(left + (begin - row_start[row]) * step_x, image_width)
    x1 = first_pixel(left + (end - row_start[row]) * step_x, image_width)
    y0 = first_pixel(top + y * step_y, image_height)
    y1 = first_pixel(top + (y + 1) * step_y, image_height)

    image_rows = np.where(x1 > x0, y1 - y0, 0)
    run = np.repeat(np.arange(len(image_rows)), image_rows)
    line = mask[run] * span + ragged(y0, image_rows) * image_width[run]
    order = np.argsort(line + x0[run], kind="stable")
    start, stop = (line + x0[run])[order], (line + x1[run])[order]
    return _Runs(
        span=span,
        first=np.searchsorted(mask[run][order], np.arange(len(rows) + 1)),
        start=start,
        end=stop,
        covered=np.concatenate([[0], np.cumsum(stop - start)]),
    )


def _common_pixels(a: _Runs, b: _Runs, in_a: Counts, in_b: Counts) -> Counts:
    """Count the pixels each pair of masks shares: what b covers under the runs of a."""
    if not len(b.start):
        return np.zeros(len(in_a), np.int64)
    counts = np.diff(a.first)[in_a]
    run = ragged(a.first[in_a], counts)
    shift = np.repeat((in_b - in_a) * b.span, counts)
    shared = b.covered_below(a.end[run] + shift) - b.covered_below(a.start[run] + shift)
    total = np.concatenate([[0], np.cumsum(shared)])
    ends = np.cumsum(counts)
    return np.asarray(total[ends] - total[ends - counts], np.int64)
