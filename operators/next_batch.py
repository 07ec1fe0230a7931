"""Menu entry “Next batch”: what a collection campaign should label next, and how its earlier batches went."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.campaigns import (
    WORTH,
    ProposedBatch,
    campaign_status,
    discard_batch,
    propose_batch,
    take_batch,
)
from ..ml_backend.store.campaigns import find_campaign
from ..ml_backend.wording import count
from .asking import (
    ask_embeddings,
    ask_label_field,
    chosen_embeddings,
    chosen_label_field,
    embedded_patches_field,
    known_classes,
    next_step,
)
from .running import LabelscapeOperator, Outcome, Progress
from .search_forms import show_hits
from .segment_forms import ask_segment, chosen_segment, some_segments

_SIZE = 50
_SHOWN = 12


class NextBatch(LabelscapeOperator):
    """Propose the next batch of a campaign."""

    operator_name = "next_batch"
    label = "Labelscape: next batch"
    description = "Collect more samples like those of a segment: a diverse batch of unlabeled samples to label next"
    icon = "playlist_add"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the segment and the size, report on earlier batches, and show the first items of the next one."""
        segments = some_segments(ctx)
        ask_segment(inputs, segments)
        _report(ctx, inputs)
        if _discards(ctx):
            return
        embeddings = ask_embeddings(ctx, inputs)
        field = ask_label_field(ctx, inputs, embedded_patches_field(ctx, embeddings))
        inputs.list(
            "target_labels",
            types.String(),
            label="Target labels",
            description="Empty = the labels of its members",
            view=_classes_to_choose(known_classes(ctx.dataset, field)),
        )
        inputs.float(
            "worth",
            default=WORTH,
            min=0.0,
            max=1.0,
            label="Stop below this share",
            description="The lowest share of target labels that makes labeling a batch worthwhile",
        )
        inputs.int("size", default=_SIZE, min=1, max=10_000, label="How many")
        proposed = _propose(ctx)
        show_hits(ctx, inputs, "first", "The first of them", proposed.hits[:_SHOWN], proposed.patches_field)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Take the batch and show it, or discard the last one."""
        if _discards(ctx):
            segment = chosen_segment(ctx, some_segments(ctx))
            batch = discard_batch(ctx.dataset, segment.slug)
            items = count(len(batch.ids), segment.noun)
            return Outcome(
                f"Discarded batch {batch.number}: its {items} can be proposed again. Labels stay as they are."
            )
        proposed = _propose(ctx)
        batch = take_batch(ctx.dataset, proposed)
        steps = [
            next_step(f"{words} …", operator, proposed.ids, proposed.patches_field)
            for words, operator in (("Send it to Label Studio", "send_to_label_studio"), ("Label it here", "set_label"))
        ]
        message = f"Batch {batch.number}: {proposed.sentence()} Run this again to see how it went."
        return Outcome(message, view=proposed.view, next_steps=steps)


def _report(ctx: Any, inputs: types.Object) -> None:
    """How the earlier batches went, and a choice to discard the last one."""
    campaign = find_campaign(ctx.dataset, chosen_segment(ctx, some_segments(ctx)).slug)
    if campaign is None:
        return
    status = campaign_status(ctx.dataset, campaign.segment)
    view = types.Warning(label=status.sentence()) if status.stop else types.Notice(label=status.sentence())
    inputs.view("status", view)
    if campaign.batches:
        inputs.bool(
            "discard_last",
            default=False,
            label=f"Discard batch {campaign.batches[-1].number} instead",
            description="What it holds can then be proposed again; labels stay as they are",
        )


def _discards(ctx: Any) -> bool:
    return bool(ctx.params.get("discard_last"))


def _propose(ctx: Any) -> ProposedBatch:
    embeddings = chosen_embeddings(ctx)
    return propose_batch(
        ctx.dataset,
        chosen_segment(ctx, some_segments(ctx)).slug,
        embeddings=embeddings,
        field=chosen_label_field(ctx, embedded_patches_field(ctx, embeddings)).name,
        size=int(ctx.params.get("size", _SIZE)),
        target_labels=[str(one) for one in ctx.params.get("target_labels") or []],
        worth=float(ctx.params.get("worth", WORTH)),
    )


def _classes_to_choose(names: list[str]) -> types.AutocompleteView:
    choices = types.AutocompleteView(allow_user_input=True, allow_duplicates=False)
    for name in names:
        choices.add_choice(name, label=name)
    return choices
