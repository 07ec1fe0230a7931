"""The actions that rank, search, and group the tasks of a Label Studio project."""

from collections.abc import Sequence

from ..actions.functions import create_function
from ..actions.rank import Ranking, rank_mislabels, rank_outliers
from ..actions.search import Scope, search
from ..actions.segments import create_segment
from ..errors import Cancelled
from ..label_studio.mirror import EMBEDDINGS, Mirror
from ..progress import Progress, part_of
from ..store.action_journal import JournalEntry, note_action
from ..wording import count
from .columns import refresh_columns
from .jobs import Outcome
from .requests import ActionRequest
from .search_examples import read_examples
from .selected_tasks import SelectedTasks, check_embedded, selected_tasks, tasks_of
from .sync import ProjectSync
from .tabs import MISLABEL_TAB, SIMILAR_TAB, function_tab, segment_tab

_LISTED = 100  # tasks in an outcome


def preview_selection(project: ProjectSync, request: ActionRequest) -> Outcome:
    """How many tasks are selected."""
    chosen = selected_tasks(project, request)
    number = len(chosen.records)
    return Outcome(f"{count(number, 'task')} selected.{chosen.note()}", {"selected": number})


def rank_by_outliers(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Rank the selected tasks by how unusual they are, and write the columns."""
    with project.lock:
        mirror, chosen = _embedded(project, request)
        view = mirror.dataset.select(chosen.samples)
        ranking = rank_outliers(view, embeddings=EMBEDDINGS, progress=part_of(progress, 0.0, 0.5))
        tasks = _tasks_in_order(mirror, ranking)
    _show(project, part_of(progress, 0.5, 1.0))
    numbers = {"ranked": len(ranking.ids), "suspects": len(ranking.suspects)}
    return Outcome(f"{ranking.sentence()}{chosen.note()}", numbers, tasks, "Outliers")


def rank_by_mislabels(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Rank the selected labeled tasks by how likely their label is wrong, and write the columns."""
    with project.lock:
        mirror, chosen = _embedded(project, request)
        view = mirror.dataset.select(chosen.samples)
        ranking = rank_mislabels(view, embeddings=EMBEDDINGS, field=mirror.field, progress=part_of(progress, 0.0, 0.5))
        tasks = _tasks_in_order(mirror, ranking)
    _show(project, part_of(progress, 0.5, 1.0))
    numbers = {"ranked": len(ranking.ids), "suspects": len(ranking.suspects)}
    return Outcome(f"{ranking.sentence()}{chosen.note()}", numbers, tasks, MISLABEL_TAB)


def preview_examples(project: ProjectSync, request: ActionRequest) -> Outcome:
    """How many examples are usable."""
    with project.lock:
        examples = read_examples(project, request)
    query = examples.query
    numbers = {"positives": len(query.positives), "negatives": len(query.negatives)}
    return Outcome(f"Searches by {examples.in_words()}.", numbers)


def find_similar(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Find tasks like the positives and unlike the negatives; the tab “Similar tasks” shows them, best first."""
    with project.lock:
        mirror = project.opened()
        query = read_examples(project, request).query
        limit = int(request.values["limit"])
        result = search(Scope(mirror.dataset), query, limit=limit, progress=part_of(progress, 0.0, 0.3))
        tasks = tasks_of(mirror, [hit.id for hit in result.hits])
    _show(project, part_of(progress, 0.3, 1.0))
    matches = [tasks[hit.id] for hit in result.hits if hit.id in tasks]
    similar = tuple(dict.fromkeys(matches))  # a task with several regions once
    what = count(len(similar), "similar task")
    if mirror.patches_field is not None:
        what = f"{count(len(matches), 'similar region')} in {count(len(similar), 'task')}"
    sentence = f"Found {what}, best first in the tab “{SIMILAR_TAB}”."
    return Outcome(f"{sentence} {result.quality.sentence}", {"found": len(matches)}, similar[:_LISTED], SIMILAR_TAB)


def make_function(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Save a search as a function, whose scores are a column."""
    name, threshold = request.values["name"], request.values["threshold"]
    with project.lock:
        mirror = project.opened()
        query = read_examples(project, request).query
        part = part_of(progress, 0.0, 0.4)
        run = create_function(mirror.dataset, query, name=name, threshold=threshold, progress=part)
        entry = JournalEntry("function", run.function.slug, request.by, f"function “{run.function.name}”")
        note_action(mirror.dataset, entry)
    _show(project, part_of(progress, 0.4, 1.0))
    numbers = {"scored": run.scored, "matches": run.function.matches}
    return Outcome(run.sentence(), numbers, tab=function_tab(run.function.name))


def make_segment(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Create a segment from the selected tasks; a tab shows it."""
    values = request.values
    with project.lock:
        mirror = project.opened()
        chosen = selected_tasks(project, request)
        made = {"name": values["name"], "kind": values["kind"], "note": values["note"]}
        progress(0.1, "Creating the segment")
        report = create_segment(mirror.dataset, chosen.samples, **made)
        entry = JournalEntry("segment", report.segment.slug, request.by, f"segment “{report.segment.name}”")
        note_action(mirror.dataset, entry)
    _show(project, part_of(progress, 0.2, 1.0))
    sentence = f"{report.sentence()}{chosen.note()}"
    return Outcome(sentence, {"added": report.added}, tab=segment_tab(report.segment.name))


def _embedded(project: ProjectSync, request: ActionRequest) -> tuple[Mirror, SelectedTasks]:
    mirror = project.opened()
    check_embedded(mirror)
    return mirror, selected_tasks(project, request)


def _tasks_in_order(mirror: Mirror, ranking: Ranking) -> tuple[int, ...]:
    """The tasks of the first items of a ranking; a task with several boxes once."""
    items: Sequence[str] = ranking.ids[:_LISTED]
    tasks = tasks_of(mirror, items)
    return tuple(dict.fromkeys(tasks[item] for item in items if item in tasks))


def _show(project: ProjectSync, progress: Progress) -> None:
    """Write columns and tabs now, instead of when the project is quiet.

    Raises:
        Cancelled: the job was stopped; what is written already stays, and the backend writes the rest later
    """
    stopped = False

    def keep_on() -> bool:
        nonlocal stopped
        try:
            progress(0.5, "Writing columns and tabs")
        except Cancelled:
            stopped = True
        return not stopped

    refresh_columns(project, keep_on)
    if stopped:
        raise Cancelled
