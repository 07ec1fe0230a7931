"""Menu entry “Compute map”: lay out embeddings in 2D or 3D, or bring a map up to date."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions import map as maps
from .asking import ask_embeddings, ask_key, ask_target
from .map_forms import ask_layout, ask_update, chosen_settings, show_map_coverage, updatable_maps
from .running import LabelscapeOperator, Outcome, Progress, target_view


class ComputeMap(LabelscapeOperator):
    """Lay out the embeddings of the selection, the view, or the dataset."""

    operator_name = "compute_map"
    label = "Labelscape: compute map"
    description = "Turn embeddings into a 2D or 3D map, or place new samples on an existing one"
    icon = "map"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which map to compute or update."""
        if updatable_maps(ctx) and ask_update(ctx, inputs):
            return
        ask_target(ctx, inputs, "Map")
        embeddings = ask_embeddings(ctx, inputs)
        show_map_coverage(ctx, inputs, embeddings)
        ask_layout(ctx, inputs)
        suffix = "_3d" if ctx.params.get("dims") == "3" else ""
        stem = f"{embeddings}_{ctx.params.get('method', 'umap')}{suffix}"
        ask_key(ctx, inputs, stem, "Name of the map")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Compute or update the map."""
        params = ctx.params
        if params.get("update"):
            report = maps.update_map(ctx.dataset, key=params["update_key"], progress=progress)
            return Outcome(report.sentence(), reload_dataset=True)
        report = maps.compute_map(
            target_view(ctx),
            embeddings=params["embeddings"],
            key=params["key"],
            settings=chosen_settings(params),
            progress=progress,
        )
        return Outcome(report.sentence(), reload_dataset=True)
