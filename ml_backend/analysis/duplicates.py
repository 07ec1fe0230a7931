"""Exact and near duplicates in groups, and the groups that leak across a split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal
from ..progress import Progress, no_progress
from .appearance import Appearance, LookAlikes
from .arrays import components, unit_rows
from .checks import as_vectors, check_neighbors
from .neighbors import Neighbors, knn

_CHUNK = 65536  # rows held at once beside the vectors: 128 MB at d = 512
_ROUNDING = 2e-6  # cosine distance that float32 leaves between copies of one direction
_MISTAKES = 1e-3  # share of samples that may have an accidental neighbor under the automatic threshold
_CENTER_ROUNDS = 16
_K = 20  # neighbors searched when no table is given
_Near = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]  # whether pairs of rows are duplicates


@dataclass(frozen=True)
class Duplicates:
    """Groups of samples that show the same thing.

    Attributes:
        groups: (n,) int32, the same number for samples of one group, 0 first; -1 for a sample that has no duplicate.
        keep: (n,) bool, True for the one sample of each group that stands for it and for every sample without a
            duplicate: deleting the others leaves no group with more than one member.
        distances: (n,) float32, cosine distance to the sample kept of the group: 0 for the kept one itself, at most
            `threshold` for near duplicates, more for those found by their appearance alone, 0 for identical vectors
            and equal hashes.
        exact: (n,) bool, True where another sample has the identical vector or the same hash.
        threshold: cosine distance up to which two samples were taken as near duplicates.
    """

    groups: NDArray[np.int32]
    keep: NDArray[np.bool_]
    distances: NDArray[np.float32]
    exact: NDArray[np.bool_]
    threshold: float

    def members(self) -> list[NDArray[np.intp]]:
        """Rows of each group, ascending, in the order of the group numbers."""
        order = np.argsort(self.groups, kind="stable")
        order = order[np.searchsorted(self.groups[order], 0) :]
        starts = np.flatnonzero(np.diff(self.groups[order])) + 1
        return np.split(order, starts) if len(order) else []


def near_duplicates(
    vectors: ArrayLike,
    threshold: float | None = None,
    *,
    neighbors: Neighbors | None = None,
    hashes: ArrayLike | None = None,
    appearance: Appearance | None = None,
    progress: Progress = no_progress,
) -> Duplicates:
    """Group samples whose vectors are identical or nearly so, or whose images look the same.

    Identical vectors and equal hashes come together first, however many there are; a table of k neighbors could not
    show a group of more than k copies. What remains is joined over the neighbor graph, and each connected part is cut
    into stars: every member is within the threshold of the sample kept, so that a slow video does not become one group
        from its first to its last frame. Two members of one group are at most about 4 thresholds apart.

    Scans of pages, forms, and the like are closer to one another than a re-encoded copy is to its original, and far
    from their mirror images. Samples that look the same are therefore joined wherever they lie, and look-alikes are
    never joined by the threshold alone: every member is within the threshold of the sample kept, or looks the same.

    Args:
        vectors: (n, d).
        threshold: cosine distance (0..2) up to which two samples are near duplicates; None takes `automatic_threshold`;
            0 groups identical directions only.
        neighbors: table of `knn(vectors, k)` with cosine distances; searched with k = 20 when not given. A pair that
            does not appear in the table is found only through other members of its group.
        hashes: (n,) content hashes, numbers or words: equal ones are exact duplicates whatever their vectors.
        appearance: small pictures of the n samples.
        progress: of comparing these pictures; an exception it raises stops the work and is passed on.

    Raises:
        Refusal: a threshold outside 0..2, vectors that are not a finite (n, d) table, or neighbors, hashes, or
            appearance of another length.
    """
    data = as_vectors(vectors)
    n = len(data)
    _check(n, threshold, neighbors, appearance)
    first = identical_rows(data)
    if hashes is not None:
        first = _join_hashes(first, hashes)
    copies = np.bincount(first, minlength=n)
    unique = np.flatnonzero(copies)
    table = neighbors if neighbors is not None else knn(data[unique], _K)
    if threshold is None:
        threshold = automatic_threshold(table)
    limit = max(threshold, _ROUNDING)
    if neighbors is None:
        rows, columns = (unique[side] for side in _near_pairs(table, limit))
    else:
        rows, columns = _near_through_copies(data, table, first, limit)
    near = _within(data, limit)
    if appearance is not None:
        others = unique[table.indices] if neighbors is None else first[table.indices[unique]]
        looks = LookAlikes(appearance, unique, others)
        near = _near_or_same(near, looks)
        kept = np.flatnonzero(rows != columns)
        kept = kept[near(rows[kept], columns[kept])]
        same = looks.pairs(progress)
        rows, columns = np.append(rows[kept], same[0]), np.append(columns[kept], same[1])
    leader, apart = _stars(data, rows[rows != columns], columns[rows != columns], near)
    groups, keep = _numbered(leader[first])
    return Duplicates(groups, keep, distances=apart[first], exact=copies[first] > 1, threshold=float(threshold))


def _check(n: int, threshold: float | None, neighbors: Neighbors | None, appearance: Appearance | None) -> None:
    if threshold is not None and not 0 <= threshold <= 2:
        raise Refusal(f"threshold is a cosine distance between 0 and 2; got {threshold}")
    if neighbors is not None:
        check_neighbors(neighbors, n)
    if appearance is not None and len(appearance.known) != n:
        raise Refusal(f"appearance must be that of {n} samples; got that of {len(appearance.known)}")


def _numbered(representatives: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Number of each sample's group (n,), -1 = alone, and whether to keep it (n,), from the one kept for each."""
    together = np.bincount(representatives, minlength=len(representatives))[representatives] > 1
    groups = np.full(len(representatives), -1, np.int32)
    groups[together] = np.unique(representatives[together], return_inverse=True)[1]
    return groups, ~together | (representatives == np.arange(len(representatives)))


