import json
from typing import Any

import pytest
from labelscape.ml_backend.server.protocol import no_prediction, parse_body, parse_predict, parse_project


def parse(body: Any) -> Any:
    return parse_predict(json.dumps(body).encode(), most_tasks=10)


TASK = {"id": 7, "data": {"image": "/data/upload/1/a.png"}}
BODY = {"project": "3.1795215554", "tasks": [TASK], "label_config": "<View/>", "params": {"context": None}}


def test_recorded_tasks_arrive_in_their_order(predict_request: Any) -> None:
    request = parse(predict_request.body)
    sent = predict_request.body["tasks"]
    assert [task.id for task in request.tasks] == [task["id"] for task in sent]
    assert [task.data for task in request.tasks] == [task["data"] for task in sent]
    assert [task.annotations for task in request.tasks] == [task["annotations"] for task in sent]
    assert [task.predictions for task in request.tasks] == [task["predictions"] for task in sent]
    assert request.project == int(predict_request.body["project"].split(".")[0])
    assert request.context == predict_request.body["params"]["context"]


def test_the_label_config_is_not_read() -> None:
    assert parse(BODY | {"label_config": 3}) == parse(BODY)


def test_a_task_without_annotations_and_params_is_taken() -> None:
    request = parse({"project": 3, "tasks": [TASK]})
    assert (request.tasks[0].annotations, request.tasks[0].predictions, request.context) == ([], [], None)


@pytest.mark.parametrize(("sent", "project"), [(3, 3), ("3", 3), ("3.1795215554", 3), ("3.", 3)])
def test_a_project_is_known_by_its_id_alone(sent: object, project: int) -> None:
    assert parse_project(sent) == project


@pytest.mark.parametrize("sent", [None, True, -3, 3.5, "", "three", "3.x", "3\n", "٣", "9" * 19, 10**30, [3], {}])
def test_what_is_no_project_is_refused(sent: object) -> None:
    with pytest.raises(ValueError, match="does not name a project"):
        parse_project(sent)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"tasks": None}, "'tasks'"),
        ({"tasks": {}}, "'tasks'"),
        ({"tasks": [3]}, "is not a JSON object"),
        ({"tasks": [{"id": "7", "data": {}}]}, "'id'"),
        ({"tasks": [{"id": True, "data": {}}]}, "'id'"),
        ({"tasks": [{"id": 7}]}, "'data'"),
        ({"tasks": [TASK | {"annotations": [3]}]}, "'annotations'"),
        ({"tasks": [TASK | {"predictions": {}}]}, "'predictions'"),
        ({"tasks": [TASK] * 11}, "11 tasks .* at most 10"),
        ({"project": None}, "does not name a project"),
        ({"params": []}, "'params'"),
        ({"params": {"context": "x"}}, "'context'"),
    ],
)
def test_a_malformed_request_is_refused_in_a_sentence(change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        parse(BODY | change)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\xfd", b"[" * 100_000, b"9" * 5_000, b"[]", b"null", b'"text"'])
def test_a_body_that_is_no_object_is_refused_without_being_quoted(body: bytes) -> None:
    with pytest.raises(ValueError, match="JSON") as refusal:
        parse_body(body)
    assert len(str(refusal.value)) < 60
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


def test_no_prediction_is_nothing_to_save_and_an_object_while_drawing() -> None:
    assert no_prediction(parse(BODY)) == []
    assert no_prediction(parse(BODY | {"params": {"context": {"result": []}}})) == {"result": []}
