"""The actions of the API: their names, their parameters, and the functions that preview and run them."""

from collections.abc import Callable
from dataclasses import dataclass

from ..progress import Progress
from ..store.segment_records import SEGMENT_KINDS
from . import auditing_actions as auditing
from . import finding_actions as finding
from . import labeling_actions as labeling
from . import undoing_actions as undoing
from .jobs import Outcome
from .requests import ActionRequest, Parameter
from .sync import ProjectSync

_PRECISION = Parameter(
    "precision", "number", "the target precision: the share of labels that are right", default=0.95, least=0.5, most=1
)
_EXAMPLES = (
    Parameter("label", "string", "in a project of regions: only regions with this label are examples", default=""),
    Parameter("negatives", "tasks", "tasks to use as negative examples", default=()),
    Parameter("text", "string", "a text to search for as well, if the model can embed texts", default=""),
)


@dataclass(frozen=True)
class Action:
    """An action of the API. ``preview`` says in numbers what it would do, and changes nothing."""

    name: str
    title: str
    run: Callable[[ProjectSync, ActionRequest, Progress], Outcome]
    preview: Callable[[ProjectSync, ActionRequest], Outcome]
    parameters: tuple[Parameter, ...] = ()
    takes_tasks: bool = True


ACTIONS = (
    Action(
        "label_neighbors",
        "Label the tasks and the unlabeled neighbors they reach",
        labeling.label_neighbors,
        labeling.preview_label_neighbors,
        (
            Parameter("label", "string", "the label, one of the project's", required=True),
            Parameter("reach", "integer", "how many neighbors; omitted = as many as the precision allows", least=0),
            _PRECISION,
            Parameter(
                "as",
                "string",
                "whether the result is predictions or annotations",
                default=labeling.PREDICTIONS,
                choices=(labeling.PREDICTIONS, labeling.ANNOTATIONS),
            ),
            Parameter(
                "region",
                "string",
                "in a project of regions: the ID of the region to begin with, from “neighbors”; omitted = all regions "
                "of the tasks that have the label",
                default="",
            ),
        ),
    ),
    Action("suggest_labels", "Suggest labels", labeling.suggest, labeling.preview_suggest, (_PRECISION,)),
    Action(
        "accept_suggestions",
        "Turn confident suggestions into annotations",
        labeling.accept,
        labeling.preview_accept,
        (Parameter("confidence", "number", "the lowest confidence to accept", default=0.95, least=0, most=1),),
    ),
    Action(
        "audit_suggestions",
        "Check a few suggestions at random to learn how many of all are right",
        auditing.audit,
        auditing.preview_audit,
        (
            Parameter(
                "step",
                "string",
                "“continue” reports the result so far, or starts the first audit",
                default=auditing.CONTINUE,
                choices=(auditing.CONTINUE, auditing.BEGIN, auditing.ACCEPT),
            ),
            Parameter(
                "target", "number", "the share that a new audit should guarantee", default=0.9, least=0.5, most=0.99
            ),
        ),
        takes_tasks=False,
    ),
    Action("rank_outliers", "Rank by how unusual tasks are", finding.rank_by_outliers, finding.preview_selection),
    Action("rank_mislabels", "Find likely mislabeled tasks", finding.rank_by_mislabels, finding.preview_selection),
    Action(
        "find_similar",
        "Find tasks like the selected ones",
        finding.find_similar,
        finding.preview_examples,
        (
            *_EXAMPLES,
            Parameter("limit", "integer", "how many tasks, or regions, to find", default=50, least=1, most=1_000),
        ),
    ),
    Action(
        "create_function",
        "Save a search as a function that scores every task",
        finding.make_function,
        finding.preview_examples,
        (
            Parameter("name", "string", "the function's name", required=True),
            Parameter("threshold", "number", "the lowest score of a match", default=0.5, least=0, most=1),
            *_EXAMPLES,
        ),
    ),
    Action(
        "create_segment",
        "Create a segment from the tasks",
        finding.make_segment,
        finding.preview_selection,
        (
            Parameter("name", "string", "the segment's name", required=True),
            Parameter("kind", "string", "what the segment is for", default=SEGMENT_KINDS[0], choices=SEGMENT_KINDS),
            Parameter("note", "string", "a note for others", default=""),
        ),
    ),
    Action("undo", "Undo your last action", undoing.undo, undoing.preview_undo, takes_tasks=False),
)
