"""Suggestions that a person chose, such as by “Label neighbors” as predictions: they stay until the item is labeled."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import fiftyone as fo

from .items import items_of
from .labels import LabelField, read_labels
from .records import delete_records, open_store, read_records, timely_key
from .suggestions import Suggestion, write_suggestions

_STORE = "labelscape.chosen_suggestions"
_CHOSEN = "chosen:"


@dataclass(frozen=True)
class ChosenSuggestion:
    """A label chosen for an item, its confidence (0..1), and the item whose label it follows, "" for none."""

    label: str
    confidence: float
    anchor: str


def remember_chosen(dataset: fo.Dataset, chosen: Mapping[str, ChosenSuggestion]) -> str:
    """Store suggestions chosen for items; returns the key by which `forget_chosen` forgets them."""
    key = f"{_CHOSEN}{timely_key()}"
    open_store(dataset, _STORE).set(key, {item: asdict(choice) for item, choice in chosen.items()})
    return key


def forget_chosen(dataset: fo.Dataset, key: str) -> int:
    """Forget suggestions that were chosen at one time; returns their number."""
    forgotten = read_records(dataset, _STORE, prefix=_CHOSEN).get(key, {})
    delete_records(dataset, _STORE, [key])
    return len(forgotten)


def restore_chosen(dataset: fo.Dataset, field: LabelField) -> Sequence[str]:
    """Write the chosen suggestions of items that are still unlabeled; returns the samples that changed.

    The latest choice for an item counts. Call it after suggestions were made again.
    """
    records = read_records(dataset, _STORE, prefix=_CHOSEN)
    chosen = {item: choice for key in sorted(records) for item, choice in records[key].items()}
    if not chosen:
        return []
    items = items_of(dataset, list(chosen), field.patches_field)
    items = items.take(read_labels(dataset, items, field).unlabeled)
    suggestions = [
        Suggestion(
            label=(one := ChosenSuggestion(**chosen[item])).label,
            confidence=one.confidence,
            sure=True,
            anchors=[one.anchor] if one.anchor else [],
            field=field.name,
        )
        for item in items.ids.tolist()
    ]
    return write_suggestions(dataset, items, suggestions)
