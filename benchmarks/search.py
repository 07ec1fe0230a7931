"""Similarity search against FiftyOne's own, sklearn and lancedb, on the same vectors in one run.

    python benchmarks/search.py [--data FOLDER] [--samples 10000 100000] [--large 1000000]

Speed: from the click to the ids in order, warm, median of several. More than 100,000 (`--large`) are searched by
an index, whose recall of the 50 nearest is measured against an exact search; FiftyOne's sklearn is left out there,
because it needs the vectors in the samples. Quality (needs `cifar10n` in the data folder): ten
tasks "find all like these three among 10,000", with the same number of clicks; a click ticks one sample as right or
wrong. Recall is of the class among as many results as it has members.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.actions.search import Scope, marks_to_ask, preview_search, search, with_marks
from labelscape.ml_backend.actions.search_queries import fit_query
from labelscape.ml_backend.analysis.search import top_rows
from labelscape.ml_backend.store.search_index import index_large_table, open_large_table
from labelscape.ml_backend.store.search_tables import open_search_table
from labelscape.ml_backend.store.searches import Query

DIMENSIONS, RESULTS, REPEATS, QUERIES = 512, 50, 7, 21
CLICKS = (0, 10, 20, 40)
CLICKS_A_ROUND = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with cifar10n")
    parser.add_argument("--samples", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--large", type=int, nargs="*", default=[], help="numbers above 100000")
    options = parser.parse_args()
    fo.config.show_progress_bars = False
    for number in options.samples:
        report_speed(number)
    for number in options.large:
        report_index(number)
    if options.data is not None:
        report_quality(options.data / "cifar10n")


def report_speed(number: int) -> None:
    vectors = clustered(number)
    dataset = dataset_of([f"/nowhere/{row}.jpg" for row in range(number)], vectors)
    try:
        ids = dataset.values("id")
        three = ids[:3]
        query = Query("ours", tuple(three))
        cold = seconds(lambda: preview_search(Scope(dataset), query))
        print(f"\n{number:,} samples, {DIMENSIONS} dimensions, k = {RESULTS}; median of {REPEATS}, warm")
        print(f"{'labelscape, cold (vectors are read once)':52s}{cold:9.3f} s")
        rows = {
            "labelscape: scores and ranks of all": lambda: ranks(dataset, query),
            "labelscape: preview with its thumbnails' ids": lambda: preview_search(Scope(dataset), query),
            "labelscape: search, scores written, view in order": lambda: search(Scope(dataset), query).view.values(
                "id"
            ),
            "fiftyone sklearn: sort_by_similarity, view in order": lambda: similar(dataset, three, "sklearn"),
            "fiftyone lancedb: sort_by_similarity, view in order": lambda: similar(dataset, three, "ours"),
        }
        for name, act in rows.items():
            act()
            print(f"{name:52s}{statistics.median(seconds(act) for _ in range(REPEATS)):9.3f} s")
    finally:
        dataset.delete()


def report_index(number: int) -> None:
    vectors = clustered(number)
    dataset = fo.Dataset()
    try:
        dataset.add_samples(fo.Sample(filepath=f"/nowhere/{row}.jpg") for row in range(number))
        ids = np.asarray(dataset.values("id"))
        import_embeddings(dataset, key="ours", ids=ids.tolist(), vectors=vectors, source="the benchmark")
        print(f"\n{number:,} samples, {DIMENSIONS} dimensions, k = {RESULTS}; median of {QUERIES} queries, warm")
        print(f"{'building the index, and measuring its recall':52s}{seconds(lambda: index(dataset)):9.1f} s")
        rows = np.random.default_rng(1).choice(number, QUERIES, replace=False).tolist()
        acts: dict[str, Callable[[str], list[str]]] = {
            "labelscape: the best by the index, ranked exactly": lambda one: nearest(dataset, one),
            "labelscape: preview with its thumbnails' ids": lambda one: previewed(dataset, one),
            "labelscape: search, scores written, view in order": lambda one: shown(dataset, Query("ours", (one,))),
            "fiftyone lancedb: sort_by_similarity, view in order": lambda one: similar(dataset, [one], "ours"),
        }
        unit = vectors
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        exact = [set(ids[top_rows(unit @ unit[row], RESULTS)].tolist()) for row in rows]
        for name, act in acts.items():
            act(ids[0])
            took, hits = [], []
            for row, truth in zip(rows, exact, strict=True):
                begun = time.perf_counter()
                results = act(ids[row])
                took.append(time.perf_counter() - begun)
                hits.append(len(truth & {*results, ids[row]}) / RESULTS)
            print(f"{name:52s}{statistics.median(took):9.3f} s   recall {np.mean(hits):.3f}", flush=True)
    finally:
        dataset.delete()


def index(dataset: fo.Dataset) -> None:
    index_large_table(dataset, "ours")


def nearest(dataset: fo.Dataset, one: str) -> list[str]:
    table = open_large_table(dataset, "ours")
    assert table is not None
    [weights] = table.vectors_of([one], role="examples")
    items, unit = table.nearest(weights, RESULTS)
    return [str(item) for item in items.ids[top_rows(unit @ weights, RESULTS)]]


def previewed(dataset: fo.Dataset, one: str) -> list[str]:
    preview = preview_search(Scope(dataset), Query("ours", (one,)), shown=RESULTS)
    return [hit.id for hit in preview.best]


def report_quality(folder: Path) -> None:
    with (folder / "labels.csv").open() as file:
        table = list(csv.DictReader(file))
    names, truth = np.unique([row["clean"] for row in table], return_inverse=True)
    vectors = np.load(folder / "mobilenetv2_128px_l2_pca256_f16.npy").astype(np.float32)
    dataset = dataset_of([str(folder / "images" / row["file"]) for row in table], vectors)
    try:
        ids = np.asarray(dataset.values("id"))
        found: dict[str, list[list[float]]] = {"labelscape": [], "fiftyone sklearn": [], "fiftyone lancedb": []}
        for name in range(len(names)):
            seeds = np.random.default_rng(name).choice(np.flatnonzero(truth == name), 3, replace=False)
            right = set(ids[truth == name].tolist())
            found["labelscape"].append(with_our_marks(dataset, ids[seeds].tolist(), right))
            for key in ("sklearn", "ours"):
                peer = "fiftyone sklearn" if key == "sklearn" else "fiftyone lancedb"
                found[peer].append(with_more_queries(dataset, ids[seeds].tolist(), right, key))
        print(f"\nfind all like these three among {len(ids):,}: recall, mean of {len(names)} tasks")
        print(f"{'':24s}" + "".join(f"{clicks:>8d} clicks" for clicks in CLICKS))
        for method, recalls in found.items():
            print(f"{method:24s}" + "".join(f"{value:15.3f}" for value in np.mean(recalls, axis=0)))
    finally:
        dataset.delete()


def with_our_marks(dataset: fo.Dataset, seeds: list[str], right: set[str]) -> list[float]:
    """Recall after so many marks, requested in rounds of five."""
    query, recalls = Query("ours", tuple(seeds)), []
    for clicks in range(0, max(CLICKS) + 1, CLICKS_A_ROUND):
        if clicks in CLICKS:
            rows = top_rows(ranks(dataset, query), len(right))
            recalls.append(len(right & set(open_search_table(dataset, "ours").items.ids[rows].tolist())) / len(right))
        to_mark = [hit.id for hit in marks_to_ask(Scope(dataset), query, threshold=None, count=CLICKS_A_ROUND)]
        query = with_marks(
            query,
            positives=[one for one in to_mark if one in right],
            negatives=[one for one in to_mark if one not in right],
        )
    return recalls


def with_more_queries(dataset: fo.Dataset, seeds: list[str], right: set[str], key: str) -> list[float]:
    """Recall of FiftyOne's sort if each click checks the next best result, and the right ones join the query."""
    liked, seen, recalls = list(seeds), set(seeds), []
    for clicks in range(0, max(CLICKS) + 1, CLICKS_A_ROUND):
        ordered = similar(dataset, liked, key, len(right))
        if clicks in CLICKS:
            recalls.append(len(right & set(ordered)) / len(right))
        looked_at = [one for one in ordered if one not in seen][:CLICKS_A_ROUND]
        seen.update(looked_at)
        liked += [one for one in looked_at if one in right]
    return recalls