def automatic_threshold(neighbors: Neighbors) -> float:
    """Cosine distance within which one sample in a thousand would have a neighbor by chance.

    In a region of intrinsic dimension m the nearest of k neighbors is closer than r times the k-th with probability
    (k - 1) r^m. The dimension comes from the far half of the neighbors, which duplicates hardly touch (in the manner
    of Levina & Bickel, 2004, with the median in place of the mean), and the distance from samples in dense regions.

    Returns:
        0..2; the rounding of float32 where there are fewer than 4 neighbors or all distances are 0.
    """
    k = neighbors.distances.shape[1]
    if k < 4:
        return _ROUNDING
    chords = np.sqrt(2 * neighbors.distances[:, [k // 2 - 1, k - 1]].astype(np.float64))
    chords = chords[chords[:, 0] > np.sqrt(2 * _ROUNDING)]
    if not len(chords):
        return _ROUNDING
    ratio = float(np.median(chords[:, 1] / chords[:, 0]))
    dimension = np.log(k / (k // 2)) / max(np.log(ratio), 1e-9)
    chord = float(np.quantile(chords[:, 1], 0.1)) * (_MISTAKES / (k - 1)) ** (1 / dimension)
    return float(np.clip(chord**2 / 2, _ROUNDING, 2.0))


def leaks(groups: Duplicates | ArrayLike, split: ArrayLike) -> NDArray[np.bool_]:
    """Find the samples that have a duplicate in another part of a split, such as train and test.

    Args:
        groups: what `near_duplicates` returned, or its (n,) group numbers, -1 = in no group.
        split: (n,) words or numbers; "", None and -1 mean that the sample is in no part and leaks nowhere.

    Returns:
        (n,) bool, True for every sample with a part in each group that spans two parts or more.

    Raises:
        ValueError: groups and split differ in length.
    """
    group = np.asarray(groups.groups if isinstance(groups, Duplicates) else groups)
    names = np.asarray(split)
    if group.shape != names.shape:
        raise Refusal(f"groups are of shape {group.shape} and split of {names.shape}; give one part per sample")
    inside = np.flatnonzero((group >= 0) & _in_a_part(names))
    result = np.zeros(len(group), bool)
    if len(inside):
        part = np.unique(names[inside].astype(str), return_inverse=True)[1]
        lowest = np.full(int(group.max()) + 1, len(names))
        highest = np.full(len(lowest), -1)
        np.minimum.at(lowest, group[inside], part)
        np.maximum.at(highest, group[inside], part)
        result[inside] = (lowest < highest)[group[inside]]
    return result


def row_hashes(vectors: NDArray[np.float32], *, seed: int = 0) -> NDArray[np.uint64]:
    """Content hash of each row, (n,): equal rows have equal hashes; 0 and -0 are equal."""
    factors = np.random.default_rng(seed).integers(1, 2**63, vectors.shape[1], dtype=np.uint64) | np.uint64(1)
    result = np.empty(len(vectors), np.uint64)
    for start in range(0, len(vectors), _CHUNK // 8):
        bits = (vectors[start : start + _CHUNK // 8] + np.float32(0)).view(np.uint32)
        total = (bits * factors).sum(axis=1, dtype=np.uint64)
        result[start : start + _CHUNK // 8] = (total ^ (total >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return result


def identical_rows(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """First row that is equal to each row, (n,): its own number for a row that has no equal before it."""
    first = np.arange(len(vectors))
    waiting, seed = first, 0
    while len(waiting):
        _, start, which = np.unique(row_hashes(vectors[waiting], seed=seed), return_index=True, return_inverse=True)
        guess = waiting[start[which]]
        same = np.concatenate(
            [
                (vectors[waiting[a : a + _CHUNK]] == vectors[guess[a : a + _CHUNK]]).all(axis=1)
                for a in range(0, len(waiting), _CHUNK)
            ]
        )
        first[waiting[same]] = guess[same]
        waiting, seed = waiting[~same], seed + 1  # a hash collision: try once more with other factors
    return first


def _join_hashes(first: NDArray[np.int64], hashes: ArrayLike) -> NDArray[np.int64]:
    values = np.asarray(hashes)
    n = len(first)
    if values.shape != (n,):
        raise Refusal(f"hashes must be one for each of {n} samples; got shape {values.shape}")
    _, start, which = np.unique(values, return_index=True, return_inverse=True)
    return components(n, np.concatenate((np.arange(n), np.arange(n))), np.concatenate((first, start[which])))


def _in_a_part(names: NDArray[np.generic]) -> NDArray[np.bool_]:
    if names.dtype.kind in "iuf":
        return np.asarray(names != -1)
    inside = np.asarray(names != "")
    if names.dtype == object:
        inside &= np.asarray(names != np.array(None, dtype=object))
    return inside


def _near_pairs(table: Neighbors, limit: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, places = np.nonzero(table.distances <= limit)
    return rows, table.indices[rows, places].astype(np.int64)


def _near_through_copies(
    data: NDArray[np.float32], table: Neighbors, first: NDArray[np.int64], limit: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Near pairs of a table of all rows, each row replaced by the first of its copies."""
    rows, columns = (first[side] for side in _near_pairs(table, limit))
    hidden = _seeing_only_copies(table, first)
    if not len(hidden):
        return rows, columns
    more = _near_pairs(knn(data[hidden], _K), limit)
    return np.append(rows, hidden[more[0]]), np.append(columns, hidden[more[1]])


def _seeing_only_copies(table: Neighbors, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows, one for all copies, whose whole list of neighbors is copies of themselves: what lies near is unseen."""
    candidates = np.flatnonzero(table.distances[:, -1] <= _ROUNDING) if table.distances.shape[1] else first[:0]
    blind = (first[table.indices[candidates]] == first[candidates, None]).all(axis=1)
    return np.asarray(np.unique(first[candidates[blind]]), np.int64)


def _within(data: NDArray[np.float32], limit: float) -> _Near:
    return lambda rows, others: _cosine_distances(data, rows, others) <= limit


def _near_or_same(near: _Near, looks: LookAlikes) -> _Near:
    def judged(rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
        result = near(rows, others) & ~looks.confusable(rows, others)
        apart = np.flatnonzero(~result)
        result[apart] = looks.same(rows[apart], others[apart])
        return result

    return judged


def _stars(
    data: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64], near: _Near
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Leader of every row, itself when it is near to none, and the cosine distance to it."""
    leader = np.arange(len(data))
    apart = np.zeros(len(data), np.float32)
    waiting = np.ones(len(data), bool)

    def join(members: NDArray[np.int64], leaders: NDArray[np.int64]) -> None:
        leader[members], waiting[members], waiting[leaders] = leaders, False, False
        apart[members] = _cosine_distances(data, members, leaders)

    for _ in range(_CENTER_ROUNDS):
        if not len(rows):
            break
        nodes, place = np.unique(np.concatenate((rows, columns)), return_inverse=True)
        part = components(len(nodes), place[: len(rows)], place[len(rows) :])
        center = nodes[_most_central(data, nodes, part)]
        close = near(nodes, center)
        join(nodes[close], center[close])
        still = waiting[rows] & waiting[columns]
        rows, columns = rows[still], columns[still]
    random = np.random.default_rng(0)
    while len(rows):  # parts far wider than what is near: stars of the table's own pairs (Luby, 1986)
        priority = random.permutation(len(data))
        highest = np.full(len(data), -1)
        np.maximum.at(highest, np.append(rows, columns), priority[np.append(columns, rows)])
        chosen = priority > highest
        pairs = np.concatenate((np.stack((rows, columns)), np.stack((columns, rows))), axis=1)
        pairs = pairs[:, chosen[pairs[1]]]
        members, at = np.unique(pairs[0], return_index=True)
        join(members, pairs[1, at])
        still = waiting[rows] & waiting[columns]
        rows, columns = rows[still], columns[still]
    return leader, apart


def _most_central(data: NDArray[np.float32], nodes: NDArray[np.int64], part: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place among the nodes of the one nearest to the mean direction of its part, for each node."""
    from scipy.sparse import csr_matrix

    count = len(nodes)
    closeness = np.zeros(count)
    order = np.argsort(part, kind="stable")
    starts = np.flatnonzero(np.append(True, part[order][1:] != part[order][:-1]))
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, count)))
    sums = np.zeros((len(starts), data.shape[1]), np.float32)
    for a in range(0, count, _CHUNK):
        chunk, of = order[a : a + _CHUNK], number[a : a + _CHUNK]
        picks = csr_matrix((np.ones(len(of), np.float32), of, np.arange(len(of) + 1)), (len(of), of[-1] + 1))
        sums[of[0] : of[-1] + 1] += (picks.T @ unit_rows(data[nodes[chunk]]))[of[0] :]
    for a in range(0, count, _CHUNK):
        chunk, of = order[a : a + _CHUNK], number[a : a + _CHUNK]
        closeness[chunk] = np.einsum("ij,ij->i", unit_rows(data[nodes[chunk]]), sums[of])
    best = order[np.lexsort((-closeness[order], number))[starts]]
    result = np.empty(count, np.int64)
    result[order] = best[number]
    return result


def _cosine_distances(
    data: NDArray[np.float32], rows: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float32]:
    result = np.empty(len(rows), np.float32)
    for a in range(0, len(rows), _CHUNK):
        difference = unit_rows(data[rows[a : a + _CHUNK]]) - unit_rows(data[others[a : a + _CHUNK]])
        result[a : a + _CHUNK] = np.einsum("ij,ij->i", difference, difference) / 2
    return result
