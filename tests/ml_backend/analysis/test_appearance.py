import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.appearance import Appearance, LookAlikes


def appearance(whole, mirrored=None, crops=None, known=None):
    whole = np.asarray(whole, np.uint64)
    return Appearance(
        np.ones(len(whole), bool) if known is None else np.asarray(known),
        whole,
        ~whole if mirrored is None else np.asarray(mirrored, np.uint64),
        whole[:, None] if crops is None else np.asarray(crops, np.uint64),
    )


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_bits_apart_are_the_fewest_of_whole_against_crops_and_mirror_image(seed):
    random = np.random.default_rng(seed)
    whole, mirrored = random.integers(0, 2**64, (2, 6), dtype=np.uint64)
    crops = random.integers(0, 2**64, (6, 3), dtype=np.uint64)
    one, other = (side.ravel() for side in np.indices((6, 6)))
    found = appearance(whole, mirrored, crops).bits_apart(one, other)
    for a, b, bits in zip(one.tolist(), other.tolist(), found.tolist(), strict=True):
        pairs = [*((whole[a], crop) for crop in crops[b]), *((whole[b], crop) for crop in crops[a])]
        pairs.append((mirrored[a], whole[b]))
        assert bits == min(int(x ^ y).bit_count() for x, y in pairs)


def test_samples_without_a_hash_are_the_same_as_none():
    looks = appearance([5, 5, 5], known=[True, False, True])
    assert looks.bits_apart(np.array([0, 0, 1]), np.array([1, 2, 1])).tolist() == [64, 0, 64]


def test_a_copy_is_told_from_neighbors_that_look_different():
    random = np.random.default_rng(0)
    whole = random.integers(0, 2**64, 8, dtype=np.uint64)
    whole[1] = whole[0] ^ np.uint64(0b11)
    whole[3] = whole[2] ^ np.uint64(0b111)
    rows = np.arange(8)
    neighbors = np.array([[other for other in range(8) if other != row] for row in rows])
    judge, same = LookAlikes.among(appearance(whole), rows, neighbors)
    assert {(int(rows[row]), int(neighbors[row, place])) for row, place in np.argwhere(same)} == {(0, 1), (1, 0)}
    assert judge.same(np.array([0, 2, 0]), np.array([1, 3, 4])).tolist() == [True, False, False]


def test_where_most_neighbors_look_alike_the_hash_is_no_evidence():
    frames = np.array([1 << frame for frame in range(8)], np.uint64)
    rows = np.arange(8)
    neighbors = np.array([[other for other in range(8) if other != row] for row in rows])
    judge, same = LookAlikes.among(appearance(frames), rows, neighbors)
    assert not same.any()
    assert not judge.same(rows, rows[::-1]).any()
