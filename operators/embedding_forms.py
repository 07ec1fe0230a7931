"""Parts of the form of “Compute embeddings”: training, existing vectors, the name, and what to embed where."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions import embed, train
from ..ml_backend.actions.models import ModelFamily
from ..ml_backend.errors import Refusal
from ..ml_backend.store.backends import configured_backends
from ..ml_backend.store.embeddings import embeddings_status, list_embeddings, provenance_of
from ..ml_backend.store.items import list_items
from ..ml_backend.store.medium_fields import medium_kind
from ..ml_backend.wording import count, rough_duration
from .asking import ask_key, ask_label_field, ask_patches, embedded_patches_field
from .model_forms import menu_families
from .running import target_view

_TUNINGS = {
    "nothing": "The network itself stays unchanged",
    "last_block": "Its last block is also fine-tuned on your labels: takes minutes on a CPU for a few thousand images",
}


def offered_families(samples: Any) -> dict[str, ModelFamily]:
    """The model families for a view, its default first; image models also embed the object patches in videos."""
    kind = medium_kind(samples)
    return {**menu_families(kind), **(menu_families("image") if kind == "video" else {})}


def ask_training(ctx: Any, inputs: types.Object) -> None:
    """Ask which embeddings to train on top of, by which labels, and whether to fine-tune the network."""
    keys = list_embeddings(ctx.dataset)
    if not keys:
        raise Refusal("Training needs other embeddings to start from: compute those of “preprocessing” or a network.")
    inputs.enum("base", keys, default=keys[-1], required=True, label="On top of the embeddings")
    base = ctx.params.get("base") or keys[-1]
    ask_label_field(ctx, inputs, embedded_patches_field(ctx, base))
    if train.can_tune(provenance_of(ctx.dataset, base).model):
        tunings = types.RadioGroup()
        for name, sentence in _TUNINGS.items():
            tunings.add_choice(name, label=name.replace("_", " "), description=sentence)
        inputs.enum("tune", tunings.values(), view=tunings, default="nothing", label="Fine-tune")


def ask_source(ctx: Any, inputs: types.Object) -> None:
    """Ask for a field of vectors, or a file on the server."""
    fields = embed.vector_fields(ctx.dataset)
    if fields:
        inputs.enum("vector_field", fields, label="A field of the samples")
    if not ctx.params.get("vector_field"):
        inputs.str("path", required=not fields, label="Or a file on the server", description=".parquet or .npy")
        if str(ctx.params.get("path", "")).endswith(".npy"):
            inputs.str("ids_path", required=True, label="Its IDs", description=".npy, or text with one ID per line")


def ask_name(ctx: Any, inputs: types.Object, way: str) -> None:
    """Ask for the name of new embeddings; the default is that of their model."""
    stem = str(ctx.params.get("model") or "").rstrip("/").rsplit("/", 1)[-1].partition(":")[0] or way
    stem = "".join(character if character.isalnum() else "_" for character in stem)
    ask_key(ctx, inputs, stem if stem[0].isalpha() else f"{way}_{stem}", "Name of the embeddings")


def ask_what_and_where(ctx: Any, inputs: types.Object, per_second: float | None) -> None:
    """Ask what to embed and where to store the vectors, and say roughly how long it takes."""
    patches_field = ask_patches(ctx, inputs, "Embed")
    backends = configured_backends()
    if len(backends) > 1:
        inputs.enum(
            "backend",
            backends,
            default=backends[0],
            label="Store in",
            description="A database that FiftyOne's settings name; lancedb needs no server",
        )
    items = list_items(target_view(ctx), patches_field)
    sentence = f"{count(len(items), items.noun)} to embed"
    if per_second:
        sentence += f": {rough_duration(len(items) / per_second)} for photos of 500 x 375 pixels"
    inputs.view("plan", types.Notice(label=f"{sentence}; files that cannot be read are skipped and reported."))


def show_update(ctx: Any, inputs: types.Object, key: str) -> None:
    """Say what an update of existing embeddings will do."""
    status = embeddings_status(target_view(ctx), key)
    made = provenance_of(ctx.dataset, key)
    if made.model == "precomputed":
        raise Refusal(f"'{key}' was imported from {made.options['source']}: import new vectors as new embeddings.")
    note = f"{status.sentence()} New and changed files will be embedded with {made.model}."
    inputs.view("status", types.Notice(label=note))
