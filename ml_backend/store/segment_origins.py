"""How a segment was made: described in words and, for a segment of a confusion, used to make it again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
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

    Attributes:
        truth_field: the field with the labels.
        prediction_field: the field with the predictions.
        iou: 0 to 1, from which IoU on a prediction matches an object.
        confidence: 0 to 1, from which confidence on predictions count.
        outcomes: the kinds of outcome, such as "false positives".
        cells: cells of the confusion matrix, as (label, prediction).
        members: which objects of an outcome became members.
        samples: how many samples were compared.
        view: their view, its stages as JSON; None for the whole dataset.
        too_large: whether the view was too large to store.
        by_hand: whether only some of the outcomes were taken.
        remade_from: the slug of the segment that this one was made again from.
    """

    truth_field: str
    prediction_field: str
    iou: float
    confidence: float
    outcomes: tuple[str, ...]
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
        chosen = ", ".join([*self.outcomes, *map(_cell_in_words, self.cells)])
        return (
            f"Made on {day} from {chosen} of '{self.prediction_field}' against '{self.truth_field}' at IoU "
            f"{self.iou:g}, confidence {self.confidence:g}{part}."
        )


@dataclass(frozen=True)
class RuleRun:
    """What the rule of a segment found ``at`` a time (UTC) in the predictions of a field, and how good those were.

    Precision, recall, and F1 are 0..1, over all classes weighted by support, at the thresholds of the rule.
    """

    at: datetime
    prediction_field: str
    members: int
    precision: float
    recall: float
    f1: float

    def finds_the_same_as(self, other: "RuleRun") -> bool:
        """Whether nothing has changed between two runs but the time."""
        return replace(self, at=other.at) == other


Origin = Selected | ConfusionRule


def record_of_run(run: RuleRun) -> dict[str, Any]:
    """A run as a record of plain values."""
    return {**asdict(run), "at": run.at.isoformat()}


def run_of_record(record: Mapping[str, Any]) -> RuleRun:
    """A run from its record."""
    return RuleRun(**{**record, "at": datetime.fromisoformat(record["at"])})


def record_of_origin(origin: Origin) -> dict[str, Any]:
    """An origin as a record of plain values."""
    if isinstance(origin, Selected):
        return {"by": origin.how, "map": origin.map}
    record = {**asdict(origin), "by": _BY_HAND if origin.by_hand else _RULE}
    del record["cells"], record["outcomes"]
    return {**record, "whats": list(origin.outcomes), "pairs": [list(cell) for cell in origin.cells]}


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
        outcomes=tuple(record["whats"]),
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
