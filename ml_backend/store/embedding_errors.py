"""Media that could not be embedded: the reason stays on the sample, or on the object of a patch."""

from collections.abc import Mapping

import fiftyone as fo

from .items import label_path

ERROR_FIELD = "embedding_error"


def record_errors(dataset: fo.Dataset, reasons: Mapping[str, str | None], patches_field: str | None) -> None:
    """Write the reason of each failed item (by id); None clears it."""
    if not reasons:
        return
    if patches_field is None:
        if not dataset.has_sample_field(ERROR_FIELD):
            dataset.add_sample_field(
                ERROR_FIELD, fo.StringField, description="Why Labelscape could not embed this sample's file"
            )
        dataset.set_values(ERROR_FIELD, dict(reasons), key_field="id")
    else:
        dataset.set_label_values(f"{label_path(dataset, patches_field)}.{ERROR_FIELD}", dict(reasons), dynamic=True)


def failed_items(dataset: fo.Dataset, patches_field: str | None) -> set[str]:
    """Ids of the items whose last embedding failed."""
    if patches_field is None:
        if not dataset.has_sample_field(ERROR_FIELD):
            return set()
        return set(dataset.exists(ERROR_FIELD).values("id"))
    root = label_path(dataset, patches_field)
    ids, reasons = dataset.values([f"{root}.id", f"{root}.{ERROR_FIELD}"], unwind=True)
    return {item for item, reason in zip(ids, reasons, strict=True) if reason is not None}
