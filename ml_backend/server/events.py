"""Events of Label Studio, stored on disk until they are processed."""

import hashlib
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Refusal
from .protocol import expect, objects, parse_project

ATTEMPTS = 5
DAYS_KNOWN = 7  # a project with two webhooks sends each event twice within a second

_ANNOTATIONS_UNDER = {  # the name that the annotations have in the body (Label Studio 1.23)
    "ANNOTATION_CREATED": "annotation",
    "ANNOTATIONS_CREATED": "annotation",
    "ANNOTATION_UPDATED": "annotation",
    "ANNOTATIONS_DELETED": "annotations",
}
TASK_ACTIONS = ("TASKS_CREATED", "TASKS_DELETED")
ACTIONS = (*_ANNOTATIONS_UNDER, *TASK_ACTIONS, "PROJECT_UPDATED", "START_TRAINING")
# The body also has the project's token and the tasks' data; only these fields of an annotation are kept.
ANNOTATION_FIELDS = (
    "id",
    "task",
    "result",
    "was_cancelled",
    "ground_truth",
    "created_at",
    "updated_at",
    "completed_by",
    "updated_by",
    "lead_time",
    "parent_prediction",
    "parent_annotation",
)


@dataclass(frozen=True)
class Event:
    """One call of the webhook.

    Attributes:
        key: equal where the same event was sent twice.
        action: one of `ACTIONS`; ``START_TRAINING`` asks for a refresh of the project.
        project: the project's id.
        tasks: ids of the tasks concerned; ``ANNOTATIONS_DELETED`` names none.
        annotations: the annotations concerned, with `ANNOTATION_FIELDS`; of deleted ones the ``id`` alone.
        label_config: the labeling configuration after ``PROJECT_UPDATED``, else None.
        number: its place in the queue; 0 = not queued yet.
    """

    key: str
    action: str
    project: int
    tasks: list[int]
    annotations: list[dict[str, Any]]
    label_config: str | None = None
    number: int = 0


def parse_event(body: dict[str, Any]) -> Event:
    """The event in a webhook's body.

    Raises:
        ValueError: the body is malformed, or its action is none of `ACTIONS`
    """
    action = expect(body, "action", str)
    if action not in ACTIONS:
        raise ValueError("The request's action is unknown.")
    project = expect(body, "project", dict)
    annotations = _annotations(body, action)
    if action in TASK_ACTIONS:
        tasks = [expect(task, "id", int) for task in objects(body, "tasks")]
    elif action == "ANNOTATIONS_DELETED":
        tasks = []
    else:
        tasks = list(dict.fromkeys(expect(annotation, "task", int) for annotation in annotations))
    updated = action == "PROJECT_UPDATED"
    content = {
        "action": action,
        "project": parse_project(project.get("id")),
        "tasks": tasks,
        "annotations": annotations,
        "label_config": expect(project, "label_config", str) if updated else None,
    }
    return Event(key=_key(content, project.get("updated_at") if updated else None), **content)


def _annotations(body: dict[str, Any], action: str) -> list[dict[str, Any]]:
    """The annotations in the body, with the fields that are kept; even a bulk action names them in the singular."""
    if action not in _ANNOTATIONS_UNDER:
        return []
    name = _ANNOTATIONS_UNDER[action]
    listed = objects({name: [body[name]]} if isinstance(body.get(name), dict) else body, name)
    for annotation in listed:
        expect(annotation, "id", int)
    return [{field: annotation[field] for field in ANNOTATION_FIELDS if field in annotation} for annotation in listed]


def _key(content: dict[str, Any], updated_at: object) -> str:
    if content["action"] == "START_TRAINING":
        return uuid.uuid4().hex  # a request rather than a fact: two identical requests are two events
    try:
        canonical = json.dumps([content, updated_at], sort_keys=True)
    except RecursionError:
        raise ValueError("The request's body is nested too deeply.") from None
    return hashlib.sha256(canonical.encode()).hexdigest()


