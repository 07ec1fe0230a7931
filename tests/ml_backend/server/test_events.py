import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from labelscape.ml_backend.server.events import ANNOTATION_FIELDS, ATTEMPTS, DAYS_KNOWN, Event, EventQueue, parse_event

PUTTING = """
import sys
from pathlib import Path
from labelscape.ml_backend.server.events import Event, EventQueue

queue = EventQueue(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    queue.put(Event(f"key-{number}", "ANNOTATION_CREATED", 3, [number], [{"id": number}]))
    print(number, flush=True)
"""


def event(number: int, project: int = 3) -> Event:
    return Event(f"key-{number}", "ANNOTATION_CREATED", project, [number], [{"id": number}])


def keys(events: list[Event]) -> list[str]:
    return [event.key for event in events]


def test_every_recorded_event_names_its_project_tasks_and_annotations(webhook_request: Any) -> None:
    body = webhook_request.body
    parsed = parse_event(body)
    annotation = body.get("annotation", [])
    annotations = body.get("annotations") or (annotation if isinstance(annotation, list) else [annotation])
    task = body.get("task", [])
    tasks = body.get("tasks") or (task if isinstance(task, list) else [task])
    assert (parsed.action, parsed.project) == (body["action"], body["project"]["id"])
    assert parsed.tasks == [task["id"] for task in tasks]
    assert [each["id"] for each in parsed.annotations] == [each["id"] for each in annotations]
    assert [each.get("result") for each in parsed.annotations] == [each.get("result") for each in annotations]
    assert (parsed.label_config == body["project"]["label_config"]) == (body["action"] == "PROJECT_UPDATED")


def test_the_recordings_hold_every_kind_of_annotation_event() -> None:
    payloads = Path(__file__).parent / "payloads"
    text = "".join(file.read_text() for file in payloads.glob("*.json"))
    for action in ("ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"):
        assert f'"{action}"' in text


def test_neither_the_projects_token_nor_a_tasks_data_is_stored(queue: EventQueue, tmp_path: Path) -> None:
    annotation = {"id": 1, "task": 36, "result": [], "unique_id": "marker-1", "prediction": {"x": "marker-2"}}
    project = {"id": 3, "token": "marker-3", "task_data_password": "marker-4", "title": "marker-5"}
    body = {"action": "ANNOTATION_CREATED", "annotation": annotation, "project": project, "task": {"data": "marker-6"}}
    queue.put(parse_event(body))
    assert set(queue.pending()[0].annotations[0]) <= set(ANNOTATION_FIELDS)
    stored = b"".join(file.read_bytes() for file in (tmp_path / "label-studio").iterdir())
    assert b'"task": 36' in stored
    assert b"marker" not in stored


def test_an_event_sent_twice_is_kept_once(queue: EventQueue, webhook_request: Any) -> None:
    first, again = parse_event(webhook_request.body), parse_event(json.loads(json.dumps(webhook_request.body)))
    assert queue.put(first)
    asked_twice = first.action == "START_TRAINING"  # each asks for a refresh of its own
    assert queue.put(again) == asked_twice
    assert queue.depth() == 1 + asked_twice


@pytest.mark.parametrize(
    "change", [{"result": [{"value": 1}]}, {"updated_at": "2026-11-20T22:59:43Z"}, {"was_cancelled": True}, {"id": 2}]
)
def test_another_state_of_an_annotation_is_another_event(change: dict[str, Any]) -> None:
    annotation = {"id": 1, "task": 36, "result": [], "was_cancelled": False, "updated_at": "2026-11-20T22:59:42Z"}
    body = {"action": "ANNOTATION_UPDATED", "annotation": annotation, "project": {"id": 3}}
    assert parse_event(body).key != parse_event(body | {"annotation": annotation | change}).key


