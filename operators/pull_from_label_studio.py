"""Menu entry “Pull from Label Studio”: annotations become labels, with who and when, as one save."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.pull_from_label_studio import pull
from ..ml_backend.label_studio.client import LabelStudio
from ..ml_backend.label_studio.exchange import project_info
from ..ml_backend.label_studio.projects import SentProject, sent_projects
from .asking import NEW_FIELD
from .label_studio_forms import ask_exchanged_field, chosen_exchanged_field, connected
from .running import LabelscapeOperator, Outcome, Progress


class PullFromLabelStudio(LabelscapeOperator):
    """Take the annotations of samples that were sent."""

    operator_name = "pull_from_label_studio"
    label = "Labelscape: pull from Label Studio"
    description = "Make the annotations of the samples you sent labels here, with who and when; it can be undone"
    icon = "move_to_inbox"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for project and field, and say how far the annotators are."""
        studio = connected(ctx)
        sent = _ask_project(ctx, inputs, studio)
        info = project_info(studio, sent.project)
        inputs.view(
            "progress",
            types.Notice(
                label=f"{info['num_tasks_with_annotations']:,} of {info['task_number']:,} tasks of the project are "
                "annotated."
            ),
        )
        field = ask_exchanged_field(ctx, inputs, default=sent.field, more=(NEW_FIELD,))
        if field == NEW_FIELD:
            inputs.str("new_field", required=True, label="Name of the new field")
        inputs.bool(
            "replace",
            default=False,
            label="Replace labels that were changed here after they were sent",
            description="Without it they are kept, and shown to you",
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
            progress=progress,
        )
        kept = list(dict.fromkeys(conflict.item for conflict in report.conflicts))
        view = ctx.dataset.select(kept) if kept else None
        return Outcome(report.sentence(), reload_dataset=True, reload_samples=True, view=view)


def _ask_project(ctx: Any, inputs: types.Object, studio: LabelStudio) -> SentProject:
    """Let the user choose among the projects that were sent to."""
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
    """The project chosen, else the one that was sent to last; a ValueError with the mend if there is none."""
    sent = sent_projects(ctx.dataset, studio.url)
    if not sent:
        raise ValueError(
            f"No sample of this dataset was sent to {studio.url} yet: run “Labelscape: send to Label Studio” first."
        )
    return next((one for one in sent if str(one.project) == ctx.params.get("project")), sent[0])
