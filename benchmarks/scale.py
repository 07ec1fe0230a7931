"""Vector databases and engines compared in one run: `python benchmarks/scale.py [stores] [engines]`.

Needs FiftyOne's database; PostgreSQL and Milvus run from their packages. Times are wall clock seconds of one run:
compare them within a table.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
from cold_process import clustered

DIM, QUERIES, IMAGES, WORKERS = 256, 20, 2000, 2


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def stores(n: int, folder: Path) -> None:
    """Write, read, index, and search n vectors in each database."""
    from labelscape.ml_backend.store import search_index
    from labelscape.ml_backend.store.embeddings import (
        Provenance,
        create_embeddings,
        delete_embeddings,
        load_embeddings,
        table_to_write,
    )
    from labelscape.ml_backend.store.items import list_items
    from labelscape.testing.vector_servers import postgres_address

    backends = fob.brain_config.similarity_backends
    backends["lancedb"]["uri"] = str(folder / "lancedb")
    backends["pgvector"]["connection_string"] = postgres_address(folder / "postgres")
    backends["milvus"]["uri"] = str(folder / "milvus.db")
    search_index.EXACT_UP_TO = 1000
    dataset = fo.Dataset(f"labelscape-scale-{int(time.time())}")
    dataset.add_samples(fo.Sample(f"/nowhere/{number}.png") for number in range(n))
    items, vectors = list_items(dataset), clustered(n, DIM)
    print(f"\nvectors in databases, {n:,} x {DIM}: seconds")
    print(f"{'':10s}{'write':>8s}{'read':>8s}{'index':>8s}{'search':>9s}{'recall@50':>11s}")
    for backend in ("lancedb", "pgvector", "milvus"):
        create_embeddings(dataset, "emb", Provenance("made up", {}), backend=backend)
        table = table_to_write(dataset, "emb")
        start = time.perf_counter()
        table.upsert(items.ids, items.sample_ids, vectors)
        write = time.perf_counter() - start
        read = timed(lambda: load_embeddings(dataset, "emb"))
        index = timed(lambda: search_index.index_large_table(dataset, "emb"))
        large = search_index.open_large_table(dataset, "emb")
        assert large is not None
        start = time.perf_counter()
        for query in vectors[:QUERIES]:
            large.nearest(query, 50)
        search = (time.perf_counter() - start) / QUERIES
        print(f"{backend:10s}{write:8.2f}{read:8.2f}{index:8.2f}{search:9.4f}{large.quality.recall:11.3f}", flush=True)
        delete_embeddings(dataset, "emb")
    dataset.delete()


def engines(folder: Path) -> None:
    """Embed the same images here and on Ray workers of this machine."""
    import cv2
    from labelscape.ml_backend.embedding import load
    from labelscape.ml_backend.embedding.ray_model import RayModel
    from labelscape.ml_backend.running import Engine

    random, paths = np.random.default_rng(0), [str(folder / f"{number}.jpg") for number in range(IMAGES)]
    for path in paths:
        cv2.imwrite(path, cv2.resize(random.integers(0, 255, (24, 32, 3), np.uint8), (640, 480)))
    here = load("preprocessing")
    here.embed(paths[:64])
    local = timed(lambda: here.embed(paths))
    start = time.perf_counter()
    remote = RayModel(here, "preprocessing", {}, Engine("ray", workers=WORKERS))
    remote.embed(paths[:64])
    starting = time.perf_counter() - start
    ray = timed(lambda: remote.embed(paths))
    same = np.abs(remote.embed(paths[:200]).vectors - here.embed(paths[:200]).vectors).max()
    remote.close()
    print(f"\n{IMAGES:,} images of 640 x 480, model preprocessing, {os.cpu_count()} cores: images a second")
    print(f"local {IMAGES / local:.0f}; Ray with {WORKERS} workers {IMAGES / ray:.0f}, after {starting:.0f} s of start")
    print(f"largest difference of a number in a vector: {same:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["stores", "engines"])
    parser.add_argument("--n", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        if "stores" in options.parts:
            stores(options.n, Path(folder))
        if "engines" in options.parts:
            engines(Path(folder))


if __name__ == "__main__":
    main()
