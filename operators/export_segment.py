"""Menu entry “Export segment”: write it to a folder as FiftyOne dataset, COCO or CSV."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.segments import export_segment
from ..ml_backend.wording import count
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_segment, chosen_segment, existing_segments

_FORMATS = {
    "fiftyone": "FiftyOne dataset, with media",
    "coco": "COCO, with media; boxes of one field",
    "csv": "CSV, one row per member",
}


class ExportSegment(LabelscapeOperator):
    """Write a segment to a folder on the server."""

    operator_name = "export_segment"
    label = "Labelscape: export segment"
    description = "Write a segment to a folder as a FiftyOne dataset, COCO, or CSV"
    icon = "ios_share"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the segment, the format, and the folder."""
        ask_segment(inputs, existing_segments(ctx))
        formats = types.RadioGroup()
        for name, text in _FORMATS.items():
            formats.add_choice(name, label=text)
        inputs.enum("format", formats.values(), view=formats, default="fiftyone", label="Format")
        if ctx.params.get("format") == "coco":
            inputs.str("label_field", label="Field of boxes", description="Empty = the field of the segment's objects")
        inputs.str(
            "folder", required=True, label="Folder", description="A new folder on the machine where FiftyOne runs"
        )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Write it."""
        segment = chosen_segment(ctx, existing_segments(ctx))
        progress(0.1, f"Writing {count(segment.size, segment.noun)}")
        folder = export_segment(
            ctx.dataset,
            slug=segment.slug,
            folder=ctx.params["folder"],
            format=ctx.params.get("format", "fiftyone"),
            label_field=ctx.params.get("label_field") or None,
        )
        return Outcome(f"Wrote {count(segment.size, segment.noun)} of “{segment.name}” to {folder}.")
