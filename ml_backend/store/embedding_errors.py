"""Media that could not be embedded: the reason is stored on the sample, or on the object of a patch."""

from collections.abc import Mapping

import fiftyone as fo
import numpy as np

from .items import Items
from .scores import Score, read_words, score_path, write_scores

ERROR_FIELD = "embedding_error"


def record_errors(dataset: fo.Dataset, items: Items, reasons: Mapping[str, str | None]) -> None:
    """Write the reason of each failed item (by id); None clears it.

    Raises:
        Refusal: the field exists and is not Labelscape's.
    """
    rows = np.flatnonzero(np.isin(items.ids, list(reasons)))
    if not len(rows):
        return
    chosen = items.take(rows)
    write_scores(dataset, chosen, [Score(ERROR_FIELD, [reasons[item] for item in chosen.ids.tolist()])])


def failed_items(dataset: fo.Dataset, items: Items) -> set[str]:
    """IDs of the items whose last embedding failed."""
    if dataset.get_field(score_path(dataset, items.patches_field, ERROR_FIELD, items.parts)) is None:
        return set()
    reasons = read_words(dataset, items, ERROR_FIELD)
    return {item for item, reason in zip(items.ids.tolist(), reasons, strict=True) if reason is not None}
