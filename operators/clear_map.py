"""Menu entry “Delete map”: delete a map; embeddings, labels, and samples stay."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.clear import delete_map
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from ..ml_backend.store.maps import list_maps, load_map
from ..ml_backend.wording import count
from .running import LabelscapeOperator, Outcome


class ClearMap(LabelscapeOperator):
    """Delete one map."""

    operator_name = "clear_map"
    label = "Labelscape: delete map"
    description = "Delete a map; embeddings, labels, and samples stay"
    icon = "layers_clear"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which map to delete, and say what is deleted and what stays."""
        keys = list_maps(ctx.dataset)
        if not keys:
            raise Refusal("This dataset has no map: there is nothing to delete.")
        inputs.enum("key", keys, default=keys[-1], required=True, label="Map")
        chosen = load_map(ctx.dataset, ctx.params.get("key") or keys[-1])
        points = count(len(chosen.items), "point")
        origin = "" if chosen.provenance else " Labelscape did not create it and cannot recreate it."
        text = f"{points} of '{chosen.key}' will be deleted; this cannot be undone.{origin} Labels and samples stay."
        inputs.view("consequence", types.Warning(label=text))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Delete the map."""
        key = str(ctx.params["key"])
        points = count(delete_map(ctx.dataset, key), "point")
        return Outcome(f"Deleted the map '{key}' with {points}.", reload_dataset=True)
