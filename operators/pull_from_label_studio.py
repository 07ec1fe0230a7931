"""Menu entry “Pull from Label Studio”: turn annotations into labels, with annotator and time, in one save."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.pull_from_label_studio import pull
from ..ml_backend.errors import Refusal
from ..ml_backend.label_studio.client import LabelStudio
from ..ml_backend.label_studio.decisions import RULES
from ..ml_backend.label_studio.exchange import project_info
from ..ml_backend.label_studio.projects import SentProject, sent_projects
from ..ml_backend.wording import agree, count
from .asking import NEW_FIELD
from .label_studio_forms import ask_exchanged_field, chosen_exchanged_field, connected
from .running import LabelscapeOperator, Outcome, Progress

_RULE_LABELS = {
    "ground_truth_first": "The one marked as ground truth, or else the latest",
    "latest": "The latest",
    "majority": "The answer of most annotators; a tie goes to the latest",
}


class PullFromLabelStudio(LabelscapeOperator):
    """Import annotations of the samples that were sent."""

    operator_name = "pull_from_label_studio"
    label = "Labelscape: pull from Label Studio"
    description = "Import annotations of the samples you sent as labels, with annotator and time; you can undo this"
    icon = "move_to_inbox"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the project and the field, and report the annotators' progress."""
        studio = connected(ctx)
        sent = _ask_project(ctx, inputs, studio)
        info = project_info(studio, sent.project)
        annotated = info["num_tasks_with_annotations"]
        tasks = (
            f"{annotated:,} of {count(info['task_number'], 'task')} of the project {agree(annotated, 'is')} annotated."
        )
        inputs.view("progress", types.Notice(label=tasks))
        field = ask_exchanged_field(ctx, inputs, default=sent.field, more=(NEW_FIELD,))
        if field == NEW_FIELD:
            inputs.str("new_field", required=True, label="Name of the new field")
        _ask_rule(inputs)
        inputs.bool(
            "replace",
            default=False,
            label="Replace labels that you changed here after sending them",
            description="Otherwise they are kept and shown to you",
        )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Pull."""
        studio = connected(ctx)
        sent = _chosen_project(ctx, studio)
        field = chosen_exchanged_field(ctx, default=sent.field)
        report = pull(
            ctx.dataset,
            studio=studio,
            project=sent.project,
            field=ctx.params["new_field"] if field == NEW_FIELD else field,
            replace=bool(ctx.params.get("replace")),
            annotation=ctx.params.get("annotation") or RULES[0],
            progress=progress,
        )
        kept = list(dict.fromkeys(conflict.item for conflict in report.conflicts))
        view = ctx.dataset.select(kept) if kept else None
        return Outcome(report.sentence(), reload_dataset=True, reload_samples=True, view=view)


def _ask_rule(inputs: types.Object) -> None:
    """Let the user choose which of several annotations of a task counts."""
    choices = types.Choices()
    for rule in RULES:
        choices.add_choice(rule, label=_RULE_LABELS[rule])
    inputs.enum(
        "annotation",
        choices.values(),
        view=choices,
        default=RULES[0],
        label="If a task has several annotations",
    )


def _ask_project(ctx: Any, inputs: types.Object, studio: LabelStudio) -> SentProject:
    """Let the user choose among the projects that samples were sent to."""
    chosen = _chosen_project(ctx, studio)
    choices = types.Choices()
    for sent in sent_projects(ctx.dataset, studio.url):
        choices.add_choice(
            str(sent.project),
            label=f"{sent.title} ({sent.project})",
            description=f"Labels of '{sent.field}', sent on {sent.sent_at[:10]}",
        )
    inputs.enum(
        "project",
        choices.values(),
        view=choices,
        default=str(chosen.project),
        label="Project",
        description=f"In {studio.url}",
    )
    return chosen


def _chosen_project(ctx: Any, studio: LabelStudio) -> SentProject:
    """The chosen project, or else the one to which samples were last sent. Raises a `Refusal` if there is none."""
    sent = sent_projects(ctx.dataset, studio.url)
    if not sent:
        raise Refusal(
            f"No sample of this dataset was sent to {studio.url} yet: run “Labelscape: send to Label Studio” first."
        )
    return next((project for project in sent if str(project.project) == ctx.params.get("project")), sent[0])
