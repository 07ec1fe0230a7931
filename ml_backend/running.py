"""Where heavy work runs: in this process, or on the workers of a Ray cluster."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from .errors import Refusal

ENGINE_VARIABLE = "LABELSCAPE_ENGINE"
WORKERS_VARIABLE = "LABELSCAPE_WORKERS"
_RETRIES = 3  # of a task whose worker died
_CORES_PER_WORKER = 4  # without GPUs, if the number of workers is not set
_AHEAD = 2  # tasks assigned to each worker at a time, one of them in progress


@dataclass(frozen=True)
class Engine:
    """Where work runs.

    Attributes:
        kind: "local" is this process; "ray" a Ray cluster.
        address: of the cluster, such as ``ray://head:10001``; "" for the one that $RAY_ADDRESS names, else one on this
            machine that is started for the work.
        workers: how many workers; None = one per GPU of the cluster, or else one per four cores.
    """

    kind: Literal["local", "ray"] = "local"
    address: str = ""
    workers: int | None = None


@dataclass(frozen=True)
class WorkerLost:
    """Takes the place of the result of a task whose worker died each time."""

    reason: str


def engine() -> Engine:
    """The engine that $LABELSCAPE_ENGINE chooses: ``local`` (the default), ``ray``, or ``ray://host:10001``.

    Raises:
        Refusal: it is something else, or $LABELSCAPE_WORKERS is not a number above 0.
    """
    chosen = os.environ.get(ENGINE_VARIABLE) or "local"
    if chosen == "local":
        return Engine()
    if chosen != "ray" and not chosen.startswith("ray://"):
        raise Refusal(
            f"{ENGINE_VARIABLE} is '{chosen}'; it must be local, ray, or the address of a Ray cluster, such as "
            "ray://head:10001."
        )
    workers = os.environ.get(WORKERS_VARIABLE)
    if workers is not None and not (workers.isdigit() and int(workers)):
        raise Refusal(f"{WORKERS_VARIABLE} is '{workers}'; it must be a whole number above 0.")
    return Engine("ray", "" if chosen == "ray" else chosen, None if workers is None else int(workers))


class RayWorkers:
    """Workers on a Ray cluster that each prepare once and then work on tasks; a worker that dies is replaced.

    ``maker`` names a function as ``module:function``, whose call with ``arguments`` returns what works on one task.
    Code and results travel as Ray ships them; the package has to be installed on every machine of the cluster.

    Raises:
        Refusal: Ray is not installed, or the cluster does not answer.
    """

    def __init__(self, engine: Engine, maker: str, arguments: dict[str, Any]) -> None:
        ray = _connected(engine)
        gpus = int(ray.cluster_resources().get("GPU", 0))
        cores = int(ray.cluster_resources().get("CPU", 1))
        self.count = engine.workers or gpus or max(cores // _CORES_PER_WORKER, 1)
        share = {"num_gpus": 1} if gpus >= self.count else {"num_cpus": min(1.0, cores / self.count)}
        remote = ray.remote(max_restarts=-1, max_task_retries=_RETRIES, **share)(_worker_class())
        self._workers = [remote.remote(maker, arguments) for _ in range(self.count)]

    def map(self, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the index of each task and its result, or a `WorkerLost`, as they are done.

        What a task raises is raised here.
        """
        import ray

        waiting = iter(enumerate(tasks))
        running: dict[Any, tuple[int, Any]] = {}

        def give(worker: Any) -> None:
            following = next(waiting, None)
            if following is not None:
                running[worker.work.remote(following[1])] = (following[0], worker)

        for worker in self._workers * _AHEAD:
            give(worker)
        while running:
            [done], _ = ray.wait(list(running), num_returns=1)
            index, worker = running.pop(done)
            try:
                result = ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise error.as_instanceof_cause() from None
            except ray.exceptions.RayError:
                result = WorkerLost(f"the worker that it was given to died {_RETRIES + 1} times")
            give(worker)
            yield index, result

    def close(self) -> None:
        """Release the workers, even in the middle of their tasks."""
        import ray

        for worker in self._workers:
            ray.kill(worker)


def _worker_class() -> type:
    """A class that Ray serializes by value: under FiftyOne, this module has a name that workers cannot import."""

    class Worker:
        def __init__(self, maker: str, arguments: dict[str, Any]) -> None:
            module, _, name = maker.partition(":")
            self._work: Callable[[Any], Any] = getattr(import_module(module), name)(**arguments)

        def work(self, task: Any) -> Any:
            return self._work(task)

    return Worker


def _connected(engine: Engine) -> Any:
    try:
        import ray
    except ImportError:
        raise Refusal("The engine 'ray' needs Ray: pip install 'labelscape[ray]'.") from None
    if ray.is_initialized():
        return ray
    address = engine.address or os.environ.get("RAY_ADDRESS") or "local"
    options: dict[str, Any] = {} if "://" in address else {"log_to_driver": False}
    if address == "local":
        options |= {"include_dashboard": False, "num_cpus": engine.workers or os.cpu_count()}
    try:
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError) as error:
        raise Refusal(
            f"The Ray cluster {address} does not respond: start it (`ray start --head`), or change {ENGINE_VARIABLE}."
        ) from error
    return ray
