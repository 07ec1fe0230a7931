"""Which of several annotations of a task counts: the latest, a reviewer's decision, or the majority's answer."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Literal

from .ledger import Annotation

Rule = Literal["latest", "ground_truth_first", "majority"]
RULES: tuple[Rule, ...] = ("ground_truth_first", "latest", "majority")


def counting_annotation(
    annotations: Sequence[Annotation], rule: Rule, labeling_of: Callable[[Annotation], Hashable]
) -> Annotation | None:
    """The annotation of a task that counts; None if all were skipped or there is none.

    latest: the one that was changed last. ground_truth_first: the last that a reviewer marked as ground truth, else
    the latest. majority: the most frequent answer among each annotator's latest annotation; a tie goes to the latest.

    Args:
        labeling_of: what an annotation says, in a form that can be compared.
    """
    given = sorted(
        (annotation for annotation in annotations if not annotation.skipped),
        key=lambda annotation: (annotation.at, annotation.id),
    )
    if not given:
        return None
    if rule == "ground_truth_first":
        return next((annotation for annotation in reversed(given) if annotation.truth), given[-1])
    if rule == "majority":
        return _of_most(given, labeling_of)
    return given[-1]


def _of_most(given: Sequence[Annotation], labeling_of: Callable[[Annotation], Hashable]) -> Annotation:
    """The latest annotation among those that agree with most annotators; input in order of time."""
    latest = {annotation.id if annotation.by is None else ("by", annotation.by): annotation for annotation in given}
    votes = Counter(labeling_of(one) for one in latest.values())
    most = max(votes.values())
    return max((one for one in latest.values() if votes[labeling_of(one)] == most), key=lambda one: (one.at, one.id))
