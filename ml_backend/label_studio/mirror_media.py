"""Create samples from the media of tasks, where they are available."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import fiftyone as fo

from ..embedding.base import UnreadableMedium
from .ledger import TaskRecord
from .media_hosts import MediaError, MediaUnavailable
from .mirror_dataset import TASK
from .task_media import Fetch, Obtained, TaskMedium, obtain
from .windows import cut_windows

if TYPE_CHECKING:
    from .mirror import Mirror


def take_media(
    mirror: "Mirror", records: Sequence[TaskRecord], media: Sequence[TaskMedium], fetch: Fetch, seconds: float | None
) -> dict[int, str]:
    """Obtain the media of tasks, make samples of them, and write the records; returns task → why it has no sample."""
    if not records:
        return {}
    obtained = obtain(media, mirror.control.task_object, fetch, seconds)
    if mirror.control.windows:
        records, obtained = _with_windows(mirror, records, obtained)
    by_task = {record.task: outcome for record, outcome in zip(records, obtained, strict=True)}
    fields = {task: outcome for task, outcome in by_task.items() if isinstance(outcome, dict)}
    wanting = [record.task for record in records if record.task in fields and not record.sample]
    created = _samples_of(mirror, wanting)  # samples that are missing in the ledger because of a crash
    new = [task for task in wanting if task not in created]
    samples = [fo.Sample(**fields[task], **{TASK: task}) for task in new]
    created |= zip(new, mirror.dataset.add_samples(samples, progress=False) if samples else [], strict=True)
    _replace_media(mirror, {record.sample: fields[record.task] for record in records if record.task in fields})
    mirror.ledger.write(
        [
            replace(record, sample=created.get(record.task, record.sample), refused=_refusal(by_task[record.task]))
            for record in records
        ]
    )
    return {task: str(reason) for task, reason in by_task.items() if isinstance(reason, ValueError)}


def _with_windows(
    mirror: "Mirror", records: Sequence[TaskRecord], obtained: Sequence[Obtained]
) -> tuple[list[TaskRecord], list[Obtained]]:
    """The records with their windows; in the place of a medium that cannot be cut into them, the reason."""
    cut: list[Obtained] = list(obtained)
    with_windows = list(records)
    for row, outcome in enumerate(obtained):
        if not isinstance(outcome, dict):
            continue
        try:
            windows = cut_windows(mirror.control, outcome, mirror.cut)
            with_windows[row] = replace(records[row], candidates=windows)
        except UnreadableMedium as error:
            cut[row] = MediaError(
                f"“{mirror.control.task_object.key}” of the task cannot be cut into windows: {error}."
            )
    return with_windows, cut


def _replace_media(mirror: "Mirror", fields: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the media of existing samples."""
    moved = {sample: values for sample, values in fields.items() if sample}
    for name in dict.fromkeys(name for values in moved.values() for name in values):
        mirror.dataset.set_values(name, {sample: values.get(name) for sample, values in moved.items()}, key_field="id")


def _samples_of(mirror: "Mirror", tasks: Sequence[int]) -> dict[int, str]:
    """Task → its sample, for tasks that have one."""
    return dict(zip(*mirror.dataset.match(fo.ViewField(TASK).is_in(list(tasks))).values([TASK, "id"]), strict=True))


def _refusal(obtained: Obtained) -> str:
    return "" if isinstance(obtained, dict | MediaUnavailable) else str(obtained)