_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    action TEXT NOT NULL,
    project INTEGER NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'finished', 'set aside')),
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    finished_at REAL,
    queued_at REAL
);
CREATE INDEX IF NOT EXISTS by_state ON events (state, number);
CREATE INDEX IF NOT EXISTS by_finish ON events (finished_at);
"""


class EventQueue:
    """Events in the order in which they arrived, in an SQLite file that survives crashes and power cuts.

    For any number of threads, but only one process: the file stays locked until `close`.
    """

    def __init__(self, path: Path) -> None:
        """Open the queue, or create it.

        Raises:
            Refusal: another process has it open
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._arrived = threading.Event()
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=0, check_same_thread=False)
        try:
            # SQLite then keeps its lock on the file; if the process is killed, the kernel releases it.
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            self._add_missing_column()
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" not in str(error):
                raise
            raise Refusal(f"Another `labelscape serve` is using {path.parent}; stop it first.") from error

    def _add_missing_column(self) -> None:
        """Add the arrival time, which a queue of version 0.1.0 lacks."""
        names = {row[1] for row in self._connection.execute("PRAGMA table_info(events)")}
        if "queued_at" not in names:
            with self._connection:
                self._connection.execute("ALTER TABLE events ADD COLUMN queued_at REAL")

    def put(self, event: Event) -> bool:
        """Store the event; it is on disk when this returns. False = it was already known."""
        payload = json.dumps(
            {"tasks": event.tasks, "annotations": event.annotations, "label_config": event.label_config}
        )
        with self._lock, self._connection:
            added = self._connection.execute(
                "INSERT OR IGNORE INTO events (key, action, project, payload, queued_at) VALUES (?, ?, ?, ?, ?)",
                (event.key, event.action, event.project, payload, time.time()),
            ).rowcount
        self._arrived.set()
        return added == 1

    def pending(self, project: int | None = None, limit: int = 1_000) -> list[Event]:
        """At most `limit` waiting events, of one project or of all, oldest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT number, key, action, project, payload FROM events"
                " WHERE state = 'pending' AND (?1 IS NULL OR project = ?1) ORDER BY number LIMIT ?2",
                (project, limit),
            ).fetchall()
        return [
            Event(number=number, key=key, action=action, project=project, **json.loads(payload))
            for number, key, action, project, payload in rows
        ]

    def finish(self, numbers: Sequence[int]) -> None:
        """Mark these events as processed. Their keys stay known for `DAYS_KNOWN` days."""
        now = time.time()
        with self._lock, self._unsynced():
            self._connection.executemany(
                "UPDATE events SET state = 'finished', payload = '', finished_at = ? WHERE number = ?",
                [(now, number) for number in numbers],
            )
            self._connection.execute("DELETE FROM events WHERE finished_at < ?", (now - DAYS_KNOWN * 86_400,))

    @contextmanager
    def _unsynced(self) -> Iterator[None]:
        """A transaction that a power failure may undo: processing an event twice is harmless.

        It does not wait for the disk, so no new event has to wait for it.
        """
        self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            with self._connection:
                yield
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")

    def projects(self) -> list[int]:
        """The projects with waiting events."""
        with self._lock:
            rows = self._connection.execute("SELECT DISTINCT project FROM events WHERE state = 'pending'").fetchall()
        return [project for (project,) in rows]

    def drop(self, project: int) -> int:
        """Drop the waiting events of this project; returns how many there were."""
        with self._lock, self._connection:
            return self._connection.execute(
                "UPDATE events SET state = 'finished', payload = '', finished_at = ?"
                " WHERE state = 'pending' AND project = ?",
                (time.time(), project),
            ).rowcount

    def fail(self, number: int, reason: str) -> int:
        """Record that processing this event failed. After `ATTEMPTS` failures it is set aside.

        Returns:
            How often it has failed by now.
        """
        with self._lock, self._connection:
            self._connection.execute(
                "UPDATE events SET attempts = attempts + 1, reason = ?,"
                " state = CASE WHEN attempts + 1 >= ? THEN 'set aside' ELSE state END WHERE number = ?",
                (reason, ATTEMPTS, number),
            )
            query = "SELECT attempts FROM events WHERE number = ?"
            return int(self._connection.execute(query, (number,)).fetchone()[0])

    def set_aside(self) -> dict[int, str]:
        """Event number → why the event, now set aside, failed."""
        with self._lock:
            return dict(self._connection.execute("SELECT number, reason FROM events WHERE state = 'set aside'"))

    def depth(self, project: int | None = None) -> int:
        """The number of waiting events, of one project or of all."""
        with self._lock:
            query = "SELECT count(*) FROM events WHERE state = 'pending' AND (?1 IS NULL OR project = ?1)"
            return int(self._connection.execute(query, (project,)).fetchone()[0])

    def oldest_seconds(self, project: int | None = None) -> float:
        """How long the oldest waiting event has waited, of one project or of all; 0 if there is none."""
        with self._lock:
            query = "SELECT min(queued_at) FROM events WHERE state = 'pending' AND (?1 IS NULL OR project = ?1)"
            queued_at = self._connection.execute(query, (project,)).fetchone()[0]
        return 0.0 if queued_at is None else max(0.0, time.time() - queued_at)

    def wait(self, timeout: float) -> bool:
        """Wait for an event that came after the last `wait` returned; False = none within `timeout` seconds."""
        arrived = self._arrived.wait(timeout)
        self._arrived.clear()
        return arrived

    def close(self) -> None:
        """Unlock the file; afterwards, the queue cannot be used."""
        with self._lock:
            self._connection.close()
