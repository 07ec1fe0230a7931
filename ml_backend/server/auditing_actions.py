"""The action that audits the suggestions of a Label Studio project: people check a few drawn at random."""

from ..actions.audit import audit_result, audited_batch, start_audit
from ..errors import Refusal
from ..label_studio.mirror import Mirror
from ..progress import Progress, part_of
from ..store.audits import forget_audit, load_audit
from ..wording import count
from .columns import refresh_columns
from .jobs import Outcome
from .labeling_actions import accepted_outcome, apply_and_note, send_and_suggest
from .requests import ActionRequest
from .selected_tasks import check_embedded, tasks_of
from .sync import ProjectSync
from .tabs import AUDIT_TAB

CONTINUE, BEGIN, ACCEPT = "continue", "begin", "accept"


def preview_audit(project: ProjectSync, request: ActionRequest) -> Outcome:
    """What the audit in progress guarantees so far, or that none is."""
    with project.lock:
        mirror = project.opened()
        if load_audit(mirror.dataset) is None:
            return Outcome("No audit is in progress: this draws confident suggestions at random, for people to check.")
        return _so_far(mirror)


def audit(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Start an audit, report its result so far, or accept the audited suggestions once the target is guaranteed."""
    step = request.values["step"]
    with project.lock:
        mirror = project.opened()
        begun = load_audit(mirror.dataset) is not None
    if step == ACCEPT:
        return _accept(project, mirror, request, progress)
    if step == BEGIN or not begun:
        return _begin(project, mirror, request, progress)
    with project.lock:
        return _so_far(mirror)


def _so_far(mirror: Mirror) -> Outcome:
    result = audit_result(mirror.dataset)
    return Outcome(result.sentence(), {"left": result.left, "population": result.population}, tab=AUDIT_TAB)


def _begin(project: ProjectSync, mirror: Mirror, request: ActionRequest, progress: Progress) -> Outcome:
    with project.lock:
        check_embedded(mirror)
        started = start_audit(
            mirror.dataset,
            target=request.values["target"],
            field=mirror.field,
            patches_field=mirror.patches_field,
        )
        tasks = len(set(tasks_of(mirror, started.ids).values()))
    progress(0.1, "Writing the column and the tab")
    refresh_columns(project, lambda: True)
    number = len(started.ids)
    inside = "" if mirror.patches_field is None else f", in {count(tasks, 'task')}"
    sentence = (
        f"Drew {count(number, 'suggestion')} at random from {started.population:,}{inside}. Label every task of the "
        f"tab “{AUDIT_TAB}”, in order; then run this again for the result."
    )
    return Outcome(sentence, {"drawn": number, "population": started.population}, tab=AUDIT_TAB)


def _accept(project: ProjectSync, mirror: Mirror, request: ActionRequest, progress: Progress) -> Outcome:
    with project.lock:
        field, batch = audited_batch(mirror.dataset)
        if field.name != mirror.target.name:
            raise Refusal("The audit in progress was started in FiftyOne for another field: start a new one.")
        title = f"acceptance of {count(len(batch.ids), 'audited suggestion')}"
        applied = apply_and_note(mirror, request, [batch], title, part_of(progress, 0.0, 0.1))
        forget_audit(mirror.dataset)
    written = send_and_suggest(project, applied.items, part_of(progress, 0.1, 0.9))
    refresh_columns(project, lambda: True)
    return accepted_outcome(applied, written, "audited suggestion")
