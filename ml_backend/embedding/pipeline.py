"""Read media in threads while the model runs: batches in order, with few of them in memory."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import groupby, islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import Refusal
from ..progress import Progress
from .base import Content, Embedded, Failure, Media, Reader, UnreadableMedium

Prepared = NDArray[np.generic]
Result = TypeVar("Result")
_BATCHES_AHEAD = 2
_PARTS_PER_READ = 64
_NOT_FINITE = "the model's vector for it is not finite"


def embed_in_batches(
    media: Sequence[str | Media],
    *,
    read: Reader[Content],
    prepare: Callable[[Content], Prepared],
    forward: Callable[[Prepared], NDArray[np.float32]],
    dim: int,
    batch_size: int,
    progress: Progress | None = None,
) -> Embedded:
    """Read and prepare media in a thread pool, run ``forward`` on batches (b, …) → (b, dim), keep the order.

    Parts of one file that follow each other are read together.

    Raises:
        Refusal: a batch size below 1.
    """
    if batch_size < 1:
        raise Refusal(f"batch_size is {batch_size}; it must be at least 1")
    vectors = np.empty((len(media), dim), np.float32)
    kept: list[int] = []
    failed: list[Failure] = []
    items = prepare_in_threads(media, read, prepare, _BATCHES_AHEAD * batch_size)
    with closing(items):
        while batch := list(islice(items, batch_size)):
            good = [(index, item) for index, item in batch if not isinstance(item, UnreadableMedium)]
            failed += [Failure(index, str(item)) for index, item in batch if isinstance(item, UnreadableMedium)]
            if good:
                rows = forward(np.stack([item for _, item in good]))
                finite = np.atleast_1d(np.isfinite(rows).all(axis=1))
                vectors[len(kept) : len(kept) + int(finite.sum())] = rows[finite]
                kept += [index for (index, _), sound in zip(good, finite, strict=True) if sound]
                failed += [
                    Failure(index, _NOT_FINITE) for (index, _), sound in zip(good, finite, strict=True) if not sound
                ]
            if progress is not None:
                done = len(kept) + len(failed)
                progress(done / len(media), f"Embedded {done:,} of {len(media):,}")
    failed.sort(key=lambda failure: failure.index)
    return Embedded(vectors[: len(kept)], np.asarray(kept, np.int64), failed)


def prepare_in_threads(
    media: Sequence[str | Media], read: Reader[Content], prepare: Callable[[Content], Result], ahead: int
) -> Generator[tuple[int, Result | UnreadableMedium], None, None]:
    """Yield each medium's index and what ``prepare`` makes of it, in order, with at most ``ahead`` being worked on."""

    def attempt(path: str, group: list[Media]) -> list[Result | UnreadableMedium]:
        return [part if isinstance(part, UnreadableMedium) else prepare(part) for part in read(path, group)]

    waiting: deque[tuple[int, Future[list[Result | UnreadableMedium]]]] = deque()
    submitted = given = 0
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="read") as pool:
        try:
            for path, group in _by_file(media):
                waiting.append((submitted, pool.submit(attempt, path, group)))
                submitted += len(group)
                while submitted - given > ahead:
                    first, future = waiting.popleft()
                    for item in enumerate(future.result(), first):
                        yield item
                        given += 1
            for first, future in waiting:
                yield from enumerate(future.result(), first)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _by_file(media: Sequence[str | Media]) -> Iterator[tuple[str, list[Media]]]:
    """Runs of media from the same file, cut to limit memory."""
    whole = (item if isinstance(item, Media) else Media(item) for item in media)
    for path, run in groupby(whole, key=lambda medium: medium.path):
        while group := list(islice(run, _PARTS_PER_READ)):
            yield path, group
