"""Parts of forms that the segment operators share."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.errors import Refusal
from ..ml_backend.store.items import Items, as_ids
from ..ml_backend.store.segment_records import SEGMENT_KINDS, Segment
from ..ml_backend.store.segments import list_segments
from ..ml_backend.wording import count
from .asking import target_items
from .running import NextStep, target_view


def segments_of(ctx: Any, noun: str) -> list[Segment]:
    """The segments of samples, of objects, or of frames."""
    return [segment for segment in list_segments(ctx.dataset) if segment.noun == noun]


def existing_segments(ctx: Any) -> list[Segment]:
    """The segments of the dataset. Raises a Refusal that says what to do if there are none."""
    segments = list_segments(ctx.dataset)
    if not segments:
        raise Refusal("This dataset has no segment yet: run “Labelscape: create segment” first.")
    return segments


def ask_segment(
    inputs: types.Object, segments: list[Segment], *, name: str = "segment", label: str = "Segment"
) -> None:
    """Let the user choose a segment by its name, size, and kind."""
    choices = types.Choices()
    for segment in segments:
        choices.add_choice(
            segment.slug, label=segment.name, description=f"{count(segment.size, segment.noun)}, {segment.kind}"
        )
    inputs.enum(name, choices.values(), view=choices, default=segments[-1].slug, required=True, label=label)


def chosen_segment(ctx: Any, segments: list[Segment]) -> Segment:
    """The chosen segment, else the newest."""
    slug = ctx.params.get("segment")
    return next((segment for segment in segments if segment.slug == slug), segments[-1])


def ask_new_segment(inputs: types.Object, *, kind: str = SEGMENT_KINDS[0], note: str = "") -> None:
    """Ask for name, kind, and note."""
    inputs.str("name", required=True, label="Name")
    kinds = types.RadioGroup(orientation="horizontal")
    for kind in SEGMENT_KINDS:
        kinds.add_choice(kind, label=kind)
    inputs.enum("kind", kinds.values(), view=kinds, default=kind, label="Kind")
    inputs.str("note", label="Note", default=note, view=types.TextFieldView())


def segment_items(ctx: Any, patches_field: str | None) -> Items:
    """The selected items; if whole samples are needed but the grid shows patches, the samples of the patches."""
    view = target_view(ctx)
    if patches_field is None and view._is_patches:
        ids = as_ids(list(dict.fromkeys(view.values("sample_id"))))
        return Items(ids, ids)
    return target_items(ctx, patches_field)


def relabeling_step(segment: Segment) -> NextStep:
    """A button to send a segment to Label Studio for relabeling."""
    return NextStep("Send it to Label Studio for relabeling …", "send_to_label_studio", {"segment": segment.slug})
