"""Parts of the form of “Next batch”: the earlier batches of a campaign, and the next one."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.campaigns import WORTH, ProposedBatch, campaign_status, propose_batch
from ..ml_backend.store.campaigns import find_campaign
from .asking import chosen_embeddings, chosen_label_field, embedded_patches_field
from .segment_forms import chosen_segment, existing_segments

BATCH_SIZE = 50


def show_earlier_batches(ctx: Any, inputs: types.Object) -> None:
    """Show how the earlier batches went, and offer to discard the last one."""
    campaign = find_campaign(ctx.dataset, chosen_segment(ctx, existing_segments(ctx)).slug)
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
            description="Its items can then be proposed again; labels stay as they are",
        )


def discards_last_batch(ctx: Any) -> bool:
    """Whether the form discards the last batch instead of proposing one."""
    return bool(ctx.params.get("discard_last"))


def propose_chosen_batch(ctx: Any) -> ProposedBatch:
    """The next batch for the segment, field, and size in a form."""
    embeddings = chosen_embeddings(ctx)
    return propose_batch(
        ctx.dataset,
        chosen_segment(ctx, existing_segments(ctx)).slug,
        embeddings=embeddings,
        field=chosen_label_field(ctx, embedded_patches_field(ctx, embeddings)).name,
        size=int(ctx.params.get("size", BATCH_SIZE)),
        target_labels=[str(label) for label in ctx.params.get("target_labels") or []],
        worth=float(ctx.params.get("worth", WORTH)),
    )


def classes_to_choose(names: list[str]) -> types.AutocompleteView:
    """A field for several labels that offers these and accepts others."""
    choices = types.AutocompleteView(allow_user_input=True, allow_duplicates=False)
    for name in names:
        choices.add_choice(name, label=name)
    return choices
