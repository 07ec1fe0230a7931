"""What cannot be analyzed is refused before it is, with the row or the value and what to do."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.checks import as_labels, as_vectors, check_neighbors, check_precision
from labelscape.ml_backend.analysis.neighbors import Neighbors
from labelscape.ml_backend.errors import Refusal


def test_vectors_of_any_layout_become_a_contiguous_table_of_float32():
    table = as_vectors(np.asfortranarray(np.arange(6.0).reshape(2, 3)))

    assert (table.dtype, table.flags.c_contiguous, table.tolist()) == (np.float32, True, [[0, 1, 2], [3, 4, 5]])


def test_a_table_of_float32_is_not_copied():
    table = np.ones((3, 2), np.float32)

    assert as_vectors(table) is table


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2e15, 1e39])
def test_rows_that_cannot_be_embeddings_are_counted_and_the_first_five_named(value):
    table = np.zeros((9, 2))
    table[2:, 1] = value

    with pytest.raises(Refusal, match=r"7 of 9 vectors .* \(first rows: 2, 3, 4, 5, 6\); embed these samples again"):
        as_vectors(table)


@pytest.mark.parametrize(("shape", "says"), [((4,), r"got shape \(4,\)"), ((4, 0), "4 vectors have 0 dimensions")])
def test_what_is_not_a_table_of_vectors_is_refused(shape, says):
    with pytest.raises(Refusal, match=says):
        as_vectors(np.ones(shape))


def test_no_vectors_are_fine():
    assert as_vectors(np.empty((0, 0))).shape == (0, 0)


def test_labels_of_any_integer_type_are_taken():
    assert as_labels(np.array([-1, 0, 2], np.int8), 3, 3).tolist() == [-1, 0, 2]
    assert as_labels([], 0, 3).dtype == np.int64


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, 1], "must be 3 whole numbers"),
        ([0.0, 1.0, 2.0], "got float64"),
        ([0, -2, 1], "row 1 has -2"),
        ([0, 1, 3], "row 2 has 3. Set the number of classes to at least one more than the largest label"),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_the_first_of_them(labels, says):
    with pytest.raises(Refusal, match=says):
        as_labels(labels, 3, 3)


@pytest.mark.parametrize("precision", [0.49, 1.01, float("nan")])
def test_a_target_precision_no_better_than_chance_or_above_one_is_refused(precision):
    check_precision(0.5)
    check_precision(1)
    with pytest.raises(Refusal, match=f"between 0.5 and 1; got {precision}"):
        check_precision(precision)


def test_a_neighbor_table_of_other_samples_is_refused():
    table = Neighbors(np.zeros((4, 1), np.int32), np.zeros((4, 1), np.float32))

    check_neighbors(table, 4)
    with pytest.raises(Refusal, match="4 rows for 5 samples: compute the neighbors again"):
        check_neighbors(table, 5)
