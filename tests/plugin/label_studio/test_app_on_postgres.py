"""Label Studio on PostgreSQL, as teams run it, with the app."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from labelscape.testing.label_studio import QUICK_PACE, USER, LabelscapeServer, LabelStudioServer, label_studio_with_app
from labelscape.testing.postgres import PostgresServer, installed_postgres

from ...ml_backend.server.projects import eventually
from .conftest import Desk, Person, set_up_desk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(installed_postgres() is None, reason="no PostgreSQL with pg_trgm and btree_gin is installed"),
]
COLUMN = "tasks:data.ls_outlier"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("postgres")


@pytest.fixture(scope="module")
def backend(folder: Path, database: None) -> Iterator[LabelscapeServer]:
    server = LabelscapeServer(folder / "labelscape", QUICK_PACE)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def studio(folder: Path, backend: LabelscapeServer) -> Iterator[LabelStudioServer]:
    """Label Studio, its migrations done on a new PostgreSQL."""
    programs = installed_postgres()
    assert programs is not None
    postgres = PostgresServer(programs)
    server = label_studio_with_app(folder / "label-studio", backend)
    server.configure(postgres.environment)
    server.start()
    with psycopg2.connect(postgres.url) as connection, connection.cursor() as cursor:
        # The datasets of all Label Studios of a test run share one database and are named by the project's number.
        cursor.execute("ALTER SEQUENCE project_id_seq RESTART WITH 200001")
    yield server
    server.stop()
    postgres.stop()


@pytest.fixture(scope="module")
def desk(studio: LabelStudioServer, backend: LabelscapeServer) -> Desk:
    owner = Person(studio.url, USER)
    owner.log_in()
    return set_up_desk(studio, backend, owner)


def listed(desk: Desk, ordering: str, least: float) -> list[float]:
    """The outlier scores of the tasks that a tab of the Data Manager shows, filtered and in its order."""
    item = {"filter": f"filter:{COLUMN}", "operator": "greater_or_equal", "type": "Number", "value": least}
    data = {
        "title": "Scores",
        "ordering": [ordering],
        "filters": {"conjunction": "and", "items": [item]},
        "columnsDisplayType": {COLUMN: "Number"},
    }
    view = desk.owner.ask("POST", "api/dm/views/", {"project": desk.project.id, "data": data}).json()["id"]
    shown = desk.owner.ask("GET", f"api/tasks?view={view}&project={desk.project.id}&page_size=200").json()["tasks"]
    desk.owner.ask("DELETE", f"api/dm/views/{view}/")
    return [task["data"]["ls_outlier"] for task in shown]


def test_actions_label_and_are_undone(desk: Desk) -> None:
    before = desk.annotated()
    seed = next(task for task in desk.project.unlabeled() if desk.project.digits[task] == "0")
    values: dict[str, Any] = {"label": "0", "reach": "4", "as": "annotations"}
    shown = desk.owner.ask("POST", desk.path("actions/label_neighbors/preview"), desk.selection([seed], **values))
    assert shown.json()["numbers"]["neighbors"] == 4
    assert desk.annotated() == before
    done = desk.run(desk.owner, "label_neighbors", [seed], **values)
    assert done["outcome"]["numbers"]["written"] == 5
    assert len(desk.annotated()) == len(before) + 5
    assert desk.run(desk.owner, "undo", [])["outcome"]["numbers"] == {"undone": 5}
    assert desk.annotated() == before


def test_columns_sort_and_filter_as_numbers(desk: Desk) -> None:
    assert desk.run(desk.owner, "rank_outliers", list(desk.project.digits))["outcome"]["numbers"]["ranked"] == 120
    scores = [score for data in desk.project.data().values() if (score := data.get("ls_outlier"))]
    assert len(scores) > 20
    middle = sorted(scores)[len(scores) // 2]
    expected = sorted(score for score in scores if score >= middle)
    assert listed(desk, COLUMN, middle) == expected
    assert listed(desk, f"-{COLUMN}", middle) == expected[::-1]


def test_segments_searches_and_the_map_filter_tasks(desk: Desk) -> None:
    zeros = [task for task, digit in desk.project.digits.items() if digit == "0"][:4]
    assert desk.run(desk.owner, "create_segment", zeros, name="Zeros", kind="data quality")["state"] == "done"
    [tab] = [one for one in desk.project.tabs() if one["data"]["title"] == "Zeros · segment"]
    path = f"api/tasks?view={tab['id']}&project={desk.project.id}&page_size=200"
    assert {task["id"] for task in desk.owner.ask("GET", path).json()["tasks"]} == set(zeros)
    assert desk.run(desk.owner, "find_similar", zeros, limit="5")["outcome"]["numbers"] == {"found": 5}
    assert desk.run(desk.owner, "undo", [])["state"] == "done"
    shown = eventually("the map", lambda: (answer := desk.owner.ask("GET", desk.path("map"))).ok and answer.json())
    assert set(shown["tasks"]) == set(desk.project.digits)


def test_a_submit_changes_the_predictions_of_others_in_one_request(desk: Desk) -> None:
    scores = {task: one["score"] for task, one in desk.project.predictions(unlabeled=True).items()}
    task = min(scores, key=scores.__getitem__)
    desk.project.annotate(task)

    def changed() -> bool:
        now = desk.project.predictions(unlabeled=True)
        return any(one["score"] != scores[number] for number, one in now.items())

    eventually("changed predictions", changed)
    assert f"/labelscape/api/projects/{desk.project.id}/bulk/predictions" in desk.project.studio.log()
