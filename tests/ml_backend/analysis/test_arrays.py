import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelscape.ml_backend.analysis.arrays import one_hot, unit_rows

rows = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 6), st.integers(1, 5)),
    elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
)


@settings(deadline=None)
@given(rows)
def test_rows_keep_their_direction_and_get_length_one_and_zeros_stay_zero(table):
    unit = unit_rows(table)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)

    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), (lengths > 0).ravel(), atol=1e-5)
    np.testing.assert_allclose(unit * lengths, table, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e18, 1e30])
def test_rows_whose_squares_vanish_or_overflow_get_length_one(scale):
    unit = unit_rows(np.array([[3, 4], [0, 0]], np.float32) * np.float32(scale))
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0, 0]], rtol=1e-6)


def test_a_table_of_many_blocks_is_scaled_as_one():
    table = np.random.default_rng(0).normal(size=(40_000, 2)).astype(np.float32)
    np.testing.assert_allclose(unit_rows(table), table / np.linalg.norm(table, axis=1, keepdims=True), rtol=1e-5)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=8))
def test_every_label_has_a_single_one_in_its_column(labels):
    table = one_hot(np.asarray(labels, np.int64), 5)

    assert table.shape == (len(labels), 5)
    assert table.sum() == len(labels)
    assert table.argmax(axis=1).tolist() == labels
