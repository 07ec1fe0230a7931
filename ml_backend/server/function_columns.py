"""The columns of functions: their scores in the Data Manager, and which tasks match there."""

import math
from collections.abc import Iterator
from typing import Any

import fiftyone as fo

from ..actions.function_scoring import has_score_field, path_of_scores
from ..analysis.search import reaches, rounded
from ..label_studio.mirror import Mirror
from ..store.functions import Function

_LOWEST = 0.0001  # of a match: the smallest score above the 0 of tasks that have none
_STEPS = 20  # on each side of the threshold
_SMALLEST_STEP = 0.001


def lowest_match(threshold: float) -> float:
    """The lowest number in the column that is a match."""
    return max(float(rounded(threshold)), _LOWEST)


def in_column(score: float | None, threshold: float, *, exact: bool) -> float:
    """A score as the column shows it: at least `lowest_match` exactly where it is a match; 0 for none.

    Args:
        exact: False takes one of few distinct values, because each takes a request to a stock Label Studio.
    """
    if score is None:
        return 0.0
    limit = lowest_match(threshold)
    score = max(score, limit) if reaches(score, threshold) else min(score, limit - _LOWEST)
    return float(rounded(score if exact else _stepped(score, limit)))


def _stepped(score: float, limit: float) -> float:
    step = max((1 - limit if score >= limit else limit) / _STEPS, _SMALLEST_STEP)
    below = math.floor((score - limit) / step + 1e-9)
    return max(limit + below * step, 0.0)


def scores_of_function(mirror: Mirror, function: Function) -> dict[str, float]:
    """Sample → the score of a function; the highest, if the function scores its objects or frames."""
    if not has_score_field(mirror.dataset, function):
        return {}
    return highest_scores(mirror.dataset, path_of_scores(mirror.dataset, function))


def highest_scores(dataset: fo.Dataset, path: str) -> dict[str, float]:
    """Sample → the score in a field of it, the highest of its objects or frames; samples without one are left out."""
    rows = zip(*dataset.values(["id", path]), strict=True)
    highest = {sample: max(_numbers(values), default=None) for sample, values in rows}
    return {sample: score for sample, score in highest.items() if score is not None}


def _numbers(values: Any) -> Iterator[float]:
    """The numbers in a value, or in lists of values."""
    if isinstance(values, list):
        for one in values:
            yield from _numbers(one)
    elif values is not None:
        yield values
