"""How a segment was made: described in words and, for a segment of a confusion, used to make it again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..wording import count

_RULE = "confusion"
_BY_HAND = "choice among a confusion"
Cell = tuple[str | None, str | None]  # the class of the label and that of the prediction, None where there is none


@dataclass(frozen=True)
class Selected:
    """Members that a person chose: ``how``, such as "selection" or "view", on the map ``map``, if any."""

    how: str = "selection"
    map: str | None = None

    def sentence(self, day: str) -> str:
        """In words."""
        where = f" on the map '{self.map}'" if self.map else ""
        return f"Made from a {self.how}{where} on {day}."


@dataclass(frozen=True)
class ConfusionRule:
    """Outcomes of comparing labels with predictions, by which the segment can be made again.

    ``whats`` are kinds of outcome and ``cells`` cells of the matrix as (label, prediction); ``members`` says which
    objects of an outcome became members. That many ``samples`` were compared: those of ``view`` (its stages as JSON;
    None = the whole dataset), unless it was ``too_large`` to keep. ``by_hand``: only some of the outcomes were taken.
    ``remade_from`` is the slug of the segment that this one was made again from.
    """

    truth_field: str
    prediction_field: str
    iou: float
    confidence: float
    whats: tuple[str, ...]
    cells: tuple[Cell, ...]
    members: str
    samples: int
    view: str | None = None
    too_large: bool = False
    by_hand: bool = False
    remade_from: str | None = None

    def sentence(self, day: str) -> str:
        """In words."""
        part = f", in a view of {count(self.samples, 'sample')}" if self.view or self.too_large else ""
        chosen = ", ".join([*self.whats, *map(_cell_in_words, self.cells)])
        return (
            f"Made on {day} from {chosen} of '{self.prediction_field}' against '{self.truth_field}' at IoU "
            f"{self.iou:g}, confidence {self.confidence:g}{part}."
        )


Origin = Selected | ConfusionRule


def record_of_origin(origin: Origin) -> dict[str, Any]:
    """An origin as a record of plain values."""
    if isinstance(origin, Selected):
        return {"by": origin.how, "map": origin.map}
    record = {**asdict(origin), "by": _BY_HAND if origin.by_hand else _RULE}
    del record["cells"]
    return {**record, "pairs": [list(one) for one in origin.cells]}


def origin_of_record(record: Mapping[str, Any]) -> Origin:
    """An origin from its record, also from one that an earlier version wrote."""
    if "truth_field" not in record:
        return Selected(how=str(record.get("by", "selection")), map=record.get("map"))
    view = record.get("view")
    return ConfusionRule(
        truth_field=record["truth_field"],
        prediction_field=record["prediction_field"],
        iou=record["iou"],
        confidence=record["confidence"],
        whats=tuple(record["whats"]),
        cells=_cells(record),
        members=record["members"],
        samples=record["samples"],
        view=None if view == "too large" else view,
        too_large=bool(record.get("too_large")) or view == "too large",
        by_hand=record.get("by") == _BY_HAND,
        remade_from=record.get("remade_from") or record.get("again"),
    )


def _cells(record: Mapping[str, Any]) -> tuple[Cell, ...]:
    if "pairs" in record:
        return tuple((truth, prediction) for truth, prediction in record["pairs"])
    # An earlier version wrote words where there was none.
    return tuple(
        (None if truth == "(no label)" else truth, None if prediction == "(no prediction)" else prediction)
        for truth, prediction in record["cells"]
    )


def _cell_in_words(cell: Cell) -> str:
    truth, prediction = cell
    if truth is None:
        return f"no label predicted as {prediction}"
    return f"label {truth} " + ("without prediction" if prediction is None else f"as {prediction}")
