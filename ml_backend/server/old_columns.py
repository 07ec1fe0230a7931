"""Remove columns that nothing fills any longer from the tasks' data."""

from collections.abc import Callable, Collection

from ..label_studio.client import LabelStudio
from ..store.functions import list_functions
from .sync import ProjectSync
from .tabs import function_column, is_function_column

# Earlier versions used these names.
OLD_COLUMNS = frozenset(
    {"labelscape_outlier_score", "labelscape_mislabel_score", "labelscape_cluster", "labelscape_segments"}
)


def remove_old_columns(project: ProjectSync, keep_on: Callable[[], bool]) -> bool:
    """Remove the columns of earlier versions and of deleted functions; False if ``keep_on`` stopped it."""
    earlier = OLD_COLUMNS & project.studio.data_columns(project.project)
    if earlier and not remove_columns(project.studio, project.project, earlier, keep_on):
        return False
    with project.lock:
        mirror = project.opened()
        kept = {function_column(function.slug) for function in list_functions(mirror.dataset)}
        records = mirror.ledger.read().values()
    removed: set[str] = set()
    stopped = False
    for record in records:
        # Only what we wrote: a user's own column may begin like ours.
        unused = {name for name in record.columns if is_function_column(name)} - kept
        if not unused:
            continue
        stopped = not keep_on()
        if stopped:
            break
        with project.outgoing:
            project.studio.remove_columns(record.task, unused)
            mirror.ledger.forget_columns(record.task, unused)
        removed |= unused
    _unlist(project.studio, project.project, removed)  # also if stopped: the next call does not know of these
    return not stopped


def remove_columns(studio: LabelStudio, project: int, names: Collection[str], keep_on: Callable[[], bool]) -> bool:
    """Remove these columns from the tasks of a project; False if ``keep_on`` stopped it.

    Label Studio (1.23) shows a column while any task has it, and changes the data of one task at a time.
    """
    for task, data in studio.task_data(project).items():
        if set(names).isdisjoint(data):
            continue
        if not keep_on():
            return False
        studio.remove_columns(task, names)
    _unlist(studio, project, names)
    return True


def _unlist(studio: LabelStudio, project: int, names: Collection[str]) -> None:
    """Take columns that no task has any longer off Label Studio's list of columns, where it counts them wrong."""
    if names and not studio.data_columns(project).isdisjoint(names):
        studio.recount_columns(project)
