"""Which of several annotations counts."""

from labelscape.ml_backend.label_studio.decisions import Rule, counting_annotation
from labelscape.ml_backend.label_studio.ledger import Annotation


def annotation(number: int, label: str, by: int, *, truth: bool = False, skipped: bool = False) -> Annotation:
    result = [{"value": {"choices": [label]}}]
    return Annotation(number, result, by, f"2026-01-{number:02d}T00:00:00Z", skipped=skipped, truth=truth)


def chosen(rule: Rule, *annotations: Annotation) -> int | None:
    counting = counting_annotation(annotations, rule, lambda one: one.result[0]["value"]["choices"][0])
    return None if counting is None else counting.id


def test_a_reviewers_decision_outlives_later_annotations_unless_the_latest_is_asked_for() -> None:
    given = [annotation(1, "Cat", 1), annotation(2, "Dog", 2, truth=True), annotation(3, "Cat", 3)]
    assert chosen("ground_truth_first", *given) == 2
    assert chosen("latest", *given) == 3


def test_without_a_decision_the_latest_counts_and_a_skipped_one_never() -> None:
    given = [annotation(2, "Dog", 2), annotation(1, "Cat", 1), annotation(3, "Cat", 3, skipped=True, truth=True)]
    assert chosen("ground_truth_first", *given) == 2
    assert chosen("latest", annotation(3, "Cat", 3, skipped=True)) is None


def test_the_majority_counts_each_annotator_once_and_a_tie_goes_to_the_latest() -> None:
    mind_changed = [annotation(number, "Dog", 1) for number in (1, 2, 3)]
    assert chosen("majority", *mind_changed, annotation(4, "Cat", 2), annotation(5, "Cat", 3)) == 5
    assert chosen("majority", annotation(5, "Cat", 1), annotation(6, "Dog", 2)) == 6
    assert chosen("majority", annotation(5, "Cat", 1), annotation(6, "Cat", 2), annotation(7, "Dog", 3)) == 6
