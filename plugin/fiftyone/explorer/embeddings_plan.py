"""What the form “Generate explorer” says before anything is embedded: how much, how long, and what a file contains."""

from typing import Any

from ....ml_backend.embedding.inspection import Inspection
from ....ml_backend.embedding.registry import ModelFamily, parse_options
from ....ml_backend.errors import Refusal
from ....ml_backend.store.items import list_items
from ....operators.model_forms import inspect_network, speed_of
from ..component_panel import Answer, Method
from .calls import Call, answers
from .model_choices import family_of

PLANS: dict[str, Method] = {}


@answers(PLANS)
def plan_embeddings(call: Call) -> Answer:
    """`Plan` of contract.ts for a choice of model; a file that cannot be loaded is reported in the plan, not raised."""
    form = call.params
    family, name = family_of(str(form["way"])), str(form.get("name") or "").strip()
    items = list_items(call.dataset, form.get("patches_field") or None)
    plan = {"count": len(items), "noun": items.noun, "seconds": None, "network": None, "trouble": None}
    try:
        inspection = _inspected(family, name, form.get("options") or {})
    except Refusal as refusal:
        return {"plan": plan | {"trouble": str(refusal)}}
    speed = speed_of(family, name, inspection)
    network = None if inspection is None else _network(inspection)
    return {"plan": plan | {"seconds": speed and len(items) / speed, "network": network}}


def _inspected(family: ModelFamily, name: str, options: dict[str, Any]) -> Inspection | None:
    if family.inspect is None or not name:
        return None
    return inspect_network(family, name, parse_options(family, {"size": options.get("size")}).get("size"))


def _network(network: Inspection) -> dict[str, Any]:
    return {
        "kind": network.kind,
        "layers": [{"name": layer.name, "kind": layer.kind, "size": list(layer.size)} for layer in network.layers],
        "cut": network.cut,
        "classes": network.n_classes,
        "said": list(network.declared_settings),
        "undeclared": list(network.undeclared),
    }
