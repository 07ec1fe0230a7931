"""Menu entry “Make cards”: draw a picture for each audio, time series, or text sample."""

from typing import Any

import fiftyone as fo
from fiftyone.operators import types

from ..ml_backend.actions.import_media import make_cards
from ..ml_backend.store.medium_fields import CARRIED, medium_field
from .running import LabelscapeOperator, Outcome, Progress

_OWN_FILES = "the samples' own files"
_HINTS = {
    "audio": "A spectrogram of each recording",
    "series": "The channels of each CSV, Parquet, or .npy file, drawn as lines",
    "text": "The first lines of each text",
}


class MakeCards(LabelscapeOperator):
    """Give samples cards."""

    operator_name = "make_cards"
    label = "Labelscape: make cards for audio, series, or text"
    description = (
        "Give every sample a picture of its recording, time series, or text; models then read the original medium"
    )
    icon = "art_track"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the kind of medium and where it is."""
        carried = medium_field(ctx.dataset)
        if carried is not None:
            note = f"The field “{carried.name}” holds the {carried.kind} of this dataset: missing cards will be drawn."
            inputs.view("known", types.Notice(label=note))
            return
        kinds = types.RadioGroup()
        for kind in CARRIED:
            kinds.add_choice(kind, label=kind, description=_HINTS[kind])
        inputs.enum("kind", kinds.values(), view=kinds, default=CARRIED[0], label="Kind of medium")
        texts = [name for name in ctx.dataset.get_field_schema(ftype=fo.StringField) if name != "filepath"]
        choices = texts if ctx.dataset.media_type == "image" else [_OWN_FILES, *texts]
        inputs.enum(
            "field",
            choices,
            default=choices[0] if choices else None,
            required=True,
            label="Where it is",
            description="The field with the paths or the texts. The card becomes each sample's image",
        )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Draw the cards."""
        carried = medium_field(ctx.dataset)
        if carried is not None:
            report = make_cards(ctx.dataset, carried.kind, field=carried.name, progress=progress)
        else:
            field = ctx.params.get("field")
            kind = ctx.params.get("kind", CARRIED[0])
            report = make_cards(ctx.dataset, kind, field=None if field == _OWN_FILES else field, progress=progress)
        return Outcome(report.sentence(), reload_dataset=True)
