"""Accept suggestions: they become pending labels, with their confidence and the sample that they came from."""

from collections.abc import Sequence

import fiftyone as fo

from ..errors import Refusal
from ..store.items import items_of, list_items
from ..store.labels import DEFAULT_FIELD, LabelField, label_field
from ..store.proposals import Which as Which
from ..store.proposals import read_proposed_labels
from ..store.suggestions import Suggestion, read_suggestions
from ..wording import agree, count, listing, percent
from .queue import LabelBatch, QueueReport, queue_labels


def accept_suggestions(
    dataset: fo.Dataset,
    ids: Sequence[str] | None = None,
    *,
    which: Which = "confident",
    field: str = DEFAULT_FIELD,
    patches_field: str | None = None,
) -> QueueReport:
    """Turn suggestions, of one or several classes each, into pending labels, for these items or the whole dataset.

    Args:
        which: the "confident" ones, those that reach the target precision; the "uncertain" ones; or "all".

    Raises:
        Refusal: there are no suggestions.
    """
    target = label_field(dataset, field, patches_field)
    return queue_labels(dataset, target, suggested_batch(dataset, ids, target, which=which))


def suggested_batch(
    dataset: fo.Dataset, ids: Sequence[str] | None, target: LabelField, *, which: Which = "confident"
) -> LabelBatch:
    """The suggestions that `accept_suggestions` would accept, as labels.

    Raises:
        Refusal: there are no suggestions.
    """
    proposed = read_proposed_labels(dataset, ids, target, which=which)
    if not len(proposed):
        raise Refusal(_nothing_to_accept(dataset, ids, target, which))
    return LabelBatch(**vars(proposed))


def suggestions_above(
    dataset: fo.Dataset, ids: Sequence[str] | None, confidence: float, target: LabelField
) -> LabelBatch:
    """The suggestions of at least this confidence (0..1), of these items or of the whole dataset, as labels.

    Raises:
        Refusal: there is none; the message says how confident the most confident one is.
    """
    proposed = read_proposed_labels(dataset, ids, target, confidence=confidence)
    if len(proposed):
        return LabelBatch(**vars(proposed))
    suggestions = _suggestions(dataset, ids, target.patches_field)
    if not suggestions:
        raise Refusal("There are no suggestions to accept here: label a few of each class first.")
    highest = max(suggestion.confidence for suggestion in suggestions)
    raise Refusal(
        f"No suggestion here has a confidence of at least {percent(confidence)}: the highest is {percent(highest)}."
    )


def _suggestions(dataset: fo.Dataset, ids: Sequence[str] | None, patches_field: str | None) -> list[Suggestion]:
    items = list_items(dataset, patches_field) if ids is None else items_of(dataset, ids, patches_field)
    return [suggestion for suggestion in read_suggestions(dataset, items) if suggestion is not None]


def _nothing_to_accept(dataset: fo.Dataset, ids: Sequence[str] | None, target: LabelField, which: Which) -> str:
    """Say why there is nothing to accept, and which other suggestions there are, if any."""
    suggestions = _suggestions(dataset, ids, target.patches_field)
    chosen = [suggestion for suggestion in suggestions if which == "all" or suggestion.sure == (which == "confident")]
    if chosen:
        others = listing(sorted({f"'{suggestion.field}'" for suggestion in chosen}))
        return f"The suggestions here were made for {others}, not for '{target.name}': choose that field."
    if suggestions:
        kind = "uncertain" if which == "confident" else "confident"
        others = f"{count(len(suggestions), 'suggestion')} {agree(len(suggestions), 'is')} {kind}"
        return f"There are no {which} suggestions here: {others}."
    return "There are no suggestions to accept here: run “Labelscape: suggest labels” first."
