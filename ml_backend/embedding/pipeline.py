"""Decode in threads while the model works: batches of prepared media, in order, never many in memory."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from .base import Embedded, Failure, Media, Progress
from .images import UnreadableImage

Prepared = NDArray[np.generic]
_BATCHES_AHEAD = 2


def embed_in_batches(
    media: Sequence[str | Media],
    prepare: Callable[[Media], Prepared],
    forward: Callable[[Prepared], NDArray[np.float32]],
    *,
    dim: int,
    batch_size: int,
    progress: Progress | None = None,
) -> Embedded:
    """Prepare each medium in a thread pool, run ``forward`` on batches (b, …) → (b, dim), keep the order.

    Raises:
        ValueError: a batch size below 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
    vectors = np.empty((len(media), dim), np.float32)
    kept: list[int] = []
    failed: list[Failure] = []
    for batch in _prepared(media, prepare, batch_size):
        good = [(index, item) for index, item in batch if not isinstance(item, UnreadableImage)]
        failed += [Failure(index, str(item)) for index, item in batch if isinstance(item, UnreadableImage)]
        if good:
            vectors[len(kept) : len(kept) + len(good)] = forward(np.stack([item for _, item in good]))
            kept += [index for index, _ in good]
        if progress is not None:
            done = len(kept) + len(failed)
            progress(done / len(media), f"Embedded {done:,} of {len(media):,}")
    return Embedded(vectors[: len(kept)], np.asarray(kept, np.int64), failed)


def _prepared(
    media: Sequence[str | Media], prepare: Callable[[Media], Prepared], batch_size: int
) -> Iterator[list[tuple[int, Prepared | UnreadableImage]]]:
    def attempt(item: str | Media) -> Prepared | UnreadableImage:
        try:
            return prepare(item if isinstance(item, Media) else Media(item))
        except UnreadableImage as error:
            return error

    waiting: deque[tuple[int, Future[Prepared | UnreadableImage]]] = deque()
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decode") as pool:
        try:
            batch = []
            for index, item in enumerate(media):
                waiting.append((index, pool.submit(attempt, item)))
                if len(waiting) > _BATCHES_AHEAD * batch_size:
                    first, future = waiting.popleft()
                    batch.append((first, future.result()))
                if len(batch) == batch_size:
                    yield batch
                    batch = []
            for index, future in waiting:
                batch.append((index, future.result()))
                if len(batch) == batch_size:
                    yield batch
                    batch = []
            if batch:
                yield batch
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