@pytest.mark.parametrize("change", [{"updated_at": "later"}, {"label_config": "<View></View>"}])
def test_a_project_updated_again_is_another_event(change: dict[str, Any]) -> None:
    project = {"id": 3, "label_config": "<View/>", "updated_at": "now"}
    body = {"action": "PROJECT_UPDATED", "project": project}
    assert parse_event(body).key != parse_event(body | {"project": project | change}).key


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "ANNOTATION_EXPLODED", "project": {"id": 3}},
        {"action": "PROJECT_UPDATED", "project": 3},
        {"action": "PROJECT_UPDATED", "project": {"id": 3}},
        {"action": "TASKS_CREATED", "project": {"id": 3}, "tasks": [3]},
        {"action": "TASKS_CREATED", "project": {"id": 3}, "tasks": [{"id": "3"}]},
        {"action": "TASKS_CREATED", "project": {}, "tasks": []},
        {"action": "ANNOTATION_CREATED", "project": {"id": 3}, "annotation": 3},
        {"action": "ANNOTATION_CREATED", "project": {"id": 3}, "annotation": {"task": 3}},
        {"action": "ANNOTATION_CREATED", "project": {"id": 3}, "annotation": {"id": 3}},
    ],
)
def test_a_malformed_event_is_refused_in_a_sentence(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_event(body)


def test_events_wait_in_the_order_in_which_they_came(queue: EventQueue) -> None:
    for number in (3, 1, 2):
        queue.put(event(number, project=9 if number == 1 else 3))
    assert keys(queue.pending()) == ["key-3", "key-1", "key-2"]
    assert keys(queue.pending(3)) == ["key-3", "key-2"]
    assert keys(queue.pending(limit=2)) == ["key-3", "key-1"]
    assert dataclasses.replace(queue.pending()[1], number=0) == event(1, project=9)


def test_a_finished_event_waits_no_more_and_stays_known(queue: EventQueue) -> None:
    for number in range(4):
        queue.put(event(number))
    queue.finish([waiting.number for waiting in queue.pending()[:3]])
    assert keys(queue.pending()) == ["key-3"]
    assert queue.depth() == 1
    assert not queue.put(event(0))


def test_a_key_is_forgotten_after_days(queue: EventQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.put(event(0))
    queue.finish([queue.pending()[0].number])
    later = time.time() + DAYS_KNOWN * 86_400 + 1
    monkeypatch.setattr(time, "time", lambda: later)
    queue.finish([])
    assert queue.put(event(0))


def test_an_event_that_keeps_failing_is_set_aside_and_the_next_one_is_processed(queue: EventQueue) -> None:
    queue.put(event(0))
    queue.put(event(1))
    poison = queue.pending()[0].number
    assert [queue.fail(poison, f"reason {attempt}") for attempt in range(ATTEMPTS - 1)] == list(range(1, ATTEMPTS))
    assert keys(queue.pending()) == ["key-0", "key-1"]
    assert queue.fail(poison, "the last reason") == ATTEMPTS
    assert keys(queue.pending()) == ["key-1"]
    assert queue.set_aside() == {poison: "the last reason"}
    assert queue.depth() == 1
    assert not queue.put(event(0))


def test_waiting_ends_at_once_when_an_event_comes(queue: EventQueue) -> None:
    assert not queue.wait(0.01)
    threading.Timer(0.05, queue.put, [event(0)]).start()
    started = time.monotonic()
    assert queue.wait(10)
    assert time.monotonic() - started < 5
    assert not queue.wait(0.01)


def test_a_second_server_on_the_same_folder_is_refused_in_a_sentence(queue: EventQueue, tmp_path: Path) -> None:
    path = tmp_path / "label-studio" / "events.db"
    with pytest.raises(ValueError, match="Another `labelscape serve`"):
        EventQueue(path)
    child = subprocess.run([sys.executable, "-c", PUTTING, str(path), "1"], capture_output=True, text=True)
    assert "Another `labelscape serve`" in child.stderr
    queue.close()
    EventQueue(path).close()


def test_nobody_else_may_look_into_the_queues_folder(queue: EventQueue, tmp_path: Path) -> None:
    assert (tmp_path / "label-studio").stat().st_mode & 0o077 == 0


def test_fifty_annotators_who_submit_at_once_lose_nothing(queue: EventQueue) -> None:
    with ThreadPoolExecutor(50) as annotators:
        kept = list(annotators.map(queue.put, [event(number % 400) for number in range(500)]))
    assert sum(kept) == 400
    assert sorted(keys(queue.pending())) == sorted(f"key-{number}" for number in range(400))


@pytest.mark.slow
@pytest.mark.parametrize("killed_after", [1, 137, 500])
def test_a_killed_server_loses_no_acknowledged_event_and_keeps_none_twice(tmp_path: Path, killed_after: int) -> None:
    path = tmp_path / "events.db"
    child = subprocess.Popen([sys.executable, "-c", PUTTING, str(path), "100000"], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    acknowledged = [int(child.stdout.readline()) for _ in range(killed_after)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert child.wait() == -signal.SIGKILL
    queue = EventQueue(path)
    kept = keys(queue.pending(limit=100_000))
    assert kept[: len(acknowledged)] == [f"key-{number}" for number in acknowledged]
    assert len(kept) <= len(acknowledged) + 1  # the one that was stored and not acknowledged yet
    for number in range(len(kept) + 10):  # the same events once more, and then new ones
        queue.put(event(number))
    assert keys(queue.pending(limit=100_000)) == [f"key-{number}" for number in range(len(kept) + 10)]
    queue.close()
