"""Selections on the map: which rows they contain, and the view stage that shows them in the samples grid."""

import base64
from collections.abc import Mapping
from typing import Any

import fiftyone as fo
import fiftyone.core.stages as fos
import numpy as np

from ....ml_backend.errors import Refusal
from ....ml_backend.store.items import FRAMES, is_parts
from .field_values import FieldSource, field_source
from .label_states import LabelRows
from .map_rows import MapRows

MOST_IDS = 500_000  # ids that a query of MongoDB holds with room to spare: 16 MB at about 20 bytes each


def selected_rows(ask: Mapping[str, Any], n: int) -> np.ndarray:
    """Rows (m,) int64 of a `Selection` or `RowsRef`, in the order they were sent.

    Raises:
        Refusal: a row outside the map.
    """
    if ask.get("bits") is not None:
        packed = np.frombuffer(base64.b64decode(ask["bits"]), np.uint8)
        if len(packed) * 8 < n:
            raise Refusal(f"The selection names {len(packed) * 8:,} rows, but the map has {n:,}: select again.")
        return np.flatnonzero(np.unpackbits(packed, bitorder="little")[:n])
    return checked_rows(np.asarray(ask.get("rows") or [], np.int64), n)


def checked_rows(rows: np.ndarray, n: int) -> np.ndarray:
    """The rows themselves; a Refusal unless all of them are on the map."""
    if len(rows) and not (rows.min() >= 0 and rows.max() < n):
        raise Refusal(f"Row {rows.max() if rows.max() >= n else rows.min()} is not on the map of {n:,}: select again.")
    return rows


def grid_stage(
    dataset: fo.Dataset,
    view: fo.DatasetView,
    rows: MapRows,
    labels: LabelRows,
    selected: np.ndarray,
    how: Mapping[str, Any],
) -> dict[str, Any] | None:
    """The stage that shows the selected rows in the App's grid; of constant size where that says the same.

    Args:
        view: what the App shows, of samples or of patches
        how: `SelectionHow` of contract.ts

    Raises:
        Refusal: too many rows to list, and no stage that says the same.
    """
    if not len(selected):
        return None
    stage = _constant_stage(dataset, view, rows, labels, selected, how) or _excluding_stage(
        dataset, view, rows, labels, selected
    )
    return _as_the_app_takes_it(stage) if stage is not None else listing_stage(view, rows, selected)


def listing_stage(
    view: fo.DatasetView, rows: MapRows, selected: np.ndarray, *, ordered: bool = False
) -> dict[str, Any] | None:
    """The stage that lists the selected rows one by one; None for none.

    Args:
        ordered: keep their order, where the view shows what the rows are

    Raises:
        Refusal: too many rows to list.
    """
    return _as_the_app_takes_it(_listing_stage(view, rows, selected, ordered)) if len(selected) else None


def _as_the_app_takes_it(stage: fos.ViewStage) -> dict[str, Any]:
    serialized = stage._serialize(include_uuid=False)
    return {serialized["_cls"]: dict(serialized["kwargs"])}


def _constant_stage(
    dataset: fo.Dataset,
    view: fo.DatasetView,
    rows: MapRows,
    labels: LabelRows,
    selected: np.ndarray,
    how: Mapping[str, Any],
) -> fos.ViewStage | None:
    if rows.patches_field is not None or view._is_generated:
        return None
    if how["kind"] == "polygon" and rows.points_field is not None and dataset.has_field(rows.points_field):
        polygon = [[float(x), float(y)] for x, y in how["points"]]
        return fos.Mongo([{"$match": {rows.points_field: {"$geoWithin": {"$polygon": polygon}}}}])
    if how["kind"] == "value":
        source = field_source(dataset, how["field"], rows.root)
        if source.kind == "categorical" and not source.listed and _is_saved(source, labels, selected, how["value"]):
            return fos.Match({source.path: _value_filter(source, how["value"])})
    return None


def _excluding_stage(
    dataset: fo.Dataset, view: fo.DatasetView, rows: MapRows, labels: LabelRows, selected: np.ndarray
) -> fos.ViewStage | None:
    """A stage that excludes the other rows, if these are fewer and the map holds every sample of the dataset."""
    if rows.patches_field is not None or view._is_generated:
        return None
    left = labels.present.copy()
    left[selected] = False
    rest = np.flatnonzero(left)
    if len(rest) >= len(selected) or len(rest) > MOST_IDS or int(labels.present.sum()) != dataset.count():
        return None
    return fos.Exclude(rows.names(rest))


def _is_saved(source: FieldSource, labels: LabelRows, selected: np.ndarray, value: str | None) -> bool:
    """Whether the database holds what the map shows; pending labels are only on the map."""
    if source.path != f"{labels.field.path}.label":
        return True
    code = -1 if value is None else labels.classes.index(value) if value in labels.classes else -2
    return np.array_equal(np.flatnonzero((labels.saved_codes == code) & labels.present), np.sort(selected))


def _value_filter(source: FieldSource, value: str | None) -> Any:
    if value is None:
        return {"$in": [None, ""]}
    return value == "true" if source.boolean else value


def _listing_stage(view: fo.DatasetView, rows: MapRows, selected: np.ndarray, ordered: bool) -> fos.ViewStage:
    if len(selected) > MOST_IDS:
        raise Refusal(
            f"The selection of {len(selected):,} is kept, but the grid cannot list more than {MOST_IDS:,} one by one. "
            "It can follow a class chosen in the legend, or a lasso on a complete 2D map that has a spatial index (an "
            "option of “Compute map” in the App's menu)."
        )
    if shows_rows(view, rows):
        return fos.Select(rows.names(selected), ordered=ordered)
    if rows.patches_field == FRAMES and not view._is_generated:
        return fos.SelectFrames(rows.names(selected))
    if rows.patches_field is not None and not rows.in_frames and not view._is_generated:
        return fos.MatchLabels(ids=rows.names(selected), fields=[rows.patches_field])
    key = "sample_id" if view._is_generated else "id"
    return fos.SelectBy(key, list(dict.fromkeys(rows.sample_names(selected))))


def shows_rows(view: fo.DatasetView, rows: MapRows) -> bool:
    """Whether the documents of a view are what the rows of a map are: samples, patches, frames, or clips."""
    if rows.patches_field is None:
        return not view._is_generated
    if rows.patches_field == FRAMES:
        return bool(view._is_frames and not view._is_patches)
    return bool(view._is_clips if is_parts(view._root_dataset, rows.patches_field) else view._is_patches)
