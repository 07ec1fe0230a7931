"""Carry out what annotators chose in the menu on a task (`task_menu`), each choice once."""

from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from ..errors import Refusal
from ..label_studio.client import LabelStudioDown, LabelStudioUnauthorized
from ..label_studio.ledger import Annotation, TaskRecord
from ..label_studio.mirror import Mirror
from ..label_studio.task_menu import LABEL_NEIGHBORS, UNDO
from ..progress import no_progress
from .database import DATABASE_AWAY
from .labeling_actions import PREDICTIONS, predict_neighbors
from .requests import ActionRequest
from .sync import ProjectSync
from .undoing_actions import undo

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Command:
    """A choice in the menu of an annotation; ``text`` tells it from other choices there, ``label`` is its class."""

    record: TaskRecord
    annotation: Annotation
    label: str

    @property
    def text(self) -> str:
        name = self.annotation.command
        return f"{name}: {self.label}" if name == LABEL_NEIGHBORS else name


def carry_out_commands(project: ProjectSync) -> int:
    """Carry out pending choices; return how many.

    Call it once suggestions are made. Repeating “Label neighbors” is harmless, so it is recorded as done afterwards; an
    undo, which would then undo one more action, beforehand.
    """
    with project.lock:
        commands = list(_new_commands(project.opened()))
    for command in sorted(commands, key=lambda command: command.annotation.at):
        if command.annotation.command == UNDO:
            _note(project, command, "Undoing")
        outcome = _carry_out(project, command)
        _note(project, command, outcome)
        _log.info("command_carried_out", project=project.project, task=command.record.task, outcome=outcome)
    return len(commands)


def _new_commands(mirror: Mirror) -> Iterator[_Command]:
    for record in mirror.ledger.with_commands().values():
        by_annotation = {
            str(annotation.id): _Command(record, annotation, _label(mirror, annotation))
            for annotation in record.annotations
            if annotation.command and not annotation.skipped
        }
        current = {key: command.text for key, command in by_annotation.items()}
        done = {key: text for key, text in record.carried_out.items() if current.get(key) == text}
        if done != record.carried_out:  # withdrawn: the same choice counts again when it is made again
            mirror.ledger.set_carried_out(record.task, done, record.outcome if done else "")
        yield from (command for key, command in by_annotation.items() if key not in done)


def _label(mirror: Mirror, annotation: Annotation) -> str:
    """The one class that an annotation chooses; "" for none or several."""
    chosen = mirror.control.labels_of(annotation.result)
    return chosen[0] if len(chosen) == 1 else ""


def _carry_out(project: ProjectSync, command: _Command) -> str:
    by = str(command.annotation.edited_by or command.annotation.by or "")
    try:
        if command.annotation.command == UNDO:
            return undo(project, ActionRequest(None, by), no_progress).sentence
        if not command.label:
            return f"“{LABEL_NEIGHBORS}” needs exactly one label on the task."
        values = {
            "label": command.label,
            "reach": None,
            "precision": project.settings.precision,
            "as": PREDICTIONS,
        }
        return predict_neighbors(project, ActionRequest([command.record.task], by, values))
    except (LabelStudioDown, LabelStudioUnauthorized, *DATABASE_AWAY):
        raise
    except Refusal as refusal:
        return str(refusal)
    except Exception:  # one choice that cannot be carried out never stops the project
        _log.exception("command_failed", project=project.project, task=command.record.task)
        return "Internal error; see the backend's log."


def _note(project: ProjectSync, command: _Command, outcome: str) -> None:
    with project.lock:
        ledger = project.opened().ledger
        record = ledger.read([command.record.task]).get(command.record.task)
        if record is None:  # the task was deleted in the meantime
            return
        carried_out = record.carried_out | {str(command.annotation.id): command.text}
        ledger.set_carried_out(record.task, carried_out, outcome)
