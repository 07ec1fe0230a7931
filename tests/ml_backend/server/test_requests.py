"""What a request for an action may contain, before anything is done."""

import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.server.action_catalog import ACTIONS
from labelscape.ml_backend.server.actions_api import openapi_document
from labelscape.ml_backend.server.requests import Parameter, read_action_request

PARAMETERS = (
    Parameter("label", "string", "the label", required=True),
    Parameter("precision", "number", "the target", default=0.95, least=0.5, most=1),
    Parameter("negatives", "tasks", "what is not meant", default=()),
)


def test_missing_parameters_get_their_defaults() -> None:
    request = read_action_request({"tasks": [3, 3, 5], "label": "cat"}, PARAMETERS, takes_tasks=True)
    assert request.tasks == [3, 5]
    assert request.values == {"label": "cat", "precision": 0.95, "negatives": ()}


def test_an_empty_selection_is_refused_and_never_means_all_tasks() -> None:
    with pytest.raises(Refusal, match="Nothing is selected"):
        read_action_request({"tasks": [], "label": "cat"}, PARAMETERS, takes_tasks=True)


@pytest.mark.parametrize("number", [None, 0, -1, True, "120"])
def test_all_tasks_need_the_number_that_the_user_confirmed(number: object) -> None:
    with pytest.raises(Refusal, match="count"):
        read_action_request({"tasks": "all", "count": number, "label": "cat"}, PARAMETERS, takes_tasks=True)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"label": None}, "missing"),
        ({"label": 3}, "must be a text"),
        ({"label": "x" * 1001}, "at most 1,000 characters"),
        ({"precision": 1.5}, "between 0.5 and 1"),
        ({"precision": float("nan")}, "between 0.5 and 1"),
        ({"precision": True}, "must be a number"),
        ({"negatives": ["3"]}, "a list of task IDs"),
        ({"negatives": [2**63]}, "a list of task IDs"),
        ({"tasks": "some"}, "must be a list of task IDs"),
        ({"tasks": [0]}, "a list of task IDs"),
        ({"by": ["me"]}, "identifies the user"),
        ({"reach": 3}, "not a parameter"),
    ],
)
def test_a_malformed_request_is_refused_with_the_reason(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        read_action_request({"tasks": [3], "label": "cat", **wrong}, PARAMETERS, takes_tasks=True)


def test_the_openapi_document_describes_a_route_and_a_preview_for_every_action() -> None:
    paths = openapi_document()["paths"]
    for action in ACTIONS:
        described = paths[f"/v1/projects/{{project}}/{action.name}"]["post"]
        schema = described["requestBody"]["content"]["application/json"]["schema"]
        assert {parameter.name for parameter in action.parameters} <= set(schema["properties"])
        assert f"/v1/projects/{{project}}/{action.name}/preview" in paths
        assert "Idempotency-Key" in [parameter["name"] for parameter in described["parameters"]]
