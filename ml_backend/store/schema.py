"""Identity of fields: a field keeps it when renamed, and a new field of the same name has another one."""

import fiftyone as fo


def field_mark(dataset: fo.Dataset, name: str) -> str | None:
    """A mark that identifies a field of the samples for as long as it exists, whatever its name; None if it is missing.

    FiftyOne (1.22) keeps the time a field was made through a rename; fields of a clone share one time.
    """
    field = dataset.get_field(name)
    if field is None:
        return None
    document = getattr(field, "document_type", None)
    # MongoDB keeps milliseconds, of which a field that was just made knows more.
    at = field.created_at.isoformat(timespec="milliseconds") if field.created_at else ""
    return f"{type(field).__name__}/{getattr(document, '__name__', '')}/{at}"


def field_today(dataset: fo.Dataset, name: str, mark: str | None) -> str | None:
    """The current name of a field; None if it was deleted, or if another field has its name.

    ``mark`` is None where the field did not exist, or where an earlier version did not write its mark down.
    """
    if mark is None or field_mark(dataset, name) == mark:
        return name
    renamed = [other for other in dataset.get_field_schema() if field_mark(dataset, other) == mark]
    return renamed[0] if len(renamed) == 1 else None
