"""The Label Studio projects that samples of a dataset were sent to, and the label field that went with them."""

from dataclasses import asdict, dataclass

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from .records import read_records

_STORE = "labelscape.label_studio_projects"


@dataclass(frozen=True)
class SentProject:
    """A Label Studio project with tasks of this dataset; ``sent_at`` is when samples were sent last, as ISO time."""

    url: str
    project: int
    title: str
    field: str
    sent_at: str

    @property
    def key(self) -> str:
        """What names server and project, here and in the `AnnotationLedger`."""
        return f"{self.url}#{self.project}"


def remember_project(dataset: fo.Dataset, sent: SentProject) -> None:
    """Remember that samples were sent there, or that they were once more."""
    _store(dataset).set(sent.key, asdict(sent))


def forget_project(dataset: fo.Dataset, sent: SentProject) -> None:
    """Forget a project that is gone."""
    _store(dataset).delete(sent.key)


def sent_projects(dataset: fo.Dataset, url: str) -> list[SentProject]:
    """The projects of a server that samples were sent to, last sent to first."""
    found = [SentProject(**record) for record in read_records(dataset, _STORE, prefix=f"{url}#").values()]
    return sorted(found, key=lambda sent: sent.sent_at, reverse=True)


def _store(dataset: fo.Dataset) -> ExecutionStore:
    return ExecutionStore.create(_STORE, dataset._doc.id)
