"""No request, however odd, makes the backend fail: recorded ones with arbitrary values inserted, and arbitrary ones."""

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.server.app import create_app
from labelscape.ml_backend.server.events import EventQueue
from starlette.testclient import TestClient

from .conftest import PROJECTS, RECORDED, SECRET, FakeBackend

ROUTES = ("/setup", "/predict", "/webhook")
POSTED = [(request.path, request.body) for request in RECORDED if request.path in ROUTES]
# With lone surrogates, huge and special numbers.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            FakeBackend(ServerSettings(secret=SECRET, projects=PROJECTS)), EventQueue(Path(folder) / "events.db")
        )
        with TestClient(app, headers={"X-Labelscape-Secret": SECRET}, raise_server_exceptions=False) as opened:
            yield opened


def check(served: TestClient, route: str, body: bytes) -> None:
    answer = served.post(route, content=body)
    assert answer.status_code in (200, 201, 400, 403), answer.text
    if answer.status_code >= 400:
        detail = answer.json()["detail"]
        assert detail.endswith(".")
        assert "\n" not in detail
        assert len(detail) < 200
    elif route == "/predict":
        assert len(answer.json()["results"]) == len(json.loads(body)["tasks"])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value within a JSON value."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_recorded_request_with_anything_put_in_is_answered_or_refused(
    served: TestClient, data: st.DataObject
) -> None:
    route, body = data.draw(st.sampled_from(POSTED))
    for _ in range(data.draw(st.integers(1, 3))):
        body = put(body, data.draw(st.sampled_from(list(places(body)))), data.draw(JSON))
    check(served, route, json.dumps(body).encode())


@settings(max_examples=200, deadline=None)
@given(route=st.sampled_from(ROUTES), body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_at_all_is_answered_or_refused(served: TestClient, route: str, body: bytes) -> None:
    check(served, route, body)


@pytest.mark.parametrize("depth", [*range(100, 1_100, 20), 100_000])
def test_nesting_of_any_depth_is_answered_or_refused(served: TestClient, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    annotation = f'"annotation": {{"id": 1, "task": 1, "result": {nested}}}'
    event = f'{{"action": "ANNOTATION_CREATED", "project": {{"id": 3}}, {annotation}}}'
    assert served.post("/webhook", content=event).status_code in (201, 400)
    predict = f'{{"project": 3, "tasks": [{{"id": 1, "data": {{"x": {nested}}}}}]}}'
    assert served.post("/predict", content=predict).status_code in (200, 400)
