"""How tests open a menu entry's form and run it, as the App does."""

import fiftyone.operators as foo
from fiftyone.operators.executor import ExecutionContext
from fiftyone.operators.registry import OperatorRegistry

PREFIX = "@labelscape/data-explorer"


def form(name, dataset, **context):
    """The form of an operator as the App gets it."""
    operator = OperatorRegistry().get_operator(f"{PREFIX}/{name}")
    request = {"dataset_name": dataset.name, "params": {}, **context}
    ctx = ExecutionContext(request_params=request, operator_uri=operator.uri)
    return operator.resolve_input(ctx).to_json()["type"]["properties"]


def run(name, dataset, /, view=None, selected=(), **params):
    """The closing message of an operator."""
    ctx = {"dataset": dataset, "view": view, "selected": list(selected), "params": params}
    result = foo.execute_operator(f"{PREFIX}/{name}", ctx=ctx)
    dataset.reload()
    return result.result["message"]


def trouble(properties):
    """The notice that blocks a form."""
    blocked = properties["blocked"]
    assert blocked["invalid"]
    return blocked["error_message"]


def names(dataset):
    return dict(zip(*dataset.values(["id", "ground_truth.label"]), strict=True))


def outcome(name, dataset, **params):
    """What an operator would show in the App."""
    operator = OperatorRegistry().get_operator(f"{PREFIX}/{name}")
    ctx = ExecutionContext(request_params={"dataset_name": dataset.name, "params": params}, operator_uri=operator.uri)
    return operator.run(ctx, lambda *_: None)
