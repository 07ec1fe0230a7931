"""Which suggestions a task opens with."""

import uuid
from collections.abc import Iterator

import fiftyone as fo
import pytest
from labelscape.ml_backend.label_studio.mirror import Mirror, open_mirror
from labelscape.ml_backend.label_studio.preannotations import Preannotation
from labelscape.ml_backend.label_studio.prefill import PrefillFloor, prefill_floor

CLASSES = [str(digit) for digit in range(10)]


def config(choice: str) -> str:
    options = "".join(f'<Choice value="{name}"/>' for name in CLASSES)
    return (
        f'<View><Image name="img" value="$image"/><Choices name="kind" toName="img" choice="{choice}">{options}'
        "</Choices></View>"
    )


def proposed(**scores: float) -> Preannotation:
    pairs = {("", label.strip("_")): score for label, score in scores.items()}
    return Preannotation(tuple(pairs), pairs, min(pairs.values()), False)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    opened = open_mirror("http://label-studio.test", int(uuid.uuid4().hex[:7], 16), config("single"))
    yield opened
    fo.delete_dataset(opened.dataset.name)


def label(mirror: Mirror, labels: list[str]) -> None:
    mirror.dataset.add_samples(
        [fo.Sample(filepath=f"/{n}.png", ground_truth=fo.Classification(label=name)) for n, name in enumerate(labels)]
    )


def test_a_guess_is_not_filled_in_and_keeps_its_score_for_uncertainty_sampling(mirror: Mirror) -> None:
    label(mirror, CLASSES * 4)
    floor = prefill_floor(mirror, None)
    assert floor.of("3") == pytest.approx(0.28 + 2 * (0.1 * 0.9 / 40) ** 0.5)
    opened_empty = floor.apply(proposed(_3=0.12))
    assert (opened_empty.labeling, opened_empty.score) == ((), 0.12)
    assert floor.apply(proposed(_3=0.4)).labeling == (("", "3"),)


def test_a_class_that_most_labels_have_needs_more_than_its_share(mirror: Mirror) -> None:
    label(mirror, ["1"] * 90 + ["2"] * 10)
    floor = prefill_floor(mirror, None)
    assert floor.apply(proposed(_1=0.95)).labeling == ()
    assert floor.apply(proposed(_1=0.99)).labeling == (("", "1"),)
    assert floor.apply(proposed(_2=0.5)).labeling == (("", "2"),)


def test_the_floor_can_be_set(mirror: Mirror) -> None:
    label(mirror, CLASSES)
    assert prefill_floor(mirror, 0.0).apply(proposed(_3=0.01)).labeling == (("", "3"),)
    assert prefill_floor(mirror, 0.9).apply(proposed(_3=0.89)).labeling == ()


def test_of_several_classes_those_above_their_floor_are_filled_in() -> None:
    floor = PrefillFloor(None, {"3": 0.1, "even": 0.5}, 1_000)
    assert floor.apply(proposed(_3=0.4, even=0.55)).labeling == (("", "3"),)


def test_a_box_whose_class_is_a_guess_is_filled_in_without_one() -> None:
    pairs = {("a", "3"): 0.9, ("b", "4"): 0.2}
    given = Preannotation(tuple(pairs), pairs, 0.2, False)
    opened = PrefillFloor(None, {"3": 0.1, "4": 0.1}, 1_000).apply(given)
    assert (opened.labeling, opened.score, opened.scores) == ((("a", "3"),), 0.2, pairs)