def ranks(dataset: fo.Dataset, query: Query) -> np.ndarray:
    table = open_search_table(dataset, query.embeddings)
    return fit_query(dataset, query, table).scorer.scores(table.unit)


def shown(dataset: fo.Dataset, query: Query) -> list[str]:
    return search(Scope(dataset), query).view.values("id")


def similar(dataset: fo.Dataset, ids: list[str], key: str, k: int = RESULTS) -> list[str]:
    return dataset.sort_by_similarity(ids, k=k, brain_key=key).values("id")


def dataset_of(paths: list[str], vectors: np.ndarray) -> fo.Dataset:
    """A dataset whose vectors are in our embeddings `ours` (lancedb) and in FiftyOne's `sklearn`."""
    dataset = fo.Dataset()
    dataset.add_samples(fo.Sample(filepath=path) for path in paths)
    import_embeddings(dataset, key="ours", ids=dataset.values("id"), vectors=vectors, source="the benchmark")
    dataset.set_values("vector", list(vectors))
    fob.compute_similarity(dataset, embeddings="vector", brain_key="sklearn", backend="sklearn")
    return dataset


def clustered(number: int) -> np.ndarray:
    """Vectors around 1,000 centers, as embeddings are."""
    random = np.random.default_rng(0)
    centers = random.normal(size=(1000, DIMENSIONS)).astype(np.float32)
    vectors = random.standard_normal((number, DIMENSIONS), dtype=np.float32)
    for start in range(0, number, 10_000):  # a copy of all of them would not fit beside the rest
        vectors[start : start + 10_000] += centers[random.integers(0, 1000, len(vectors[start : start + 10_000]))]
    return vectors


def seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
