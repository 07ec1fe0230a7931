"""Menu entry “Send to Label Studio”: create tasks for samples, with their labels or suggestions as pre-annotations."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.send_to_label_studio import check_sendable, missing_classes, open_project, send, sent_before
from ..ml_backend.label_studio.config import read_label_config
from ..ml_backend.label_studio.exchange import check_fits
from ..ml_backend.wording import agree, listing, noun
from .label_studio_forms import ask_exchanged_field, chosen_exchanged_field, connected
from .running import LabelscapeOperator, Outcome, Progress
from .sending_forms import (
    NEW_PROJECT,
    ask_new_project,
    ask_project,
    ask_samples,
    chosen_samples,
    classes_of_field,
    field_of_target,
)


class SendToLabelStudio(LabelscapeOperator):
    """Create tasks for samples in a Label Studio project."""

    operator_name = "send_to_label_studio"
    label = "Labelscape: send to Label Studio"
    description = "Create tasks for samples in a Label Studio project, with their labels or suggestions filled in"
    icon = "outbox"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which samples and labels to send, and to which project."""
        check_sendable(ctx.dataset)
        studio = connected(ctx)
        samples = ask_samples(ctx, inputs)
        field = ask_exchanged_field(ctx, inputs, default=field_of_target(ctx))
        project = ask_project(ctx, inputs, studio)
        if project is None:
            ask_new_project(ctx, inputs, field)
            return
        config = project["label_config"]
        check_fits(read_label_config(config), ctx.dataset, field)
        before = sent_before(ctx.dataset, studio, project["id"], samples)
        if before:
            sent = f"{before:,} of them {agree(before, 'was')} sent there before"
            inputs.view("before", types.Notice(label=f"{sent} and will not be sent again."))
        missing = missing_classes(config, classes_of_field(ctx, field))
        if missing:
            names, classes = listing([f"“{name}”" for name in missing]), noun(len(missing), "class")
            them = "it" if len(missing) == 1 else "them"
            lacks = f"The project does not have the {classes} {names}"
            inputs.view("missing", types.Warning(label=f"{lacks}: labels of {them} are not sent."))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Send."""
        studio = connected(ctx)
        field = chosen_exchanged_field(ctx, default=field_of_target(ctx))
        chosen = ctx.params["project"]
        if chosen == NEW_PROJECT:
            classes = ctx.params.get("classes") or classes_of_field(ctx, field)
            project = open_project(ctx.dataset, studio, title=ctx.params["title"], field=field, classes=classes)
        else:
            project = int(chosen)
        report = send(ctx.dataset, chosen_samples(ctx), studio=studio, project=project, field=field, progress=progress)
        return Outcome(report.sentence())
