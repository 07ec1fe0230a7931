"""Parts of the form of “Compute map”: which map to update, or how to lay out a new one."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions import map as maps
from ..ml_backend.store.embeddings import embeddings_status
from ..ml_backend.store.maps import list_maps, map_status, provenance_of_map
from ..ml_backend.wording import rough_duration
from .running import target_view

METHODS = {
    "umap": ("UMAP", "Clear clusters; the usual choice"),
    "tsne": ("t-SNE", "Keeps the most neighbors together; takes about twice as long"),
    "pca": ("PCA", "Takes seconds; shows only the main directions"),
}
# Seconds per vector of 512 numbers on two cores (benchmarks/maps.py), to estimate how long a run takes.
_SECONDS_A_SAMPLE = {"umap": 3e-4, "tsne": 9e-4, "pca": 4e-5}


def chosen_settings(params: dict[str, Any]) -> maps.MapSettings:
    """The settings of the layout in a form."""
    return maps.MapSettings(
        method=params.get("method", "umap"),
        dims=int(params.get("dims", 2)),
        n_neighbors=int(params.get("n_neighbors", 15)),
        min_dist=float(params.get("min_dist", 0.1)),
        perplexity=float(params.get("perplexity", 30)),
        spherize=bool(params.get("spherize", False)),
        metric=params.get("metric", "cosine"),
        seed=int(params.get("seed", 0)),
        index=bool(params.get("index", False)),
    )


def updatable_maps(ctx: Any) -> list[str]:
    """The maps that can be updated: those that Labelscape made."""
    return [key for key in list_maps(ctx.dataset) if provenance_of_map(ctx.dataset, key) is not None]


def ask_update(ctx: Any, inputs: types.Object) -> bool:
    """Ask whether to update an existing map, and which; return whether it is an update."""
    inputs.bool(
        "update",
        default=False,
        label="Update an existing map",
        description="Place new samples on it and remove deleted ones; all others stay in place",
    )
    if not ctx.params.get("update"):
        return False
    keys = updatable_maps(ctx)
    inputs.enum("update_key", keys, default=keys[-1], required=True, label="Map")
    status = map_status(ctx.dataset, ctx.params.get("update_key") or keys[-1])
    view = types.Warning if status.stale else types.Notice
    inputs.view("status", view(label=status.sentence()))
    return True


def show_map_coverage(ctx: Any, inputs: types.Object, key: str) -> None:
    """Say how many items will be on the map, and roughly how long it takes."""
    status = embeddings_status(target_view(ctx), key)
    count = status.total - status.missing
    how_long = rough_duration(count * _SECONDS_A_SAMPLE[ctx.params.get("method", "umap")])
    shown = f"{count:,} of {status.total:,} will be on the map; {how_long} on two cores."
    if status.complete:
        inputs.view("coverage", types.Notice(label=shown))
    else:
        inputs.view("coverage", types.Warning(label=f"{shown} {status.sentence()}"))


def ask_layout(ctx: Any, inputs: types.Object) -> None:
    """Ask for the method, the dimensions, and their options."""
    methods = types.RadioGroup(orientation="horizontal")
    for name, (title, hint) in METHODS.items():
        methods.add_choice(name, label=title, description=hint)
    inputs.enum("method", methods.values(), view=methods, default="umap", label="Method")
    dims = types.RadioGroup(orientation="horizontal")
    dims.add_choice("2", label="2D")
    dims.add_choice("3", label="3D", description="for the data explorer; FiftyOne's own panel shows it flat")
    inputs.enum("dims", dims.values(), view=dims, default="2", label="Dimensions")
    method = ctx.params.get("method", "umap")
    if method == "umap":
        inputs.int(
            "n_neighbors", default=15, min=2, label="Neighbors", description="Higher values favor global structure"
        )
        inputs.float("min_dist", default=0.1, min=0.0, max=1.0, label="Minimum distance between points")
    if method == "tsne":
        inputs.float(
            "perplexity", default=30, min=2, label="Perplexity", description="About how many neighbors a point has"
        )
    if method != "pca":
        inputs.enum("metric", ["cosine", "euclidean"], default="cosine", label="Metric")
    inputs.bool(
        "spherize",
        default=False,
        label="Spherize",
        description="First center the vectors and scale them to the same length",
    )
    if ctx.params.get("dims", "2") == "2":
        inputs.bool(
            "index",
            default=False,
            label="Spatial index",
            description="A field on every sample that makes the lasso of FiftyOne's own Embeddings panel faster",
        )
    inputs.int("seed", default=0, label="Seed", description="The same seed gives the same map")
