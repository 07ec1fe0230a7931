"""Remove the columns that earlier versions wrote into the tasks' data under other names."""

from collections.abc import Callable

from ..label_studio.client import LabelStudio

OLD_COLUMNS = frozenset(
    {"labelscape_outlier_score", "labelscape_mislabel_score", "labelscape_cluster", "labelscape_segments"}
)


def remove_old_columns(studio: LabelStudio, project: int, keep_on: Callable[[], bool]) -> bool:
    """Remove the former columns from the tasks of a project; False if ``keep_on`` stopped it.

    Label Studio (1.23) shows a column while any task has it, and changes the data of one task at a time.
    """
    if OLD_COLUMNS.isdisjoint(studio.data_columns(project)):
        return True
    for task, data in studio.task_data(project).items():
        if OLD_COLUMNS.isdisjoint(data):
            continue
        if not keep_on():
            return False
        studio.update_task_data(task, {name: value for name, value in data.items() if name not in OLD_COLUMNS})
    return True
