"""What a task is pre-annotated with: every class that is suggested and can be chosen, with the lowest confidence."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import fiftyone as fo
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.label_studio.config import invalid_reason
from labelscape.ml_backend.label_studio.mirror import Mirror, add_tasks, open_mirror
from labelscape.ml_backend.label_studio.preannotations import Preannotation, as_prediction, preannotations
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions


def choices(choice: str, *classes: str) -> str:
    options = "".join(f'<Choice value="{name}"/>' for name in classes)
    return (
        f'<View><Image name="img" value="$image"/>'
        f'<Choices name="kind" toName="img" choice="{choice}">{options}</Choices></View>'
    )


@pytest.fixture
def make_mirror(tmp_path: Path) -> Iterator[Callable[[str], Mirror]]:
    """A mirror with the tasks 1, 2 and 3."""
    project = int(uuid.uuid4().hex[:7], 16)
    paths, _ = write_digits(tmp_path, count=3)

    def make(config: str) -> Mirror:
        mirror = open_mirror("http://label-studio.test", project, config)
        tasks = [{"id": number, "data": {"image": f"/{number}"}} for number in (1, 2, 3)]
        add_tasks(mirror, tasks, lambda urls, _modality, _seconds: [paths[int(url[1:]) - 1] for url in urls])
        return mirror

    yield make
    fo.delete_dataset(f"label-studio-{project}")


def suggest(mirror: Mirror, suggestions: dict[int, Suggestion]) -> None:
    items = list_items(mirror.dataset)
    write_suggestions(mirror.dataset, items, [suggestions.get(task) for task in mirror.dataset.values("task_id")])


def suggestion(confidences: dict[str, float], *, sure: bool = True) -> Suggestion:
    (label, *more), (first, *others) = confidences, confidences.values()
    return Suggestion(label, first, sure, [], "ground_truth", tuple(more), tuple(others), ("",) * len(more))


def predicted(mirror: Mirror) -> dict[int, tuple[list[str], float]]:
    """Task → the classes chosen for it, and the score."""
    records = mirror.ledger.read()
    made = {
        task: as_prediction(mirror, records[task], one, "v")
        for task, one in preannotations(mirror, list(records.values())).items()
    }
    return {task: (mirror.control.labels_of(one["result"]), one["score"]) for task, one in made.items()}


def test_several_classes_are_proposed_with_the_score_of_the_least_sure(make_mirror: Callable[[str], Mirror]) -> None:
    mirror = make_mirror(choices("multiple", "Cat", "Dog", "Outside"))
    suggest(mirror, {1: suggestion({"Outside": 0.99, "Cat": 0.96}), 2: suggestion({"Dog": 0.6}, sure=False)})
    assert predicted(mirror) == {1: (["Cat", "Outside"], 0.96), 2: (["Dog"], 0.6)}
    proposed = preannotations(mirror, list(mirror.ledger.read().values()))
    assert (proposed[1].sure, proposed[2].sure) == (True, False)
    assert proposed[1].scores == {("", "Outside"): 0.99, ("", "Cat"): 0.96}


def test_of_several_classes_those_that_left_the_label_config_are_left_out(make_mirror: Callable[[str], Mirror]) -> None:
    mirror = make_mirror(choices("multiple", "Cat", "Dog"))
    suggest(
        mirror,
        {
            1: suggestion({"Outside": 0.99, "Cat": 0.96}),
            2: suggestion({"Dog": 0.97, "Outside": 0.95}),
            3: suggestion({"Outside": 0.9}),
        },
    )
    assert predicted(mirror) == {1: (["Cat"], 0.96), 2: (["Dog"], 0.97)}


def test_a_single_choice_is_proposed_as_it_is_suggested(make_mirror: Callable[[str], Mirror]) -> None:
    mirror = make_mirror(choices("single", "Cat", "Dog"))
    suggest(mirror, {1: suggestion({"Cat": 0.83337}), 3: suggestion({"Dog": 0.4}, sure=False)})
    assert predicted(mirror) == {1: (["Cat"], 0.8334), 3: (["Dog"], 0.4)}


def test_all_boxes_are_shown_and_those_without_a_class_to_fill_in_have_none(
    make_mirror: Callable[[str], Mirror],
) -> None:
    labels = '<Label value="Cat"/><Label value="Dog"/>'
    config = f'<RectangleLabels name="obj" toName="img">{labels}</RectangleLabels>'
    mirror = make_mirror(f'<View><Image name="img" value="$image"/>{config}</View>')
    boxes = [
        {"id": name, "from_name": "obj", "to_name": "img", "type": "rectanglelabels",
         "value": {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": ["Cat"]}}
        for name in "abc"
    ]  # fmt: skip
    record = replace(mirror.ledger.read()[1], candidates=mirror.control.own(boxes))
    pairs = {("a", "Cat"): 0.9, ("b", "Dog"): 0.3}
    proposed = Preannotation((("a", "Cat"),), pairs, 0.3, False)
    made = as_prediction(mirror, record, proposed, "v")
    shown = [(item["id"], item["value"]["rectanglelabels"], item.get("score")) for item in made["result"]]
    assert shown == [("a", ["Cat"], 0.9), ("b", [], 0.3), ("c", [], None)]
    assert invalid_reason(mirror.label_config, made) is None
