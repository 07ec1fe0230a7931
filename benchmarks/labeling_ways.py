"""The ways in which people label, simulated: which samples have a label, and which of those labels are wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from labeling_data import Dataset, dataset
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.projection import project

SHOWN_EASY = 0.4  # share of a class that counts as easy, and as hard
RAREST = 0.01  # size of the rarest class, as a share of the largest one


@dataclass(frozen=True)
class Labeling:
    """One dataset as one person labeled it: labels (n,) with -1 = unlabeled, some of them perhaps wrong."""

    way: str
    each: int
    data: Dataset
    labels: np.ndarray


@dataclass(frozen=True)
class Scene:
    """What the ways of labeling look at: a dataset, its 2D map (n, 2), and how typical each sample is (n,)."""

    data: Dataset
    points: np.ndarray
    typical: np.ndarray


def scene(data: Dataset) -> Scene:
    """Draw the map, and rank each sample by how many of its neighbors share its class and how near they are."""
    points = project(data.vectors, method="umap", neighbors=data.neighbors)
    table = knn(data.vectors, 50)
    same = (data.truth[table.indices] == data.truth[:, None]).mean(axis=1)
    return Scene(data, points, same - 1e-3 * table.distances[:, :10].mean(axis=1))


def at_random(view: Scene, each: int, random: np.random.Generator) -> np.ndarray:
    return picked(view, each, lambda members: random.permutation(members))


def one_lasso(view: Scene, each: int, random: np.random.Generator) -> np.ndarray:
    return picked(view, each, lambda members: around(view, members, random.choice(members)))


def small_lassos(view: Scene, each: int, random: np.random.Generator) -> np.ndarray:
    """Three regions of a class, a third of the labels each."""

    def order(members: np.ndarray) -> np.ndarray:
        regions = [around(view, members, middle) for middle in random.permutation(members)[:3]]
        return np.array(list(dict.fromkeys(np.stack(regions, axis=1).ravel().tolist())))

    return picked(view, each, order)


def easy(view: Scene, each: int, random: np.random.Generator) -> np.ndarray:
    return picked(view, each, lambda members: shuffled_part(view, members, random, -1))


def hard(view: Scene, each: int, random: np.random.Generator) -> np.ndarray:
    return picked(view, each, lambda members: shuffled_part(view, members, random, 1))


def novel(view: Scene, each: int, random: np.random.Generator) -> np.ndarray:
    """Random labels, but a fifth of the classes has none yet."""
    labels = at_random(view, each, random)
    unseen = random.permutation(view.data.n_classes)[: max(1, view.data.n_classes // 5)]
    labels[np.isin(labels, unseen)] = -1
    return labels


def novel_lasso(view: Scene, each: int, random: np.random.Generator) -> np.ndarray:
    """One region a class, and a fifth of the classes has none yet."""
    labels = one_lasso(view, each, random)
    unseen = random.permutation(view.data.n_classes)[: max(1, view.data.n_classes // 5)]
    labels[np.isin(labels, unseen)] = -1
    return labels


def noisy(share: float) -> Callable[[Scene, int, np.random.Generator], np.ndarray]:
    """Random labels, a share of them wrong."""

    def draw(view: Scene, each: int, random: np.random.Generator) -> np.ndarray:
        labels = at_random(view, each, random)
        known = np.flatnonzero(labels >= 0)
        wrong = random.permutation(known)[: round(share * len(known))]
        shift = random.integers(1, view.data.n_classes, len(wrong))
        labels[wrong] = (labels[wrong] + shift) % view.data.n_classes
        return labels

    return draw


WAYS: dict[str, tuple[Callable[[Scene, int, np.random.Generator], np.ndarray], tuple[int, ...]]] = {
    "random": (at_random, (1, 3, 10, 30)),
    "one lasso a class": (one_lasso, (10, 30)),
    "three small lassos": (small_lassos, (10, 30)),
    "only easy ones": (easy, (10, 30)),
    "only hard ones": (hard, (10, 30)),
    "a fifth of the classes unseen": (novel, (10, 30)),
    "unseen classes, one lasso": (novel_lasso, (10,)),
    "classes 100:1": (at_random, (10, 30)),
    "10 % wrong labels": (noisy(0.1), (10, 30)),
    "20 % wrong labels": (noisy(0.2), (10, 30)),
}


def labelings(view: Scene, imbalanced: Scene, seed: int) -> list[Labeling]:
    """Every way of labeling one dataset; `imbalanced` is the same data with classes of very different sizes."""
    found = []
    for number, (way, (draw, counts)) in enumerate(WAYS.items()):
        for each in counts:
            seen = imbalanced if way == "classes 100:1" else view
            labels = draw(seen, each, np.random.default_rng((seed, number, each)))
            found.append(Labeling(way, each, seen.data, labels))
    return found


def imbalanced(data: Dataset, seed: int) -> Dataset:
    """The same classes with sizes in a geometric series down to 1:100, the rarest with 12 samples at least."""
    random = np.random.default_rng(seed)
    sizes = np.bincount(data.truth)
    shares = RAREST ** np.linspace(0, 1, len(sizes))
    rows = [
        random.permutation(np.flatnonzero(data.truth == name))[: max(12, int(share * sizes.max()))]
        for name, share in zip(random.permutation(len(sizes)), shares, strict=True)
    ]
    kept = np.sort(np.concatenate(rows))
    return dataset(data.name, data.vectors[kept], data.truth[kept])


def picked(view: Scene, each: int, order: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Label the first `each` of every class in some order, at most 60 % of a class."""
    labels = np.full(len(view.data.truth), -1)
    for name in range(view.data.n_classes):
        members = np.flatnonzero(view.data.truth == name)
        labels[order(members)[: min(each, max(1, int(0.6 * len(members))))]] = name
    return labels


def around(view: Scene, members: np.ndarray, middle: int) -> np.ndarray:
    """Members in the order in which a lasso that widens around one of them takes them in."""
    return members[np.argsort(np.linalg.norm(view.points[members] - view.points[middle], axis=1), kind="stable")]


def shuffled_part(view: Scene, members: np.ndarray, random: np.random.Generator, sign: int) -> np.ndarray:
    """The most typical (sign -1) or the least typical (sign 1) members, shuffled, then the others."""
    order = members[np.argsort(sign * view.typical[members], kind="stable")]
    first = max(1, int(SHOWN_EASY * len(order)))
    return np.concatenate([random.permutation(order[:first]), order[first:]])
