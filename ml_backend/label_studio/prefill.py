"""Which suggestions are filled in when a task opens: those clearly better than a guess; others only show a score."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .mirror import Mirror
from .preannotations import Preannotation

_MARGIN = 0.2  # fraction of the way from the class's share to certainty
_ERRORS = 2  # standard errors of the share: scores are calibrated on as few labels, and are as uncertain


@dataclass(frozen=True)
class PrefillFloor:
    """The score from which a class is filled in.

    Attributes:
        fixed: the same for every class; None = a fifth of the way from the class's share among the labels to 1, and two
            standard errors of that share more: of ten equal classes .38 with 40 labels, .30 with 1,000.
        shares: class → its share among the labels, 0 to 1.
        labels: how many labels there are.
        additional: the floors of the other controls that are filled in, by their place in labelings.
    """

    fixed: float | None
    shares: Mapping[str, float]
    labels: int
    additional: Mapping[str, "PrefillFloor"] = field(default_factory=dict)

    def of(self, label: str) -> float:
        """The floor of one class, 0 to 1."""
        if self.fixed is not None:
            return self.fixed
        share = self.shares.get(label, 0.0)
        error = math.sqrt(share * (1 - share) / self.labels) if self.labels else 0.0
        return min(1.0, share + _MARGIN * (1 - share) + _ERRORS * error)

    def apply(self, proposed: Preannotation) -> Preannotation:
        """The part of a pre-annotation to fill in; its score stays, so that the task keeps its place in the queue.

        With several classes or boxes, each is filled in or not independently.
        """
        kept = tuple(
            (place, label)
            for place, label in proposed.labeling
            if proposed.scores[place, label] >= self.additional.get(place, self).of(label)
        )
        return proposed if kept == proposed.labeling else replace(proposed, labeling=kept)


def prefill_floor(mirror: Mirror, fixed: float | None) -> PrefillFloor:
    """The floor for a project, from the current shares of its labels."""
    first, *others = (_floor_of(view, fixed) for view in mirror.control_views)
    return replace(first, additional=dict(zip((name for name, _ in mirror.additional), others, strict=True)))


def _floor_of(mirror: Mirror, fixed: float | None) -> PrefillFloor:
    if fixed is not None:
        return PrefillFloor(fixed, {}, 0)
    target = mirror.target
    counts = {label: number for label, number in mirror.dataset.count_values(f"{target.path}.label").items() if label}
    labeled = mirror.dataset.exists(mirror.field).count() if mirror.control.multi else sum(counts.values())
    shares = {label: number / labeled for label, number in counts.items()} if labeled else {}
    return PrefillFloor(fixed, shares, labeled)
