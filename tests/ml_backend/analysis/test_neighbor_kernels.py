"""The compiled loops of the neighbor search enter the nearest candidates, each once, in order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.neighbor_kernels import keep_nearest, link_back, look_around, measure


def empty(rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full((rows, width), -1, np.int32), np.full((rows, width), np.inf, np.float32)


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_the_nearest_of_a_block_are_kept_without_the_row_itself(columns, width, seed):
    far = np.random.default_rng(seed).random((5, columns)).astype(np.float32)
    indices, apart = empty(5, width)
    own = np.arange(5, dtype=np.int32)
    keep_nearest(far, np.arange(columns, dtype=np.int32), own, indices, apart)
    for row in range(5):
        others = np.delete(far[row], row) if row < columns else far[row]
        expected = np.sort(others)[:width]
        assert np.array_equal(apart[row, : len(expected)], expected)
        assert row not in indices[row]
        assert (indices[row, len(expected) :] == -1).all()


def test_candidates_are_measured_by_their_full_vectors_up_to_the_first_gap():
    rows = np.asarray([[0.0], [1.0], [3.0], [7.0]], np.float32)
    candidates = np.asarray([[3, 1, 2, -1]], np.int32)
    indices, apart = empty(1, 2)
    measure(rows[:1], rows, candidates, indices, apart, 0, 1)
    assert indices.tolist() == [[1, 2]]
    assert apart.tolist() == [[1.0, 9.0]]
    indices, apart = empty(1, 2)
    measure(rows[:1], rows, np.asarray([[3, -1, 1, 2]], np.int32), indices, apart, 0, 1)
    assert indices.tolist() == [[3, -1]]


def test_rows_are_linked_back_from_those_that_have_them_among_their_nearest():
    indices = np.asarray([[1, 2], [2, 0], [1, -1]], np.int32)
    new = np.ones((3, 2), bool)
    back, new_back = np.full((3, 2), -1, np.int32), np.zeros((3, 2), bool)
    link_back(indices, new, 2, back, new_back)
    assert back.tolist() == [[1, -1], [0, 2], [0, 1]]


def test_neighbors_of_neighbors_are_found_and_marked_as_new():
    rows = np.asarray([[0.0], [5.0], [1.0]], np.float32)
    known = np.asarray([[1], [2], [1]], np.int32)  # 0 knows only 1, which knows 2, which is nearer to 0
    apart = np.asarray([[25.0], [16.0], [16.0]], np.float32)
    indices, new, still_new = known.copy(), np.ones((3, 1), bool), np.zeros((3, 1), bool)
    back, new_back = np.full((3, 1), -1, np.int32), np.zeros((3, 1), bool)
    look_around(rows, known, new, back, new_back, 1, indices, apart, still_new, 0, 3)
    assert indices[0].tolist() == [2]
    assert apart[0].tolist() == [1.0]
    assert still_new[0].tolist() == [True]
    assert still_new[1].tolist() == [False]
