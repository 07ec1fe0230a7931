"""The regions inside tasks, in a project that labels regions: boxes of images, or windows of recordings and series."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Refusal
from ..label_studio.mirror import Mirror
from ..store.items import Items, as_ids, items_of, list_items
from ..store.labels import read_labels
from ..wording import agree, count


@dataclass(frozen=True)
class RegionPlace:
    """Where a region is in its task: its ID there, and its box, relative [x, y, width, height].

    The ID of a window says when it begins and ends, in seconds.
    """

    id: str
    box: list[float]


def regions_of_samples(mirror: Mirror, samples: Sequence[str]) -> Items:
    """The regions of these samples."""
    return list_items(mirror.dataset.select(list(samples)), mirror.field)


def items_in_mirror(mirror: Mirror, ids: Sequence[str]) -> Items:
    """These samples, or, in a project that labels regions, these regions; deleted ones are left out."""
    if mirror.patches_field is None:
        samples = as_ids(ids)
        return Items(samples, samples)
    return items_of(mirror.dataset, list(ids), mirror.patches_field)


def places_of(mirror: Mirror, items: Items) -> dict[str, RegionPlace]:
    """Region → its place in its task; regions that were drawn in FiftyOne are in no task."""
    path = mirror.target.path
    view = mirror.dataset.select(list(dict.fromkeys(items.sample_ids.tolist())))
    columns = view.values([f"{path}.id", f"{path}.region", f"{path}.bounding_box"])
    return {
        item: RegionPlace(region, [round(side, 4) for side in box])
        for ids, regions, boxes in zip(*columns, strict=True)
        for item, region, box in zip(ids or [], regions or [], boxes or [], strict=True)
        if region is not None
    }


def labels_of(mirror: Mirror, items: Items) -> list[str | None]:
    """The label of each item; None if it has none."""
    labels = read_labels(mirror.dataset, items, mirror.target)
    return [labels.classes[code] if code >= 0 else None for code in labels.codes.tolist()]


def regions_to_spread(mirror: Mirror, samples: Sequence[str], label: str, region: str) -> list[str]:
    """The regions of these samples that a label spreads from: the one that was chosen, or those that have the label.

    Raises:
        Refusal: there is none
    """
    if region:
        if region not in regions_of_samples(mirror, samples).ids:
            raise Refusal("The selected region no longer exists: open the task again.")
        return [region]
    seeds = _labeled(mirror, samples, label)
    if not seeds:
        raise Refusal(
            f"The {count(len(samples), 'selected task')} {agree(len(samples), 'has')} no region labeled “{label}”: "
            "label one and submit it, or choose a region in the panel on a task."
        )
    return seeds


def _labeled(mirror: Mirror, samples: Sequence[str], label: str) -> list[str]:
    items = regions_of_samples(mirror, samples)
    return [item for item, known in zip(items.ids.tolist(), labels_of(mirror, items), strict=True) if known == label]
