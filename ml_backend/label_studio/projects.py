"""The Label Studio projects that samples of a dataset were sent to, each with its label field."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from typing import Any

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from ..errors import Refusal
from ..store.records import read_records

_STORE = "labelscape.label_studio_projects"
_CLAIMS = "labelscape.label_studio_sendings"
_CLAIM_SECONDS = 600  # more than any one request to Label Studio takes


@dataclass(frozen=True)
class SentProject:
    """A Label Studio project with tasks of this dataset.

    ``sent_at`` is when samples were sent last, as ISO time; ``control`` what is known of the control that asks for
    their labels, as `KeptControl.as_info` gives it.
    """

    url: str
    project: int
    title: str
    field: str
    sent_at: str
    control: dict[str, Any] = dataclass_field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key of server and project, here and in the `SentLedger`."""
        return f"{self.url}#{self.project}"


def remember_project(dataset: fo.Dataset, sent: SentProject) -> None:
    """Record that samples were sent there, for the first time or again."""
    _store(dataset).set(sent.key, asdict(sent))


def forget_project(dataset: fo.Dataset, sent: SentProject) -> None:
    """Drop the record of a deleted project."""
    _store(dataset).delete(sent.key)


def sent_projects(dataset: fo.Dataset, url: str) -> list[SentProject]:
    """The projects of a server that samples were sent to, most recent first."""
    projects = [SentProject(**record) for record in read_records(dataset, _STORE, prefix=f"{url}#").values()]
    return sorted(projects, key=lambda sent: sent.sent_at, reverse=True)


@contextmanager
def hold_project(dataset: fo.Dataset, key: str) -> Iterator[Callable[[], None]]:
    """Send to a project, or make it, alone, in whatever process; what this gives is to be called between requests.

    Raises:
        Refusal: another call is sending there, or took over because nothing was heard of this one for ten minutes.
    """
    store, claim = ExecutionStore.create(_CLAIMS, dataset._doc.id), _new_claim()
    if not store.set_if_absent(key, claim):
        former = store.get(key)
        if former is None or former["until"] > time.time() or not store.compare_and_set(key, former, claim):
            raise Refusal(
                "Samples of this dataset are being sent there right now: wait until that has ended, then send again. "
                f"A process that was killed blocks this for up to {_CLAIM_SECONDS // 60} minutes."
            )

    def go_on() -> None:
        nonlocal claim
        renewed = _new_claim()
        if not store.compare_and_set(key, claim, renewed):
            raise Refusal("This took too long, and another process went on with it: check the result, then send again.")
        claim = renewed

    try:
        yield go_on
    finally:
        if store.get(key) == claim:
            store.delete(key)


def _new_claim() -> dict[str, Any]:
    return {"holder": uuid.uuid4().hex, "until": time.time() + _CLAIM_SECONDS}


def _store(dataset: fo.Dataset) -> ExecutionStore:
    return ExecutionStore.create(_STORE, dataset._doc.id)
