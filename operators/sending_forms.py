"""Parts of the form of “Send to Label Studio”: which samples to send, and to which project."""

from collections.abc import Sequence
from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.send_to_label_studio import TITLE_LENGTHS
from ..ml_backend.errors import Refusal
from ..ml_backend.label_studio.client import LabelStudio
from ..ml_backend.label_studio.exchange import exchanged_field, exchanged_fields
from ..ml_backend.label_studio.projects import sent_projects
from ..ml_backend.store.items import items_of, list_items
from ..ml_backend.store.segment_records import load_segment
from ..ml_backend.store.segments import list_segments, members
from ..ml_backend.wording import count
from .asking import NAMED, chosen_patches, known_classes
from .running import target_view

_CURRENT = "current"
NEW_PROJECT = "new"


def ask_samples(ctx: Any, inputs: types.Object) -> list[str]:
    """Let the user choose a segment instead of the selection or the view; return the sample IDs."""
    segments = list_segments(ctx.dataset)
    if segments:
        choices = types.Choices()
        choices.add_choice(_CURRENT, label="The selection, or else the current view")
        for segment in segments:
            choices.add_choice(segment.slug, label=f"The segment “{segment.name}”")
        inputs.enum("segment", choices.values(), view=choices, default=_CURRENT, label="What to send")
    samples = chosen_samples(ctx)
    inputs.view("target", types.Notice(label=f"{count(len(samples), 'sample')} to send."))
    return samples


def chosen_samples(ctx: Any) -> list[str]:
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


def field_of_target(ctx: Any) -> str | None:
    """The field of the objects being sent; None if whole samples are sent."""
    segment = ctx.params.get("segment") or _CURRENT
    if segment != _CURRENT:
        return next(iter(load_segment(ctx.dataset, segment).fields), None)
    if ctx.view is not None and ctx.view._is_patches:
        fields = exchanged_fields(ctx.dataset)
        return next((name for name in ctx.view.get_field_schema() if name in fields), None)
    return None


def ask_project(ctx: Any, inputs: types.Object, studio: LabelStudio) -> dict[str, Any] | None:
    """Let the user choose a project, by default the last one used; None for a new one."""
    projects = {str(project["id"]): project for project in studio.projects()}
    used = [str(sent.project) for sent in sent_projects(ctx.dataset, studio.url) if str(sent.project) in projects]
    choices = types.Choices()
    choices.add_choice(NEW_PROJECT, label="A new project")
    for number, project in projects.items():
        choices.add_choice(number, label=f"{project['title']} ({number})")
    default = next(iter(used), NEW_PROJECT)
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
    if chosen != NEW_PROJECT and chosen not in projects:
        raise Refusal(f"Project {chosen} is no longer in {studio.url}: choose another one.")
    return projects.get(chosen)


def ask_new_project(ctx: Any, inputs: types.Object, field: str) -> None:
    """Ask for the title and the classes of a new project."""
    shortest, longest = TITLE_LENGTHS
    title = inputs.str("title", default=f"{ctx.dataset.name} {field}"[:longest], required=True, label="Title")
    if not shortest <= len(ctx.params.get("title") or " " * shortest) <= longest:
        title.invalid = True
        title.error_message = f"A title has {shortest} to {longest} characters"
    inputs.list(
        "classes",
        types.String(),
        default=classes_of_field(ctx, field),
        label="Classes to choose from",
        view=types.AutocompleteView(allow_user_input=True, allow_duplicates=False),
    )


def classes_of_field(ctx: Any, field: str) -> Sequence[str]:
    """The classes used in a label field or declared for it."""
    return known_classes(ctx.dataset, exchanged_field(ctx.dataset, field))
