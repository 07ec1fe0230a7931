"""Batches to label: similar to the target, but not to each other."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.batches import diverse_batch, spread
from labelscape.ml_backend.analysis.search import mean_query, top_rows, unit_vectors

from .test_search import blobs


def test_a_batch_is_alike_the_query_but_not_all_alike():
    vectors, group = blobs(8, each=50, spread=0.2, seed=2)
    copies = np.repeat(vectors[:1], 15, axis=0)
    unit = unit_vectors(np.concatenate((copies, vectors)))
    scores = mean_query(vectors[:1]).scores(unit)
    batch = diverse_batch(unit, scores, 20)
    assert len(set(batch.tolist())) == 20
    assert (top_rows(scores, 20) < 16).sum() == 16
    assert (batch < 16).sum() == 1
    assert (group[batch[batch >= 15] - 15] == 0).all()
    assert diverse_batch(unit, scores, 20, candidates=1)[0] == top_rows(scores, 1)[0]
    assert sorted(diverse_batch(unit, scores, 20, candidates=1)) == sorted(top_rows(scores, 20))


def test_a_batch_keeps_away_from_earlier_ones_and_never_repeats_what_may_not_be_chosen():
    vectors, _ = blobs(2, each=200, spread=0.5, seed=4)
    unit = unit_vectors(vectors)
    scores = mean_query(vectors[:3]).scores(unit)
    first = diverse_batch(unit, scores, 15)
    left = np.setdiff1d(np.arange(len(unit)), first)
    second = diverse_batch(unit, scores, 15, among=left, apart_from=first)
    assert not np.isin(second, first).any()
    nearest = [(unit[batch] @ unit[first].T).max(axis=1).mean() for batch in (second, top_rows(scores, 15, among=left))]
    assert nearest[0] < nearest[1]
    assert len(diverse_batch(unit, scores, 15, among=left[:4])) == 4
    assert diverse_batch(unit, scores, 15, among=left[:0]).tolist() == []


units = st.integers(0, 99).flatmap(
    lambda seed: st.integers(1, 25).map(
        lambda n: unit_vectors(np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32))
    )
)


@settings(deadline=None)
@given(units, st.integers(0, 30))
def test_each_member_of_a_spread_is_the_farthest_from_those_before_it(unit, count):
    chosen = spread(unit, count)

    assert len(chosen) == len(set(chosen.tolist())) == min(count, len(unit))
    assert chosen[:1].tolist() == [0][: len(chosen)]
    for place in range(1, len(chosen)):
        similarity = (unit @ unit[chosen[:place]].T).max(axis=1)
        similarity[chosen[:place]] = 2
        assert similarity[chosen[place]] <= similarity.min() + 1e-6


@settings(deadline=None)
@given(units)
def test_a_spread_apart_from_given_vectors_starts_with_the_one_farthest_from_them(unit):
    away = unit[:2]

    first = spread(unit, 1, apart_from=away)[0]

    assert (unit @ away.T).max(axis=1)[first] <= (unit @ away.T).max(axis=1).min() + 1e-6


@settings(deadline=None)
@given(units, st.integers(1, 8), st.integers(1, 4))
def test_a_batch_takes_only_the_best_candidates(unit, count, candidates):
    scores = unit[:, 0]

    batch = diverse_batch(unit, scores, count, candidates=candidates)

    assert batch[0] == top_rows(scores, 1)[0]
    assert np.isin(batch, top_rows(scores, candidates * count)).all()
    assert len(batch) == min(count, len(unit))
