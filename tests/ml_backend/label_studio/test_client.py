"""How the client handles Label Studio's responses."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.client import (
    LabelStudio,
    LabelStudioDown,
    LabelStudioError,
    LabelStudioUnauthorized,
)

PREDICTION = {"result": [], "score": 0.5, "model_version": "v"}


@pytest.fixture
def no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "label_studio_sdk", None)


@pytest.mark.usefixtures("no_sdk")
def test_without_the_sdk_the_extra_that_brings_it_is_named() -> None:
    with pytest.raises(Refusal, match=r"Working with Label Studio .*pip install 'labelscape\[label-studio\]'"):
        LabelStudio("http://127.0.0.1:8080", "token")


@pytest.mark.parametrize("kept", [0, 1])
def test_predictions_that_an_import_left_out_are_sent_again(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("refresh/"):
            return httpx.Response(200, json={"access": token(1_000, "access")})
        sent.append((request.url.path, json.loads(request.content)))
        return httpx.Response(201, json={"task_ids": [7, 8], "prediction_count": kept, "created": 1})

    studio = studio_that(answer, monkeypatch)
    tasks = [{"data": {"image": "a"}, "predictions": [PREDICTION]}, {"data": {"image": "b"}}]
    assert studio.import_tasks(3, tasks) == [7, 8]
    again = [("/api/projects/3/import/predictions", [{"task": 7, **PREDICTION}])]
    assert sent[1:] == ([] if kept else again)


def test_projects_beyond_the_first_hundred_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    projects = [{"id": number} for number in range(250, 0, -1)]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("refresh/"):
            return httpx.Response(200, json={"access": token(1_000, "access")})
        end = int(request.url.params["page"]) * 100  # never more on a page, whatever is requested
        following = "http://inside:8080/…" if end < len(projects) else None
        return httpx.Response(200, json={"results": projects[end - 100 : end], "next": following})

    assert studio_that(answer, monkeypatch).projects() == projects


def test_removing_a_column_keeps_the_addresses_of_files_in_cloud_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {"image": "s3://bucket/a.jpg", "mine": 1, "labelscape_cluster": 3.0}
    written: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("refresh/"):
            return httpx.Response(200, json={"access": token(1_000, "access")})
        if request.method == "PATCH":
            written.append(json.loads(request.content)["data"])
            return httpx.Response(200, json={})
        # As Label Studio (1.23) does: addresses are replaced unless the request says otherwise.
        as_stored = request.url.params.get("resolve_uri") == "false"
        image = stored["image"] if as_stored else "/tasks/7/resolve/?fileuri=czM6Ly9idWNrZXQvYS5qcGc="
        return httpx.Response(200, json={"id": 7, "data": {**stored, "image": image}})

    studio_that(answer, monkeypatch).remove_columns(7, ["labelscape_cluster"])
    assert written == [{"image": "s3://bucket/a.jpg", "mine": 1}]


@pytest.mark.parametrize("deletions", [1, 100])
def test_a_task_that_a_page_lacks_because_another_one_was_deleted_is_read_again(
    deletions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = list(range(1, 301))
    deleted: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("refresh/"):
            return httpx.Response(200, json={"access": token(1_000, "access")})
        start = 2 * int(request.url.params["page"]) - 2  # two tasks a page, whatever is requested
        shown = [{"id": number, "data": {"image": "a\ud83d"}} for number in there[start : start + 2]]
        total = len(there)
        if start == 0 and request.url.params["include"] != "id" and len(deleted) < deletions:
            deleted.append(there.pop(0))
        return httpx.Response(200, content=json.dumps({"tasks": shown, "total": total}).encode())

    studio = studio_that(answer, monkeypatch)
    if deletions > 3:
        with pytest.raises(LabelStudioDown, match="1 of the tasks of project 3 could not be read"):
            studio.task_data(3)
    else:
        assert studio.task_data(3) == {number: {"image": "a\ufffd"} for number in range(2, 301)}


def test_a_task_that_is_added_while_tasks_are_read_does_not_hold_them_up(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [1, 2]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("refresh/"):
            return httpx.Response(200, json={"access": token(1_000, "access")})
        page = int(request.url.params["page"])  # of one task
        total = len(there)
        if page == 2:
            there.append(3)
        return httpx.Response(200, json={"tasks": [{"id": there[page - 1]}], "total": total})

    assert studio_that(answer, monkeypatch).task_ids(3) == [1, 2]


def token(seconds: float, kind: str) -> str:
    return jwt.encode({"token_type": kind, "exp": int(time.time() + seconds)}, "k" * 32, algorithm="HS256")


def studio_that(answers: Callable[[httpx.Request], httpx.Response], monkeypatch: pytest.MonkeyPatch) -> LabelStudio:
    class Client(httpx.Client):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options, transport=httpx.MockTransport(answers))

    monkeypatch.setattr(httpx, "Client", Client)
    return LabelStudio("http://localhost:8080", token(1_000, "refresh"))


def test_an_access_token_that_runs_out_on_its_way_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    paths: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.path.endswith("refresh/"):
            return httpx.Response(200, json={"access": token(1_000, "access")})
        first = paths.count(request.url.path) == 1
        return httpx.Response(401, json={}) if first else httpx.Response(200, json={"id": 3})

    assert studio_that(answers, monkeypatch).project(3) == {"id": 3}


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, LabelStudioUnauthorized, "has expired, or was revoked"),
        (429, LabelStudioDown, "at the moment"),
        (503, LabelStudioDown, "at the moment"),
    ],
)
def test_a_label_studio_in_trouble_is_no_wrong_token(
    status: int, kind: type[LabelStudioError], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = studio_that(lambda _: httpx.Response(status, json={"detail": "x"}), monkeypatch)
    with pytest.raises(kind, match=said) as raised:
        studio.project(3)
    assert type(raised.value) is kind


def test_a_page_in_place_of_a_token_says_that_label_studio_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    studio = studio_that(lambda _: httpx.Response(502, text="<html>Bad gateway</html>"), monkeypatch)
    with pytest.raises(LabelStudioDown, match="cannot be reached"):
        studio.project(3)
