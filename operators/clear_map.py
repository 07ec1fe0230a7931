"""Menu entry “Clear map”: delete a map; embeddings, labels and samples stay."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.map import clear_map
from ..ml_backend.store.maps import list_maps, load_map
from .running import LabelscapeOperator, Outcome, Progress


class ClearMap(LabelscapeOperator):
    """Delete one map."""

    operator_name = "clear_map"
    label = "Labelscape: clear map"
    description = "Delete a map; embeddings, labels and samples stay"
    icon = "layers_clear"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which map and say what goes and what stays."""
        keys = list_maps(ctx.dataset)
        if not keys:
            raise ValueError("This dataset has no map: there is nothing to clear.")
        inputs.enum("key", keys, default=keys[-1], required=True, label="Map")
        held = load_map(ctx.dataset, ctx.params.get("key") or keys[-1])
        made_by = "" if held.provenance else " Labelscape did not make it, so it cannot make the same one again."
        inputs.view(
            "consequence",
            types.Warning(
                label=f"The {len(held.items):,} points of '{held.key}' will be deleted.{made_by} "
                "Embeddings, labels and samples stay."
            ),
        )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Delete the map."""
        count = clear_map(ctx.dataset, key=ctx.params["key"])
        return Outcome(f"Deleted the map '{ctx.params['key']}' with {count:,} points.", reload_dataset=True)
