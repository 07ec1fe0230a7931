"""Users are told how much of the data the labels cover, and which samples to label in the rest."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.coverage import cover, divide
from labelscape.ml_backend.analysis.propagation import suggest


def groups(count: int, each: int = 60) -> np.ndarray:
    random = np.random.default_rng(0)
    return (np.repeat(np.eye(count) * 5, each, axis=0) + 0.2 * random.standard_normal((count * each, count))).astype(
        np.float32
    )


def test_regions_without_a_label_are_counted_and_one_sample_of_each_comes_next():
    vectors = groups(8)
    coverage = cover(divide(vectors), np.arange(60, 70))
    waiting = coverage.next_to_label

    assert len(waiting) == (~coverage.covered).sum() > 0
    np.testing.assert_array_equal(coverage.regions[waiting], np.flatnonzero(~coverage.covered))
    assert set(waiting // 60) >= {0, 2, 3, 4, 5, 6, 7}
    assert f"cover {coverage.covered.sum()} of about {len(coverage.covered)} regions; label one" in coverage.sentence


def test_labels_everywhere_are_worth_no_sentence():
    assert cover(divide(groups(8)), np.arange(0, 480, 3)).sentence == ""


@given(n=st.integers(1, 60), d=st.integers(1, 4), seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_every_sample_lies_in_one_region_and_the_largest_comes_first(n, d, seed):
    random = np.random.default_rng(seed)
    vectors = random.integers(-1, 2, (n, d)).astype(np.float32)
    labeled = np.flatnonzero(random.random(n) < 0.2)
    coverage = cover(divide(vectors, seed=seed), labeled)

    sizes = np.bincount(coverage.regions, minlength=len(coverage.covered))
    assert (sizes > 0).all()
    assert (np.diff(sizes) <= 0).all()
    assert coverage.covered[coverage.regions[labeled]].all()
    assert not np.isin(coverage.next_to_label, labeled).any()


def test_suggestions_say_how_little_one_lasso_covers():
    vectors = groups(8)
    labels = np.full(480, -1)
    labels[:6], labels[60:66] = 0, 1
    suggestions = suggest(vectors, None, labels, 8)

    assert "label one of the others first" in suggestions.coverage.sentence
    assert (labels[suggestions.coverage.next_to_label] == -1).all()
