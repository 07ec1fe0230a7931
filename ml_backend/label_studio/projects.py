"""The Label Studio projects that samples of a dataset were sent to, each with its label field."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any

import fiftyone as fo

from ..errors import Refusal
from ..store.holders import has_ended, is_this_process, this_process
from ..store.records import open_store, read_records
from ..store.schema import field_mark, field_today

_STORE = "labelscape.label_studio_projects"
_CLAIMS = "labelscape.label_studio_sendings"
_CLAIM_MINUTES = 10  # more than any one request to Label Studio takes
_held: set[str] = set()  # the claims of this process


@dataclass(frozen=True)
class SentProject:
    """A Label Studio project with tasks of this dataset.

    ``field`` is the label field by its current name; ``former_fields`` are its earlier names. ``sent_at`` is when
    samples were sent last, as ISO time; ``control`` what is known of the control that asks for their labels, as
    `KeptControl.as_info` gives it.
    """

    url: str
    project: int
    title: str
    field: str
    sent_at: str
    control: dict[str, Any] = dataclass_field(default_factory=dict)
    former_fields: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key of server and project, here and in the `SentLedger`."""
        return f"{self.url}#{self.project}"


def remember_project(dataset: fo.Dataset, sent: SentProject) -> None:
    """Record that samples were sent there, for the first time or again."""
    record = {**asdict(sent), "former_fields": list(sent.former_fields), "mark": field_mark(dataset, sent.field)}
    open_store(dataset, _STORE).set(sent.key, record)


def forget_project(dataset: fo.Dataset, sent: SentProject) -> None:
    """Drop the record of a deleted project."""
    open_store(dataset, _STORE).delete(sent.key)


def sent_projects(dataset: fo.Dataset, url: str) -> list[SentProject]:
    """The projects of a server that samples were sent to, most recent first."""
    projects = [_project_of(dataset, record) for record in read_records(dataset, _STORE, prefix=f"{url}#").values()]
    return sorted(projects, key=lambda sent: sent.sent_at, reverse=True)


def _project_of(dataset: fo.Dataset, record: Mapping[str, Any]) -> SentProject:
    values = {name: value for name, value in record.items() if name != "mark"}
    sent = SentProject(**{**values, "former_fields": tuple(record.get("former_fields") or ())})
    today = field_today(dataset, sent.field, record.get("mark"))
    if today is None or today == sent.field:
        return sent
    return replace(sent, field=today, former_fields=(*sent.former_fields, sent.field))


@contextmanager
def hold_project(dataset: fo.Dataset, key: str) -> Iterator[Callable[[], None]]:
    """Send to a project, or make it, alone, in whatever process; what this gives is to be called between requests.

    Raises:
        Refusal: another call is sending there, or took over because this one was silent for ten minutes.
    """
    store, holder = open_store(dataset, _CLAIMS), uuid.uuid4().hex
    claim = _new_claim(holder)

    def go_on() -> None:
        nonlocal claim
        renewed = _new_claim(holder)
        if not store.compare_and_set(key, claim, renewed):
            raise Refusal("This took too long, and another process took over: check the result, then send again.")
        claim = renewed

    _held.add(holder)
    try:
        if not store.set_if_absent(key, claim):
            former = store.get(key)
            if former is None or not _is_over(former) or not store.compare_and_set(key, former, claim):
                raise Refusal(
                    "Samples of this dataset are being sent there right now: wait until that is finished, then send "
                    f"again. A process that was killed on another machine blocks this for up to {_CLAIM_MINUTES} "
                    "minutes."
                )
        yield go_on
    finally:
        _held.discard(holder)
        if (store.get(key) or {}).get("holder") == holder:
            store.delete(key)


def _new_claim(holder: str) -> dict[str, Any]:
    return this_process() | {"holder": holder, "until": time.time() + _CLAIM_MINUTES * 60}


def _is_over(claim: Mapping[str, Any]) -> bool:
    """Whether the process with this claim no longer sends, although it never released the claim."""
    if is_this_process(claim):
        return claim["holder"] not in _held or claim["until"] <= time.time()
    return claim["until"] <= time.time() or has_ended(claim)
