"""Menu entry “Next batch”: what a collection campaign should label next, and how its earlier batches went."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.campaigns import WORTH, discard_batch, take_batch
from ..ml_backend.wording import count
from .asking import ask_embeddings, ask_label_field, embedded_patches_field, known_classes, next_step
from .batch_forms import BATCH_SIZE, classes_to_choose, discards_last_batch, propose_chosen_batch, show_earlier_batches
from .running import LabelscapeOperator, Outcome, Progress
from .search_forms import show_hits
from .segment_forms import ask_segment, chosen_segment, existing_segments

_SHOWN = 12


class NextBatch(LabelscapeOperator):
    """Propose the next batch of a campaign."""

    operator_name = "next_batch"
    label = "Labelscape: next batch"
    description = "Collect more samples like those of a segment: a diverse batch of unlabeled samples to label next"
    icon = "playlist_add"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the segment and the size, report on earlier batches, and show the first items of the next one."""
        segments = existing_segments(ctx)
        ask_segment(inputs, segments)
        show_earlier_batches(ctx, inputs)
        if discards_last_batch(ctx):
            return
        embeddings = ask_embeddings(ctx, inputs)
        field = ask_label_field(ctx, inputs, embedded_patches_field(ctx, embeddings))
        inputs.list(
            "target_labels",
            types.String(),
            label="Target labels",
            description="Empty = the labels of its members",
            view=classes_to_choose(known_classes(ctx.dataset, field)),
        )
        inputs.float(
            "worth",
            default=WORTH,
            min=0.0,
            max=1.0,
            label="Stop below this share",
            description="The lowest share of target labels that makes labeling a batch worthwhile",
        )
        inputs.int("size", default=BATCH_SIZE, min=1, max=10_000, label="How many")
        proposed = propose_chosen_batch(ctx)
        show_hits(ctx, inputs, "first", "The first of them", proposed.hits[:_SHOWN], proposed.patches_field)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Take the batch and show it, or discard the last one."""
        if discards_last_batch(ctx):
            segment = chosen_segment(ctx, existing_segments(ctx))
            batch = discard_batch(ctx.dataset, segment.slug)
            items = count(len(batch.ids), segment.noun)
            return Outcome(
                f"Discarded batch {batch.number}: its {items} can be proposed again. Labels stay as they are."
            )
        proposed = propose_chosen_batch(ctx)
        batch = take_batch(ctx.dataset, proposed)
        steps = [
            next_step(f"{words} …", operator, proposed.ids, proposed.patches_field)
            for words, operator in (("Send it to Label Studio", "send_to_label_studio"), ("Label it here", "set_label"))
        ]
        message = f"Batch {batch.number}: {proposed.sentence()} Run this again to see how it went."
        return Outcome(message, view=proposed.view, next_steps=steps)
