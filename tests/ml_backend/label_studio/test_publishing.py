"""Publishing: only noticeable changes are sent, in the cheapest way, and nothing is duplicated."""

import itertools
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.client import LabelStudioDown, LabelStudioError
from labelscape.ml_backend.label_studio.ledger import Annotation, Prediction, TaskRecord
from labelscape.ml_backend.label_studio.mirror import Mirror, open_mirror
from labelscape.ml_backend.label_studio.preannotations import Preannotation
from labelscape.ml_backend.label_studio.publishing import Plan, Publisher, next_version, plan

CONFIG = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img">'
    '<Choice value="Cat"/><Choice value="Dog"/></Choices></View>'
)
V1 = "labelscape-0001"


class Studio:
    """Predictions of one project, as Label Studio keeps them; ``calls`` are the requests that change something."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.drops: set[int] = set()
        self.fails_at = ""
        self.has_app = False
        self._numbers = itertools.count(1)

    def _call(self, name: str) -> None:
        if name == self.fails_at:
            raise LabelStudioDown("down")
        self.calls.append(name)

    def create_prediction(self, prediction: dict[str, Any]) -> int:
        self._call("create")
        number = next(self._numbers)
        self.rows[number] = {"id": number, **prediction}
        return number

    def import_predictions(self, project: int, predictions: list[dict[str, Any]]) -> int:
        self._call("import")
        kept = [prediction for prediction in predictions if prediction["task"] not in self.drops]
        for prediction in kept:
            number = next(self._numbers)
            self.rows[number] = {"id": number, **prediction}
        return len(kept)

    def writes_in_bulk(self, project: int) -> bool:
        return self.has_app

    def change_predictions(self, project: int, changed: list[dict[str, Any]], gone: list[int]) -> list[int]:
        self._call("bulk")
        for prediction in changed:
            if prediction["id"] in self.rows:
                self.rows[prediction["id"]].update(prediction)
        for number in gone:
            self.rows.pop(number, None)
        return [prediction["id"] for prediction in changed if prediction["id"] not in self.rows]

    def predictions(self, project: int) -> list[dict[str, Any]]:
        return list(self.rows.values())

    def update_prediction(self, number: int, prediction: dict[str, Any]) -> bool:
        self._call("update")
        if number in self.rows:
            self.rows[number] |= prediction
        return number in self.rows

    def delete_prediction(self, number: int) -> None:
        self._call("delete")
        self.rows.pop(number, None)

    def model_versions(self, project: int) -> dict[str, int]:
        return dict(Counter(str(row["model_version"]) for row in self.rows.values()))

    def update_backend(self, number: int, settings: dict[str, Any]) -> None:
        self._call(f"title {settings['title']}")

    def update_project(self, project: int, *, model_version: str) -> None:
        self._call(f"version {model_version}")

    def of(self, task: int, version: str = V1) -> list[tuple[str, float]]:
        return [
            (row["result"][0]["value"]["choices"][0], row["score"])
            for row in self.rows.values()
            if row["task"] == task and row["model_version"] == version
        ]


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    import fiftyone as fo

    opened = open_mirror("http://label-studio.test", int(uuid.uuid4().hex[:7], 16), CONFIG)
    yield opened
    fo.delete_dataset(opened.dataset.name)


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
def publisher(studio: Studio, mirror: Mirror) -> Publisher:
    backend = {
        "id": 4,
        "title": V1,
        "project": 1,
        "url": "http://b",
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": "u",
    }
    return Publisher(studio, mirror, backend, "secret")  # type: ignore[arg-type]


def proposed(label: str, score: float, sure: bool = False) -> Preannotation:
    return Preannotation((("", label),), {("", label): score}, score, sure)


def due(mirror: Mirror, proposals: dict[int, Preannotation], version: str = V1, tasks: int = 0) -> Plan:
    known = mirror.ledger.read()
    new = [task for task in [*proposals, *range(10_000, 10_000 + tasks)] if task not in known]
    mirror.ledger.write([TaskRecord(task, f"sample{task}", "/m") for task in new])
    return plan(mirror.ledger.read(), proposals, version)


def predicted(task: int, label: str, score: float, sure: bool = False, **more: Any) -> TaskRecord:
    return TaskRecord(task, "s", "/m", prediction=Prediction(task, (("", label),), score, sure, V1), **more)


def test_predictions_of_nested_choices_go_out_singly_as_paths_and_the_least_certain_first(studio: Studio) -> None:
    """Label Studio 1.23 drops them from an import, and takes each of them by itself."""
    import fiftyone as fo

    inner = '<Choice value="Animal"><Choice value="Cat"/></Choice><Choice value="Plant"/>'
    config = CONFIG.replace('toName="img"', 'toName="img" allowNested="true"').replace('<Choice value="Cat"/>', inner)
    opened = open_mirror("http://label-studio.test", int(uuid.uuid4().hex[:7], 16), config)
    backend = {"id": 4, "title": V1}
    publisher = Publisher(studio, opened, backend, "secret")  # type: ignore[arg-type]
    proposals = {task: proposed("Cat", 0.9 - task / 1000) for task in range(200)}
    planned = due(opened, proposals)
    assert not publisher.should_renew(planned)
    assert publisher.add(planned) == 50
    assert set(studio.calls) == {"create"}
    assert {row["task"] for row in studio.rows.values()} == set(range(150, 200))
    assert studio.of(199) == [(["Animal", "Cat"], 0.9 - 0.199)]
    answers = iter([True, True, False])
    assert publisher.add(due(opened, proposals), lambda: next(answers)) == 2
    fo.delete_dataset(opened.dataset.name)


def test_only_what_a_person_would_notice_is_changed_and_the_most_telling_first() -> None:
    annotated = Annotation(1, [], 1, "2026")
    records = {
        1: predicted(1, "Cat", 0.70),
        2: predicted(2, "Cat", 0.70),
        3: predicted(3, "Cat", 0.70),
        4: predicted(4, "Cat", 0.70),
        5: TaskRecord(5, "s", "/m"),
        6: predicted(6, "Cat", 0.70),
        7: predicted(7, "Cat", 0.70, annotations=(annotated,)),
    }
    proposals = {
        1: proposed("Cat", 0.72),
        2: proposed("Cat", 0.80),
        3: proposed("Dog", 0.70),
        4: proposed("Cat", 0.71, sure=True),
        5: proposed("Dog", 0.40),
    }
    difference = plan(records, proposals, V1)
    assert (difference.new, difference.changed, difference.obsolete) == ([5], [3, 4, 2], [6])
    assert len(difference) == 5
    assert sorted(plan(records, proposals, "labelscape-0002").new) == [1, 2, 3, 4, 5]


def test_a_few_are_made_one_by_one_and_many_in_one_import(studio: Studio, mirror: Mirror, publisher: Publisher) -> None:
    assert publisher.add(due(mirror, {1: proposed("Cat", 0.5)}, tasks=300)) == 1
    assert studio.calls == ["create"]
    many = {task: proposed("Dog", 0.25) for task in range(10, 40)}
    assert publisher.add(due(mirror, many, tasks=300)) == 30
    assert studio.calls == ["create", "import"]
    assert studio.of(1) == [("Cat", 0.5)]
    assert studio.of(39) == [("Dog", 0.25)]


def test_what_was_published_is_not_published_again(studio: Studio, mirror: Mirror, publisher: Publisher) -> None:
    proposals = {task: proposed("Cat", 0.5) for task in range(1, 30)}
    publisher.add(due(mirror, proposals))
    assert len(due(mirror, proposals)) == 0


def test_a_prediction_that_label_studio_stored_itself_is_taken_over(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    result = mirror.control.choice(["Dog"])
    studio.create_prediction({"task": 1, "result": result, "score": 0.5, "model_version": V1})
    publisher.add(due(mirror, {1: proposed("Cat", 0.9)}))
    publisher.change(due(mirror, {1: proposed("Cat", 0.9)}), lambda: True)
    assert studio.of(1) == [("Cat", 0.9)]


def test_changes_stop_when_told_and_continue_where_they_stopped(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    publisher.add(due(mirror, {task: proposed("Cat", 0.5) for task in range(1, 30)}))
    proposals = {task: proposed("Dog", 0.5) for task in range(1, 30)}
    turns = iter([True] * 10 + [False])
    assert publisher.change(due(mirror, proposals), lambda: next(turns)) == 10
    rest = due(mirror, proposals)
    assert len(rest.changed) == 19
    assert publisher.change(rest, lambda: True) == 19
    assert all(studio.of(task) == [("Dog", 0.5)] for task in proposals)


def test_with_the_app_all_changes_are_one_request_and_none_makes_a_new_version(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    publisher.add(due(mirror, {task: proposed("Cat", 0.5) for task in range(1, 300)}))
    studio.has_app = True
    del studio.rows[next(number for number, row in studio.rows.items() if row["task"] == 7)]
    studio.calls.clear()
    proposals = {task: proposed("Dog", 0.5) for task in range(1, 299)}
    changes = due(mirror, proposals)
    assert not publisher.should_renew(changes)
    assert publisher.change(changes, lambda: True) == 299
    assert studio.calls == ["bulk", "create"]  # the one that somebody deleted is made again
    assert {task: studio.of(task) for task in (1, 7, 298, 299)} == {
        1: [("Dog", 0.5)],
        7: [("Dog", 0.5)],
        298: [("Dog", 0.5)],
        299: [],
    }
    assert len(due(mirror, proposals)) == 0


def test_a_prediction_that_was_deleted_there_is_made_again(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    publisher.add(due(mirror, {1: proposed("Cat", 0.5), 2: proposed("Cat", 0.5)}))
    del studio.rows[1]
    publisher.change(due(mirror, {1: proposed("Dog", 0.5), 2: proposed("Cat", 0.5)}), lambda: True)
    assert studio.of(1) == [("Dog", 0.5)]
    assert not publisher.forget_deleted(list(mirror.ledger.read().values()))
    studio.rows.clear()
    for task in (1, 2, 3):
        studio.create_prediction({"task": task, "model_version": "another model"})
    assert publisher.forget_deleted(list(mirror.ledger.read().values()))
    assert sorted(due(mirror, {1: proposed("Dog", 0.5), 2: proposed("Cat", 0.5)}).new) == [1, 2]


def test_a_suggestion_that_went_takes_its_prediction_along(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    publisher.add(due(mirror, {1: proposed("Cat", 0.5)}))
    assert publisher.change(due(mirror, {}), lambda: True) == 1
    assert studio.rows == {}
    assert len(due(mirror, {})) == 0


def test_predictions_that_label_studio_drops_without_a_word_are_an_error(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    studio.drops = {3}
    with pytest.raises(LabelStudioError, match=r"kept 29 of 30 predictions; without one: \[3\]"):
        publisher.add(due(mirror, {task: proposed("Cat", 0.5) for task in range(30)}))


def test_an_invalid_prediction_is_left_out_and_the_others_are_published(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    assert publisher.add(due(mirror, {1: proposed("Bird", 0.5), 2: proposed("Cat", 0.5)})) == 1
    assert publisher.add(due(mirror, {1: proposed("Bird", 0.5)})) == 0, "what is invalid is no progress"
    assert studio.of(1) == []
    assert studio.of(2) == [("Cat", 0.5)]


def test_many_changes_become_a_new_version_and_title_and_project_follow(
    studio: Studio, mirror: Mirror, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.add(due(mirror, {task: proposed("Cat", 0.5) for task in range(100)}))
    proposals = {task: proposed("Dog", 0.5) for task in range(100)}
    changed = due(mirror, proposals)
    assert publisher.should_renew(changed)
    assert not publisher.should_renew(due(mirror, {**{t: proposed("Cat", 0.5) for t in range(100)}, 1: proposals[1]}))
    assert publisher.renew(changed) == 100
    assert studio.calls[-2:] == ["title labelscape-0002", "version labelscape-0002"]
    assert studio.of(7, "labelscape-0002") == [("Dog", 0.5)]
    assert len(due(mirror, proposals, "labelscape-0002")) == 0
    assert not publisher.should_renew(changed), "not twice in a minute"
    assert publisher.delete_old_predictions(lambda: True) == 100
    assert publisher.delete_old_predictions(lambda: True) == 0
    assert studio.model_versions(1) == {"labelscape-0002": 100}


def test_deleting_an_old_version_stops_when_told_and_leaves_what_annotators_were_shown(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    publisher.add(due(mirror, {task: proposed("Cat", 0.5) for task in range(10)}))
    publisher.renew(due(mirror, {task: proposed("Dog", 0.5) for task in range(10)}))
    record = mirror.ledger.read([3])[3]
    annotation = Annotation(1, [{"from_name": "kind", "value": {"choices": ["Cat"]}}], 1, "2026-05-01T12:00:00Z")
    mirror.ledger.write([replace(record, annotations=(annotation,))])
    steps = iter([True, True, False])
    assert publisher.delete_old_predictions(lambda: next(steps)) == 2
    assert publisher.delete_old_predictions(lambda: True) == 7
    assert studio.of(3) == [("Cat", 0.5)]
    assert studio.of(4) == []
    assert "delete version" not in studio.calls, "which would block submits for minutes"


def test_a_prediction_that_is_not_filled_in_is_published_with_its_score_and_changed_when_it_is(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    empty = Preannotation((), {("", "Cat"): 0.12}, 0.12, False)
    publisher.add(due(mirror, {1: empty}))
    assert [(row["result"], row["score"]) for row in studio.rows.values()] == [([], 0.12)]
    assert len(due(mirror, {1: empty})) == 0
    publisher.change(due(mirror, {1: proposed("Cat", 0.6)}), lambda: True)
    assert studio.of(1) == [("Cat", 0.6)]


def test_a_renewal_that_broke_off_leaves_the_old_predictions_the_shown_ones(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    publisher.add(due(mirror, {task: proposed("Cat", 0.5) for task in range(100)}))
    studio.fails_at = "title labelscape-0002"
    proposals = {task: proposed("Dog", 0.5) for task in range(100)}
    with pytest.raises(LabelStudioDown):
        publisher.renew(due(mirror, proposals))
    assert publisher.version == V1
    assert len(due(mirror, proposals).changed) == 100
    studio.fails_at = ""
    publisher.renew(due(mirror, proposals))
    assert publisher.version == "labelscape-0003", "what the broken renewal left behind has the second number"
    assert studio.of(7, "labelscape-0003") == [("Dog", 0.5)]


def test_a_project_whose_new_version_could_not_be_set_shows_it_later(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    publisher.add(due(mirror, {task: proposed("Cat", 0.5) for task in range(100)}))
    studio.fails_at = "version labelscape-0002"
    with pytest.raises(LabelStudioDown):
        publisher.renew(due(mirror, {task: proposed("Dog", 0.5) for task in range(100)}))
    assert publisher.version == "labelscape-0002", "as is the title by which Label Studio asks"
    assert publisher.replaces(V1)
    assert publisher.replaces(None)
    assert not publisher.replaces("labelscape-0002")
    assert not publisher.replaces("somebody else's model")


def test_versions_are_numbered() -> None:
    assert next_version("") == V1
    assert next_version("labelscape-0041") == "labelscape-0042"
    assert next_version("labelscape-9999") == "labelscape-10000"


def test_predictions_written_before_label_studio_is_down_are_counted(
    studio: Studio, mirror: Mirror, publisher: Publisher
) -> None:
    def down_after_one() -> bool:
        studio.fails_at = studio.calls[-1] if studio.calls else ""
        return True

    cats = {task: proposed("Cat", 0.5) for task in (1, 2)}
    assert publisher.add_and_change(due(mirror, cats, tasks=300), down_after_one) == 1
    with pytest.raises(LabelStudioDown):
        publisher.add_and_change(due(mirror, cats), down_after_one)
    studio.fails_at = "update"
    dogs = {task: proposed("Dog", 0.5) for task in (1, 2)}
    assert publisher.add_and_change(due(mirror, dogs), lambda: True) == 1, "task 2 is new, and task 1 waits"
    studio.calls, studio.fails_at = [], ""
    more = {task: proposed("Cat", 0.9) for task in (1, 2)}
    assert publisher.change(due(mirror, more), down_after_one) == 1
    assert [row["score"] for row in studio.rows.values()].count(0.9) == 1
