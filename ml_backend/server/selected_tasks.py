"""The tasks that an action acts on, and their samples in the project's dataset."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Refusal
from ..label_studio.ledger import TaskRecord
from ..label_studio.mirror import EMBEDDINGS, Mirror
from ..store.embeddings import list_embeddings
from ..wording import agree, count
from .project_regions import items_in_mirror
from .requests import ActionRequest
from .sync import ProjectSync


@dataclass(frozen=True)
class SelectedTasks:
    """Tasks with a sample, in order; the media of ``left_out`` others are not available."""

    records: list[TaskRecord]
    left_out: int

    @property
    def samples(self) -> list[str]:
        """The ids of the samples."""
        return [record.sample for record in self.records]

    @property
    def tasks(self) -> list[int]:
        """The ids of the tasks."""
        return [record.task for record in self.records]

    def note(self) -> str:
        """Say what was left out; "" if nothing was."""
        if not self.left_out:
            return ""
        media = "its medium is" if self.left_out == 1 else "their media are"
        return f" {count(self.left_out, 'task')} {agree(self.left_out, 'was')} left out: {media} not available (yet)."


def selected_tasks(project: ProjectSync, request: ActionRequest) -> SelectedTasks:
    """The tasks of a request.

    Raises:
        Refusal: none of them has a sample
    """
    selected = records_of(project.opened(), request.tasks)
    number = len(selected.records) + selected.left_out
    if not selected.records:
        raise Refusal(
            f"The backend has none of the {count(number, 'task')} yet: it reads new tasks within a minute, and its "
            "status tab “… · Labelscape” shows any problem."
        )
    return selected


def records_of(mirror: Mirror, tasks: Sequence[int] | None) -> SelectedTasks:
    """Those of these tasks, or of all, that have samples."""
    known = mirror.ledger.read(tasks)
    ordered = known.values() if tasks is None else [known[task] for task in tasks if task in known]
    records = [record for record in ordered if record.sample]
    return SelectedTasks(records, (len(known) if tasks is None else len(tasks)) - len(records))


def check_embedded(mirror: Mirror) -> None:
    """Raise a Refusal unless the project has embeddings."""
    if EMBEDDINGS not in list_embeddings(mirror.dataset):
        raise Refusal("The tasks of this project have no embeddings yet: the backend is reading them; try again soon.")


def tasks_of(mirror: Mirror, ids: Sequence[str]) -> dict[str, int]:
    """Sample, or region of one, → its task."""
    items = items_in_mirror(mirror, ids)
    samples = items.sample_ids.tolist()
    records = mirror.ledger.of_samples(dict.fromkeys(samples)).values()
    tasks = {record.sample: record.task for record in records}
    pairs = zip(items.ids.tolist(), samples, strict=True)
    return {item: tasks[sample] for item, sample in pairs if sample in tasks}
