"""A project's mirror: labels sync both ways, nobody's annotation is overwritten, nothing is duplicated."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.label_studio import flow
from labelscape.ml_backend.label_studio import mirror as mirroring
from labelscape.ml_backend.label_studio.ledger import TaskRecord
from labelscape.ml_backend.label_studio.media_hosts import MediaError, MediaUnavailable
from labelscape.ml_backend.label_studio.mirror import Mirror
from labelscape.ml_backend.label_studio.outgoing import annotation_of
from labelscape.ml_backend.label_studio.task_media import Fetch

CHOICES = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img">'
    '<Choice value="Cat"/><Choice value="Dog"/></Choices></View>'
)
BOXES = (
    '<View><Image name="img" value="$image"/><RectangleLabels name="obj" toName="img">'
    '<Label value="Cat"/><Label value="Dog"/></RectangleLabels></View>'
)
URL = "http://label-studio.test"


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    paths, _ = write_digits(tmp_path, count=6)
    broken: dict[str, ValueError] = {"/broken": MediaError("no image"), "/away": MediaUnavailable("not now")}
    return lambda urls, _kind, _seconds: [broken.get(url) or paths[int(url.rsplit("/", 1)[-1])] for url in urls]


@pytest.fixture
def open_mirror() -> Iterator[Callable[..., Mirror]]:
    import fiftyone as fo

    project = int(uuid.uuid4().hex[:7], 16)

    def opened(config: str = CHOICES) -> Mirror:
        return mirroring.open_mirror(URL, project, config)

    yield opened
    if fo.dataset_exists(f"label-studio-{project}"):
        fo.delete_dataset(f"label-studio-{project}")


def task(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "data": {"image": f"/{number % 6}"}, **more}


def annotation(number: int, task: int, label: str | None, at: str = "2026-01-01T00:00:00.000000Z") -> dict[str, Any]:
    result = (
        [{"from_name": "kind", "to_name": "img", "type": "choices", "value": {"choices": [label]}}] if label else []
    )
    return {
        "id": number,
        "task": task,
        "result": result,
        "completed_by": 7,
        "updated_at": at,
        "was_cancelled": not label,
    }


def who(user: int) -> str:
    return f"user{user}@example.com"


def labels(mirror: Mirror) -> dict[int, str | None]:
    mirror.dataset.reload()
    return dict(zip(*mirror.dataset.values(["task_id", "ground_truth.label"]), strict=True))


class Step(NamedTuple):
    """What a comparison found, and the tasks whose labels here changed."""

    outgoing: list[Any]
    changed: list[int]
    conflicts: list[Any]


def bring_in_step(mirror: Mirror, records: Sequence[TaskRecord], who: flow.Who) -> Step:
    difference = flow.compare(mirror, records)
    changed = flow.apply_annotations(mirror, difference, who)
    return Step(difference.outgoing, changed, difference.conflicts)


def step(mirror: Mirror) -> Step:
    return bring_in_step(mirror, list(mirror.ledger.read().values()), who)


def test_each_task_becomes_one_sample_however_often_it_is_read(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror()
    for _ in range(2):
        assert mirroring.add_tasks(mirror, [task(1), task(2)], fetch) == {}
    assert sorted(mirror.dataset.values("task_id")) == [1, 2]


def test_a_medium_that_is_refused_is_not_asked_for_again_and_one_that_is_away_is(
    open_mirror: Any, fetch: Fetch
) -> None:
    mirror = open_mirror()
    tasks = [{"id": 1, "data": {"image": "/broken"}}, {"id": 2, "data": {"image": "/away"}}, task(3)]
    assert mirroring.add_tasks(mirror, tasks, fetch) == {1: "no image", 2: "not now"}
    assert mirror.dataset.values("task_id") == [3]
    records = mirror.ledger.read()
    assert [records[number].refused for number in (1, 2, 3)] == ["no image", "", ""]
    mirroring.fetch_media(mirror, [records[2]], lambda urls, kind, seconds: fetch(["/0"], kind, seconds))
    assert sorted(mirror.dataset.values("task_id")) == [2, 3]


def test_an_annotation_becomes_the_label_with_who_and_when(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1), task(2)], fetch)
    changed = mirroring.take_annotations(mirror, [annotation(5, 1, "Cat")])
    assert bring_in_step(mirror, changed, who).changed == [1]
    assert labels(mirror) == {1: "Cat", 2: None}
    label = mirror.dataset.match({"task_id": 1}).first().ground_truth
    assert (label.labelscape, label.annotator, label.annotation) == ("human", "user7@example.com", 5)
    assert label.labeled_at.isoformat().startswith("2026-01-01T00:00:00")


def test_an_event_that_comes_twice_or_late_changes_nothing(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1)], fetch)
    new, old = annotation(5, 1, "Dog", "2026-01-02T00:00:00Z"), annotation(5, 1, "Cat", "2026-01-01T00:00:00Z")
    assert len(mirroring.take_annotations(mirror, [new])) == 1
    assert mirroring.take_annotations(mirror, [new]) == []
    assert mirroring.take_annotations(mirror, [old]) == []
    step(mirror)
    assert labels(mirror) == {1: "Dog"}


def test_the_latest_annotation_counts_a_skipped_one_does_not_and_a_deleted_one_gives_way(
    open_mirror: Any, fetch: Fetch
) -> None:
    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1)], fetch)
    mirroring.take_annotations(mirror, [annotation(5, 1, "Cat"), annotation(6, 1, "Dog", "2026-01-02T00:00:00Z")])
    mirroring.take_annotations(mirror, [annotation(7, 1, None, "2026-01-03T00:00:00Z")])
    step(mirror)
    assert labels(mirror) == {1: "Dog"}
    mirroring.drop_annotations(mirror, [6])
    step(mirror)
    assert labels(mirror) == {1: "Cat"}
    mirroring.drop_annotations(mirror, [5])
    step(mirror)
    assert labels(mirror) == {1: None}


def test_a_label_saved_here_goes_out_once(open_mirror: Any, fetch: Fetch) -> None:
    import fiftyone as fo

    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1), task(2)], fetch)
    sample = mirror.dataset.match({"task_id": 1}).first()
    sample.ground_truth = fo.Classification(label="Dog")
    sample.save()
    (out,) = step(mirror).outgoing
    assert (out[0].task, out[1]) == (1, (("", "Dog"),))
    assert annotation_of(mirror, *out, [])[0]["value"] == {"choices": ["Dog"]}
    # Label Studio tells of the annotation that was made of it
    mirroring.take_annotations(mirror, [annotation(9, 1, "Dog")])
    assert step(mirror) == Step([], [], [])


def test_a_label_taken_away_here_comes_back_where_somebody_else_gave_it_there(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1)], fetch)
    mirroring.take_annotations(mirror, [annotation(5, 1, "Cat")])
    step(mirror)
    mirror.dataset.set_field("ground_truth", None).save("ground_truth")
    assert step(mirror).outgoing == []
    assert labels(mirror) == {1: "Cat"}


def test_where_both_sides_changed_the_later_change_counts_and_it_is_reported(open_mirror: Any, fetch: Fetch) -> None:
    from datetime import datetime

    import fiftyone as fo

    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1), task(2)], fetch)
    mirroring.take_annotations(mirror, [annotation(5, 1, "Cat", "2026-01-05T00:00:00Z")])
    mirroring.take_annotations(mirror, [annotation(6, 2, "Cat", "2026-01-05T00:00:00Z")])
    for number, moment in ((1, datetime(2026, 1, 4)), (2, datetime(2026, 1, 6))):
        sample = mirror.dataset.match({"task_id": number}).first()
        sample.ground_truth = fo.Classification(label="Dog", labelscape="human", labeled_at=moment)
        sample.save()
    difference = step(mirror)
    assert difference.conflicts == [(1, (("", "Dog"),)), (2, (("", "Cat"),))]
    assert [record.task for record, _ in difference.outgoing] == [2]
    assert labels(mirror) == {1: "Cat", 2: "Dog"}


def test_a_label_saved_here_in_the_moment_another_comes_in_is_not_lost(open_mirror: Any, fetch: Fetch) -> None:
    from datetime import datetime

    import fiftyone as fo

    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1), task(2)], fetch)
    changed = mirroring.take_annotations(mirror, [annotation(5, 1, "Cat"), annotation(6, 2, "Cat")])

    def who_while_somebody_saves(user: int) -> str:
        sample = mirror.dataset.match({"task_id": 1}).first()
        sample.ground_truth = fo.Classification(label="Dog", labelscape="human", labeled_at=datetime(2026, 1, 2))
        sample.save()
        return who(user)

    # The annotation of task 1 counts as taken, too, so that the later label goes out.
    assert bring_in_step(mirror, changed, who_while_somebody_saves).changed == [1, 2]
    assert labels(mirror) == {1: "Dog", 2: "Cat"}
    (out,) = step(mirror).outgoing
    assert (out[0].task, out[1]) == (1, (("", "Dog"),))


def test_a_box_drawn_here_in_the_moment_labels_come_in_is_not_lost(open_mirror: Any, fetch: Fetch) -> None:
    import fiftyone as fo

    mirror = open_mirror(BOXES)
    mirroring.add_tasks(mirror, [task(1)], fetch)
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["Cat"]}
    box = {"id": "r1", "from_name": "obj", "to_name": "img", "type": "rectanglelabels", "value": value}
    given = {**annotation(5, 1, None), "result": [box], "was_cancelled": False}
    changed = mirroring.take_annotations(mirror, [given])

    def who_while_somebody_draws(user: int) -> str:
        sample = mirror.dataset.first()
        sample.ground_truth = fo.Detections(detections=[fo.Detection(bounding_box=[0.5, 0.5, 0.2, 0.2])])
        sample.save()
        return who(user)

    bring_in_step(mirror, changed, who_while_somebody_draws)
    step(mirror)
    mirror.dataset.reload()
    assert {box.label for box in mirror.dataset.first().ground_truth.detections} == {"Cat", None}


def test_a_sample_deleted_here_takes_nothing_away_there(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1)], fetch)
    mirroring.take_annotations(mirror, [annotation(5, 1, "Cat")])
    step(mirror)
    mirror.dataset.delete_samples(mirror.dataset.values("id"))
    assert step(mirror) == Step([], [], [])


def test_a_deleted_task_takes_its_sample_along(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1), task(2)], fetch)
    assert mirroring.drop_tasks(mirror, [1, 99]) == 1
    assert mirror.dataset.values("task_id") == [2]
    assert mirror.ledger.task_ids() == [2]


def test_a_class_that_left_the_config_stays_a_label_and_is_reported(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1)], fetch)
    mirroring.take_annotations(mirror, [annotation(5, 1, "Cat")])
    step(mirror)
    without = open_mirror(CHOICES.replace('<Choice value="Cat"/>', ""))
    assert step(without) == Step([], [], [])
    assert labels(without) == {1: "Cat"}
    assert "no longer has the class “Cat”" in " ".join(without.notices)
    step(open_mirror())
    assert labels(mirror) == {1: "Cat"}


def test_boxes_of_another_model_wait_for_a_class_and_keep_their_ids(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror(BOXES)
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["Cat"]}
    box = {"id": "r1", "from_name": "obj", "to_name": "img", "type": "rectanglelabels", "value": value}
    proposed = task(1, predictions=[{"model_version": "detector", "result": [box], "created_at": "2026"}])
    mirroring.add_tasks(mirror, [proposed], fetch)
    bring_in_step(mirror, mirroring.take_tasks(mirror, [proposed], "labelscape-"), who)
    (before,) = mirror.dataset.first().ground_truth.detections
    assert (before.label, before.region) == (None, "r1")
    assert before.bounding_box == pytest.approx([0.1, 0.2, 0.3, 0.4])
    given = {**annotation(5, 1, None), "result": [box], "was_cancelled": False}
    bring_in_step(mirror, mirroring.take_annotations(mirror, [given]), who)
    mirror.dataset.reload()
    (after,) = mirror.dataset.first().ground_truth.detections
    assert (after.label, after.id) == ("Cat", before.id)


def test_a_dataset_of_that_name_that_is_another_ones_is_not_touched(open_mirror: Any) -> None:
    mirror = open_mirror()
    with pytest.raises(ValueError, match="rename or delete it"):
        mirroring.open_mirror("http://elsewhere.test", mirror.project, CHOICES)
    with pytest.raises(ValueError, match="Detections"):
        open_mirror(BOXES)


def test_a_medium_in_a_cloud_is_asked_for_where_label_studio_hands_it_out(open_mirror: Any, fetch: Fetch) -> None:
    requested: list[str] = []

    def remember(urls: Sequence[str], kind: Any, seconds: float | None) -> Sequence[Path | ValueError]:
        requested.extend(urls)
        return fetch(["/0"] * len(urls), kind, seconds)

    mirroring.add_tasks(open_mirror(), [{"id": 12, "data": {"image": "s3://bucket/cat.jpg"}}], remember)
    assert requested == ["/tasks/12/presign/?fileuri=czM6Ly9idWNrZXQvY2F0LmpwZw=="]


def test_a_crash_between_sample_and_ledger_makes_no_second_sample(
    open_mirror: Any, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = open_mirror()
    with monkeypatch.context() as patch:
        patch.setattr(type(mirror.ledger), "write", lambda *_: pytest.fail("killed here"))
        with pytest.raises(pytest.fail.Exception):
            mirroring.add_tasks(mirror, [task(1), task(2)], fetch)
    mirroring.add_tasks(mirror, [task(1), task(2)], fetch)
    assert sorted(mirror.dataset.values("task_id")) == [1, 2]
    assert {record.sample for record in mirror.ledger.read().values()} == set(mirror.dataset.values("id"))


def test_an_annotation_of_ours_that_somebody_edited_is_theirs(open_mirror: Any, fetch: Fetch) -> None:
    from dataclasses import replace

    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1)], fetch)
    (record,) = mirroring.take_annotations(mirror, [annotation(5, 1, "Cat")])
    mirror.ledger.write([replace(record, annotations=(replace(record.annotations[0], ours=True),))])
    (same,) = mirroring.take_tasks(mirror, [task(1, annotations=[annotation(5, 1, "Cat")])], "labelscape-")
    assert same.annotations[0].ours
    (edited,) = mirroring.take_annotations(mirror, [annotation(5, 1, "Dog", "2026-01-02T00:00:00Z")])
    assert not edited.annotations[0].ours


def test_a_control_added_before_ours_leaves_the_labels_alone(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1)], fetch)
    mirroring.take_annotations(mirror, [annotation(5, 1, "Cat")])
    step(mirror)
    other = '<Choices name="mood" toName="img"><Choice value="calm"/></Choices><Choices name="kind"'
    widened = open_mirror(CHOICES.replace('<Choices name="kind"', other))
    assert widened.control.from_name == "kind"
    step(widened)
    assert labels(widened) == {1: "Cat"}


def test_a_label_newly_given_here_outlives_an_annotation_that_was_deleted_there(open_mirror: Any, fetch: Fetch) -> None:
    import fiftyone as fo

    mirror = open_mirror()
    mirroring.add_tasks(mirror, [task(1)], fetch)
    mirroring.take_annotations(mirror, [annotation(5, 1, "Cat")])
    step(mirror)
    sample = mirror.dataset.first()
    sample.ground_truth = fo.Classification(label="Dog")
    sample.save()
    mirroring.drop_annotations(mirror, [5])
    (out,) = step(mirror).outgoing
    assert out[1] == (("", "Dog"),)
    assert labels(mirror) == {1: "Dog"}


def test_a_box_drawn_here_stays_when_its_task_is_annotated_there(open_mirror: Any, fetch: Fetch) -> None:
    import fiftyone as fo

    mirror = open_mirror(BOXES)
    mirroring.add_tasks(mirror, [task(1)], fetch)
    sample = mirror.dataset.first()
    sample.ground_truth = fo.Detections(detections=[fo.Detection(label="Dog", bounding_box=[0.5, 0.5, 0.2, 0.2])])
    sample.save()
    step(mirror)
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["Cat"]}
    box = {"id": "r1", "from_name": "obj", "to_name": "img", "type": "rectanglelabels", "value": value}
    given = {**annotation(5, 1, None, "2099-01-01T00:00:00Z"), "result": [box], "was_cancelled": False}
    bring_in_step(mirror, mirroring.take_annotations(mirror, [given]), who)
    mirror.dataset.reload()
    assert sorted(box.label for box in mirror.dataset.first().ground_truth.detections) == ["Cat", "Dog"]


def test_a_rotated_box_is_cut_out_with_the_frame_around_it(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror(BOXES)
    value = {"x": 50, "y": 20, "width": 40, "height": 20, "rotation": 90, "rectanglelabels": ["Cat"]}
    box = {"id": "r1", "from_name": "obj", "to_name": "img", "type": "rectanglelabels", "value": value}
    box |= {"original_width": 100, "original_height": 100}
    mirroring.add_tasks(mirror, [task(1)], fetch)
    given = {**annotation(5, 1, None), "result": [box], "was_cancelled": False}
    bring_in_step(mirror, mirroring.take_annotations(mirror, [given]), who)
    mirror.dataset.reload()
    assert mirror.dataset.first().ground_truth.detections[0].bounding_box == pytest.approx([0.3, 0.2, 0.2, 0.4])
