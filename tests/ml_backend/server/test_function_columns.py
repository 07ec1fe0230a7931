"""Scores of functions in the Data Manager: few distinct values, each on the same side of the threshold."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.search import reaches
from labelscape.ml_backend.server.function_columns import in_column, lowest_match

SCORES = np.round(np.linspace(0, 1, 10_001), 4).tolist()
THRESHOLDS = [0.0, 0.0001, 0.0004, 0.5, 0.83454, 0.83456, 0.97, 0.9999, 1.0]


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("exact", [True, False])
def test_a_column_matches_exactly_where_the_score_in_fiftyone_does(threshold: float, exact: bool) -> None:
    shown = [in_column(score, threshold, exact=exact) for score in SCORES]
    assert [value >= lowest_match(threshold) for value in shown] == reaches(SCORES, threshold).tolist()
    assert shown == sorted(shown)
    assert max(abs(value - score) for value, score in zip(shown, SCORES, strict=True)) < (0.0002 if exact else 0.051)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_stock_label_studio_gets_few_values(threshold: float) -> None:
    assert len({in_column(score, threshold, exact=False) for score in SCORES}) <= 45  # each one takes a request


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_task_without_a_score_is_not_a_match(threshold: float) -> None:
    assert in_column(None, threshold, exact=True) == 0.0 < lowest_match(threshold)
