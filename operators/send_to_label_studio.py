"""Menu entry “Send to Label Studio”: create tasks for samples, with their labels or suggestions as pre-annotations."""

from collections.abc import Sequence
from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.send_to_label_studio import (
    TITLE_LENGTHS,
    check_sendable,
    missing_classes,
    open_project,
    send,
    sent_before,
)
from ..ml_backend.errors import Refusal
from ..ml_backend.label_studio.client import LabelStudio
from ..ml_backend.label_studio.config import read_label_config
from ..ml_backend.label_studio.exchange import check_fits, exchanged_field, exchanged_fields
from ..ml_backend.label_studio.projects import sent_projects
from ..ml_backend.store.items import items_of, list_items
from ..ml_backend.store.segment_records import load_segment
from ..ml_backend.store.segments import list_segments, members
from ..ml_backend.wording import agree, count, listing, noun
from .asking import NAMED, chosen_patches, known_classes
from .label_studio_forms import ask_exchanged_field, chosen_exchanged_field, connected
from .running import LabelscapeOperator, Outcome, Progress, target_view

_CURRENT = "current"
_NEW = "new"


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
        samples = _ask_samples(ctx, inputs)
        field = ask_exchanged_field(ctx, inputs, default=_field_of_target(ctx))
        project = _ask_project(ctx, inputs, studio)
        if project is None:
            _ask_new_project(ctx, inputs, field)
            return
        config = project["label_config"]
        check_fits(read_label_config(config), ctx.dataset, field)
        before = sent_before(ctx.dataset, studio, project["id"], samples)
        if before:
            sent = f"{before:,} of them {agree(before, 'was')} sent there before"
            inputs.view("before", types.Notice(label=f"{sent} and will not be sent again."))
        missing = missing_classes(config, _classes(ctx, field))
        if missing:
            names, classes = listing([f"“{name}”" for name in missing]), noun(len(missing), "class")
            them = "it" if len(missing) == 1 else "them"
            lacks = f"The project does not have the {classes} {names}"
            inputs.view("missing", types.Warning(label=f"{lacks}: labels of {them} are not sent."))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Send."""
        studio = connected(ctx)
        field = chosen_exchanged_field(ctx, default=_field_of_target(ctx))
        chosen = ctx.params["project"]
        if chosen == _NEW:
            classes = ctx.params.get("classes") or _classes(ctx, field)
            project = open_project(ctx.dataset, studio, title=ctx.params["title"], field=field, classes=classes)
        else:
            project = int(chosen)
        report = send(ctx.dataset, _samples(ctx), studio=studio, project=project, field=field, progress=progress)
        return Outcome(report.sentence())


def _ask_samples(ctx: Any, inputs: types.Object) -> list[str]:
    """Let the user choose a segment instead of the selection or the view; return the sample IDs."""
    segments = list_segments(ctx.dataset)
    if segments:
        choices = types.Choices()
        choices.add_choice(_CURRENT, label="The selection, or else the current view")
        for segment in segments:
            choices.add_choice(segment.slug, label=f"The segment “{segment.name}”")
        inputs.enum("segment", choices.values(), view=choices, default=_CURRENT, label="What to send")
    samples = _samples(ctx)
    inputs.view("target", types.Notice(label=f"{count(len(samples), 'sample')} to send."))
    return samples


def _samples(ctx: Any) -> list[str]:
    """IDs of the samples in the chosen segment, or else of those passed, selected, in the view, or in the dataset."""
    segment = ctx.params.get("segment") or _CURRENT
    if segment != _CURRENT:
        view = members(ctx.dataset, load_segment(ctx.dataset, segment))
        return [str(sample) for sample in view.values("id")]
    if ctx.params.get(NAMED):
        items = items_of(ctx.dataset, ctx.params[NAMED], chosen_patches(ctx))
    else:
        items = list_items(target_view(ctx))
    return list(dict.fromkeys(items.sample_ids.tolist()))


def _field_of_target(ctx: Any) -> str | None:
    """The field of the objects being sent; None if whole samples are sent."""
    segment = ctx.params.get("segment") or _CURRENT
    if segment != _CURRENT:
        return next(iter(load_segment(ctx.dataset, segment).fields), None)
    if ctx.view is not None and ctx.view._is_patches:
        fields = exchanged_fields(ctx.dataset)
        return next((name for name in ctx.view.get_field_schema() if name in fields), None)
    return None


def _ask_project(ctx: Any, inputs: types.Object, studio: LabelStudio) -> dict[str, Any] | None:
    """Let the user choose a project, by default the last one used; None for a new one."""
    projects = {str(project["id"]): project for project in studio.projects()}
    used = [str(sent.project) for sent in sent_projects(ctx.dataset, studio.url) if str(sent.project) in projects]
    choices = types.Choices()
    choices.add_choice(_NEW, label="A new project")
    for number, project in projects.items():
        choices.add_choice(number, label=f"{project['title']} ({number})")
    default = next(iter(used), _NEW)
    inputs.enum(
        "project",
        choices.values(),
        view=choices,
        default=default,
        required=True,
        label="Project",
        description=f"In {studio.url}",
    )
    chosen = ctx.params.get("project") or default
    if chosen != _NEW and chosen not in projects:
        raise Refusal(f"Project {chosen} is no longer in {studio.url}: choose another one.")
    return projects.get(chosen)


def _ask_new_project(ctx: Any, inputs: types.Object, field: str) -> None:
    shortest, longest = TITLE_LENGTHS
    title = inputs.str("title", default=f"{ctx.dataset.name} {field}"[:longest], required=True, label="Title")
    if not shortest <= len(ctx.params.get("title") or " " * shortest) <= longest:
        title.invalid = True
        title.error_message = f"A title has {shortest} to {longest} characters"
    inputs.list(
        "classes",
        types.String(),
        default=_classes(ctx, field),
        label="Classes to choose from",
        view=types.AutocompleteView(allow_user_input=True, allow_duplicates=False),
    )


def _classes(ctx: Any, field: str) -> Sequence[str]:
    return known_classes(ctx.dataset, exchanged_field(ctx.dataset, field))
