"""The Label Studio backend beside a bare import, on a real Label Studio: `python benchmarks/label_studio.py [tasks]`.

With `--app`, Label Studio runs with the Labelscape app, which writes changed predictions in one request.
Needs `scripts/setup label-studio` and FiftyOne's database, in which it uses a database of its own, dropped at the end.
Images are shifted, noisy digits, all different. Times of predictions end with what Label Studio's own database holds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sqlite3
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import requests
from labelscape.testing.label_studio import LABELSCAPE, LabelscapeServer, LabelStudioServer, label_studio_with_app

LABELED = 200
SUBMITS = 10
CALLS = 200
PREDICT = 1_000
CONFIG = (
    '<View><Image name="image" value="$image"/><Choices name="digit" toName="image">'
    + "".join(f'<Choice value="{digit}"/>' for digit in range(10))
    + "</Choices></View>"
)


class Bench:
    """One project of `n` tasks in a Label Studio, and the backend that serves it."""

    def __init__(self, folder: Path, n: int, with_app: bool) -> None:
        self.n = n
        self.server = LabelscapeServer(folder / "labelscape")
        place = folder / "label-studio"
        self.studio = label_studio_with_app(place, self.server) if with_app else LabelStudioServer(place)
        self.digits = write_images(self.studio.media / "digits", n + PREDICT)

    def measure(self) -> None:
        """Run everything and print a line for each."""
        self.studio.start()
        self.server.start()
        self.project = self.create_project(range(self.n), LABELED)
        begun = time.time()
        self.connect()
        published = self.published(begun, self.n - LABELED)
        show("connect → all predictions there, embedding included", at(published) - begun)
        [suggested] = self.lines("suggested", begun, until=at(published))[-1:]
        ours = at(published) - at(suggested)
        bare = self.import_bare()
        show(f"publishing {self.n - LABELED:,} predictions", ours)
        show("one bare import call of the same", bare)
        show("ratio (bar 1.5)", ours / bare, "")
        self.until_quiet(40)  # map, rankings, columns and tabs are made
        self.measure_routes("idle")
        self.measure_submits()
        self.measure_predict()

    def stop(self) -> None:
        """End both servers, and drop their FiftyOne database."""
        from fiftyone.core.odm import drop_database

        self.server.stop()
        self.studio.stop()
        drop_database()

    def create_project(self, rows: range, labeled: int) -> int:
        """A project of these images, the first of them labeled right; its id."""
        project = int(self.studio.ask("POST", "projects/", json={"title": "digits", "label_config": CONFIG})["id"])
        storage = {"project": project, "path": str(self.studio.media), "use_blob_urls": True, "title": "files"}
        self.studio.ask("POST", "storages/localfiles/", json=storage)
        self.import_tasks(project, rows, labeled)
        return project

    def import_tasks(self, project: int, rows: range, labeled: int = 0) -> None:
        """Add a task for each of these images."""
        tasks = [
            {
                "data": {"image": f"/data/local-files/?d=files/digits/{row}.png", "digit": str(self.digits[row])},
                "annotations": [{"result": chosen(self.digits[row])}] if place < labeled else [],
            }
            for place, row in enumerate(rows)
        ]
        self.studio.ask("POST", f"projects/{project}/import", json=tasks)

    def connect(self) -> None:
        """Connect the project as a user does."""
        words = ["--project", str(self.project), "--url", self.studio.url, "--token", self.studio.token]
        command = [str(LABELSCAPE), "connect", *words, "--backend", self.server.url]
        subprocess.run(command, env=os.environ | self.server.environment, check=True, stdout=subprocess.DEVNULL)

    def import_bare(self) -> float:
        """Seconds of one call that imports the predictions there are into another project of the same tasks."""
        other = self.create_project(range(self.n), 0)
        theirs = self.studio.ask("GET", "predictions/", params={"project": self.project})
        ids = self.rows("SELECT id FROM task WHERE project_id = ? ORDER BY id", self.project)
        twins = dict(zip(ids, self.rows("SELECT id FROM task WHERE project_id = ? ORDER BY id", other), strict=True))
        same = [
            {
                "task": twins[(row["task"],)][0],
                **{name: row[name] for name in ("result", "score", "model_version")},
            }
            for row in theirs
        ]
        begun = time.perf_counter()
        self.studio.ask("POST", f"projects/{other}/import/predictions", json=same)
        return time.perf_counter() - begun

    def measure_submits(self) -> None:
        """Annotate the least certain tasks, one after the other, and measure when predictions follow."""
        first, last, changed = [], [], []
        for _ in range(SUBMITS):
            [(task, digit)] = self.rows(
                "SELECT task.id, json_extract(task.data, '$.digit') FROM prediction JOIN task ON task.id = task_id"
                " WHERE prediction.project_id = ? AND NOT EXISTS"
                " (SELECT 1 FROM task_completion WHERE task_completion.task_id = task.id) ORDER BY score LIMIT 1",
                self.project,
            )
            begun = time.time()
            self.studio.ask("POST", f"tasks/{task}/annotations/", json={"result": chosen(digit)})
            suggested = at(self.suggested(begun))
            if self.until_changed(suggested, 10):
                first.append(time.time() - begun)
                self.until_quiet(8)
                last.append(at(self.published(suggested, 1)) - begun)
                changed.append(sum(line["predictions"] for line in self.lines("published", suggested)))
        show(f"submit → first new prediction (bar 5), median of {len(first)}", float(np.median(first)))
        show("submit → first new prediction, slowest", max(first))
        show("submit → last new prediction, median", float(np.median(last)))
        show("submit → last new prediction, slowest", max(last))
        show("predictions changed by a submit, median", float(np.median(changed)), "")

    def measure_predict(self) -> None:
        """Ask for predictions as “Retrieve predictions” does; saving them is not counted, that is Label Studio's."""
        tasks = self.tasks_as_asked(PREDICT)
        show(f"/predict of {PREDICT:,} known tasks (bar 2)", timed(lambda: self.predict(tasks)))
        # The backend must not learn of the new tasks before their predictions are requested.
        [webhook] = self.studio.ask("GET", "webhooks/", params={"project": self.project})
        self.studio.ask("PATCH", f"webhooks/{webhook['id']}/", json={"is_active": False})
        self.import_tasks(self.project, range(self.n, self.n + PREDICT))
        new = self.tasks_as_asked(PREDICT)
        show(f"/predict of {PREDICT:,} new tasks (bar 100)", timed(lambda: self.predict(new)))

    def predict(self, tasks: list[dict[str, Any]]) -> None:
        """One call of /predict."""
        body = {"tasks": tasks, "project": f"{self.project}.1", "label_config": CONFIG, "params": {"context": None}}
        answer = requests.post(f"{self.server.url}/predict", json=body, auth=self.secret, timeout=120)
        answered = sum(bool(result and result["result"]) for result in answer.json()["results"])
        print(f"    {answered:,} of {len(tasks):,} predicted")

    def measure_routes(self, when: str) -> None:
        """Response times of routes that must be cheap; the annotations belong to an unknown task."""
        body = {"action": "ANNOTATION_CREATED", "project": {"id": self.project}, "task": {"id": 1}}
        number = itertools.count(10**9)

        def webhook() -> requests.Response:
            annotation = {"id": next(number), "task": 10**9, "result": chosen(1), "updated_at": "2026-01-01T00:00:00Z"}
            return self.server.send({**body, "annotation": annotation})

        setup = {"project": f"{self.project}.1", "schema": CONFIG}
        for name, call in {
            "/health": lambda: self.server.get("health"),
            "/setup": lambda: requests.post(f"{self.server.url}/setup", json=setup, auth=self.secret, timeout=10),
            "/webhook": webhook,
        }.items():
            seconds = sorted(timed(call) for _ in range(CALLS))
            median, slow = seconds[CALLS // 2], seconds[int(0.99 * CALLS)]
            show(f"{name}, {when}, median and 99 % (bar 50)", 1e3 * median, f"ms  {1e3 * slow:.1f} ms")

    @property
    def secret(self) -> tuple[str, str]:
        """For basic authentication."""
        return "", self.server.settings["secret"]

    def tasks_as_asked(self, n: int) -> list[dict[str, Any]]:
        """The last `n` tasks, as Label Studio puts them into a request."""
        found = self.rows("SELECT id, data FROM task WHERE project_id = ? ORDER BY id DESC LIMIT ?", self.project, n)
        return [{"id": task, "data": json.loads(data), "annotations": [], "predictions": []} for task, data in found]

    def until_changed(self, since: float, seconds: float) -> bool:
        """Wait for a prediction that is newer than then; whether one comes."""
        moment = datetime.utcfromtimestamp(since).isoformat(" ")
        newer = "SELECT 1 FROM prediction WHERE project_id = ? AND updated_at > ? LIMIT 1"
        while time.time() - since < seconds:
            if self.rows(newer, self.project, moment):
                return True
            time.sleep(0.02)
        return False

    def until_quiet(self, seconds: float) -> None:
        """Wait until the backend has logged nothing but requests for a while."""
        while self.lines("", time.time() - seconds):
            time.sleep(0.5)

    def suggested(self, since: float) -> dict[str, Any]:
        """The log line of the first suggestions that were made after then."""
        while True:
            found = self.lines("suggested", since)
            if found:
                return found[0]
            time.sleep(0.02)

    def published(self, since: float, least: int) -> dict[str, Any]:
        """The log line that says that this many predictions were published."""
        while True:
            found = [line for line in self.lines("published", since) if line["predictions"] >= least]
            if found:
                return found[-1]
            time.sleep(0.2)

    def lines(self, event: str, since: float, until: float = float("inf")) -> list[dict[str, Any]]:
        """Lines of the backend's log of one kind; "" = of any, but requests."""
        read = [
            json.loads(line)
            for line in self.server.log().splitlines(keepends=True)
            if line[0] == "{" and line[-1] == "\n"
        ]
        matching = [line for line in read if line["event"] == event or (not event and line["event"] != "request")]
        return [line for line in matching if since <= at(line) <= until]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read Label Studio's own database, which neither waits nor makes it wait."""
        path = self.studio.folder / "data" / "label_studio.sqlite3"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return connection.execute(query, values).fetchall()


def write_images(folder: Path, n: int) -> np.ndarray:
    """Write `n` digits, each shifted and noisy in its own way; return the true ones (n,)."""
    import cv2
    from sklearn.datasets import load_digits

    data = load_digits()
    random = np.random.default_rng(0)
    chosen_rows = np.concatenate([random.permutation(len(data.images)) for _ in range(-(-n // len(data.images)))])[:n]
    folder.mkdir(parents=True)
    for row, source in enumerate(chosen_rows):
        image = np.kron(data.images[source] * (255 / 16), np.ones((8, 8)))
        moved = np.roll(image, random.integers(-6, 7, 2), (0, 1)) + random.normal(0, 12, image.shape)
        cv2.imwrite(str(folder / f"{row}.png"), moved.clip(0, 255).astype(np.uint8))
    return np.asarray(data.target[chosen_rows])


def chosen(digit: Any) -> list[dict[str, Any]]:
    return [{"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": [str(digit)]}}]


def at(line: dict[str, Any]) -> float:
    """When a line was logged, in seconds since 1970."""
    return datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00")).timestamp()


def timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def show(what: str, value: float, unit: str = "s") -> None:
    print(f"{what:<64} {value:>8.2f} {unit}", flush=True)


def main(n: int, with_app: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        os.environ["FIFTYONE_DATABASE_NAME"] = f"labelscape-benchmark-{uuid.uuid4().hex[:8]}"
        os.environ["FIFTYONE_SHOW_PROGRESS_BARS"] = "false"
        os.environ["FIFTYONE_BRAIN_CONFIG_PATH"] = str(Path(name, "brain_config.json"))
        bench = Bench(Path(name), n, with_app)
        try:
            bench.measure()
        finally:
            bench.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", type=int, nargs="?", default=10_000)
    parser.add_argument("--app", action="store_true", help="run Label Studio with the Labelscape app")
    arguments = parser.parse_args()
    main(arguments.tasks, arguments.app)
