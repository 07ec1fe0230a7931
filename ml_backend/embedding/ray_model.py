"""An embedding model on a Ray cluster: the same pipeline as on one machine, in workers with one model each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ..errors import Refusal
from ..progress import Progress
from ..running import Engine, RayWorkers, WorkerLost
from .base import Embedded, EmbeddingModel, Failure, Media
from .remote_media import FetchingModel

# What passes between processes: plain data, because workers import this package under another name.
Task = tuple[list[dict[str, Any]], int]
Result = tuple[np.ndarray, np.ndarray, list[tuple[int, str]], np.ndarray | None]
LOADER = "labelscape.ml_backend.embedding:load"
_BATCHES_PER_TASK = 2


class RayModel:
    """The model ``model``, loaded by name and options in every worker of an engine.

    Close it after use. A worker that dies is replaced, and its media are embedded by another; media whose workers die
    each time are among the failures.
    """

    def __init__(
        self, model: EmbeddingModel, name: str, options: Mapping[str, Any], engine: Engine, *, loader: str = LOADER
    ) -> None:
        self.name, self.dim = model.name, model.dim
        arguments = {"loader": loader, "name": name, "options": dict(options)}
        self._workers = RayWorkers(engine, "labelscape.ml_backend.embedding.ray_model:worker", arguments)

    @property
    def parallel(self) -> int:
        """How many workers embed at once."""
        return self._workers.count

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """As `EmbeddingModel.embed`, in the workers.

        Raises:
            Refusal: a batch size below 1.
        """
        if batch_size < 1:
            raise Refusal(f"batch_size is {batch_size}; it must be at least 1")
        plain = [asdict(medium if isinstance(medium, Media) else Media(medium)) for medium in media]
        size = batch_size * _BATCHES_PER_TASK
        tasks: list[Task] = [(plain[start : start + size], batch_size) for start in range(0, len(plain), size)]
        results: dict[int, Result] = {}
        done = 0
        for index, result in self._workers.map(tasks):
            number = len(tasks[index][0])
            results[index] = _lost(result, number, self.dim) if isinstance(result, WorkerLost) else result
            done += number
            if progress is not None:
                progress(done / len(media), f"Embedded {done:,} of {len(media):,}")
        return _joined([results[index] for index in range(len(tasks))], size, self.dim)

    def close(self) -> None:
        """Release the workers."""
        self._workers.close()


def worker(loader: str, name: str, options: dict[str, Any]) -> Callable[[Task], Result]:
    """Load a model in a worker; returns what embeds the media of one task."""
    from importlib import import_module

    module, _, function = loader.partition(":")
    model = FetchingModel(getattr(import_module(module), function)(name, **options))

    def embed(task: Task) -> Result:
        media, batch_size = task
        embedded = model.embed([Media(**medium) for medium in media], batch_size=batch_size)
        failed = [(failure.index, failure.reason) for failure in embedded.failed]
        return np.asarray(embedded.vectors), np.asarray(embedded.kept), failed, embedded.logits

    return embed


def _lost(result: WorkerLost, number: int, dim: int) -> Result:
    return np.empty((0, dim), np.float32), np.empty(0, np.int64), [(row, result.reason) for row in range(number)], None


def _joined(results: Sequence[Result], size: int, dim: int) -> Embedded:
    if not results:
        return Embedded(np.empty((0, dim), np.float32), np.empty(0, np.int64), [])
    starts = [task * size for task in range(len(results))]
    logits = [result[3] for result in results if result[3] is not None]
    return Embedded(
        vectors=np.concatenate([result[0] for result in results]),
        kept=np.concatenate([result[1] + start for result, start in zip(results, starts, strict=True)]),
        failed=[
            Failure(start + row, reason)
            for (_, _, failed, _), start in zip(results, starts, strict=True)
            for row, reason in failed
        ],
        logits=np.concatenate(logits) if logits else None,
    )
