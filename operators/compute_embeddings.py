"""Menu entry “Compute embeddings”: media of a view to vectors, the new and changed ones only."""

import os
from typing import Any

import fiftyone.brain as fob
from fiftyone.operators import types

from ..ml_backend.actions import embed
from ..ml_backend.store.embeddings import embeddings_status, list_embeddings, provenance_of
from ..ml_backend.store.items import list_items
from ..ml_backend.store.settings import DEFAULT_BACKEND
from .asking import ask_key, ask_label_field, ask_patches, chosen_label_field, chosen_patches, embedded_patches_field
from .running import LabelscapeOperator, Outcome, Progress, target_view

_NEW = "new embeddings"
_WAYS = {
    "preprocessing": "Intensity, colour and gradients: no network, no download",
    "torchvision": "A torchvision backbone, pretrained on photos",
    "open_clip": "An open_clip model: photos, and search by text",
    "trained": "Your own: a network head trained on your labels, over other embeddings",
    "precomputed": "Vectors you have: a field, a Parquet file, or .npy with ids",
}
# Images a second on two cores (benchmarks/embedding.py, 500 x 375 photos), to say roughly how long a run takes.
_A_SECOND = {"preprocessing": 400, "torchvision": 60, "open_clip": 10}
_BACKBONES = ["mobilenet_v3_large", "resnet18", "resnet50", "efficientnet_b0", "convnext_tiny", "vit_b_16"]
_CLIP = "ViT-B-32:laion2b_s34b_b79k"


class ComputeEmbeddings(LabelscapeOperator):
    """Embed the selection, the view or the dataset."""

    operator_name = "compute_embeddings"
    label = "Labelscape: compute embeddings"
    description = "Turn samples or object patches into vectors; goes on where an earlier run stopped"
    icon = "hub"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for what to embed with which model, and say what will happen and about how long it takes."""
        inputs.view_target(ctx, action_description="Embed")
        keys = list_embeddings(ctx.dataset)
        if keys:
            inputs.enum(
                "into", [_NEW, *keys], default=_NEW, label="Into", description="Existing ones are brought up to date"
            )
        if ctx.params.get("into", _NEW) != _NEW:
            _show_update(ctx, inputs, ctx.params["into"])
            return
        way = types.RadioGroup()
        for name, text in _WAYS.items():
            way.add_choice(name, label=name, description=text)
        inputs.enum("way", way.values(), view=way, default="preprocessing", label="How")
        chosen = ctx.params.get("way", "preprocessing")
        _ASK[chosen](ctx, inputs)
        _ask_key(ctx, inputs, chosen)
        if chosen in _A_SECOND:
            patches_field = ask_patches(ctx, inputs, "Embed")
            inputs.enum(
                "backend",
                sorted(fob.brain_config.similarity_backends),
                default=DEFAULT_BACKEND,
                label="Kept in",
                description="A similarity backend of FiftyOne; lancedb needs no server",
            )
            _show_plan(inputs, len(list_items(target_view(ctx), patches_field)), _A_SECOND[chosen])

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Embed."""
        samples, params = target_view(ctx), ctx.params
        into = params.get("into", _NEW)
        if into != _NEW:
            held = provenance_of(ctx.dataset, into)
            report = embed.compute_embeddings(
                samples,
                key=into,
                model=held.model,
                options=held.options,
                patches_field=embedded_patches_field(ctx, into),
                progress=progress,
            )
            return Outcome(report.sentence(), reload_dataset=True)
        key, way = params["key"], params.get("way", "preprocessing")
        if way == "trained":
            base = params["base"]
            field = chosen_label_field(ctx, embedded_patches_field(ctx, base)).name
            trained = embed.train_embeddings(samples, key=key, base=base, field=field, progress=progress)
            return Outcome(trained.sentence(), reload_dataset=True)
        if way == "precomputed":
            return Outcome(_take_over(samples, params).sentence(), reload_dataset=True)
        report = embed.compute_embeddings(
            samples,
            key=key,
            model=_model_name(params),
            options={"weights": params["weights"]} if params.get("weights") else {},
            patches_field=chosen_patches(ctx),
            backend=params.get("backend", DEFAULT_BACKEND),
            progress=progress,
        )
        return Outcome(report.sentence(), reload_dataset=True)


def _take_over(samples: Any, params: dict[str, Any]) -> embed.EmbeddingReport:
    if params.get("vector_field"):
        return embed.import_field(samples, key=params["key"], field=params["vector_field"])
    return embed.import_file(samples, key=params["key"], path=params["path"], ids_path=params.get("ids_path"))


def _model_name(params: dict[str, Any]) -> str:
    way = params.get("way", "preprocessing")
    if way == "torchvision":
        return f"torchvision/{params.get('backbone', _BACKBONES[0])}"
    if way == "open_clip":
        return f"open_clip/{params.get('clip', _CLIP)}"
    return str(way)


def _ask_nothing(ctx: Any, inputs: types.Object) -> None:
    """`preprocessing` has no options."""


def _ask_backbone(ctx: Any, inputs: types.Object) -> None:
    backbones = types.AutocompleteView(allow_user_input=True)
    for name in _BACKBONES:
        backbones.add_choice(name, label=name)
    inputs.str("backbone", default=_BACKBONES[0], required=True, label="Backbone", view=backbones)
    _ask_weights(ctx, inputs)


def _ask_clip(ctx: Any, inputs: types.Object) -> None:
    inputs.str(
        "clip", default=_CLIP, required=True, label="Model", description="architecture:weights, as open_clip names them"
    )
    _ask_weights(ctx, inputs)


def _ask_weights(ctx: Any, inputs: types.Object) -> None:
    field = inputs.str(
        "weights",
        label="Weights from a local file",
        description="Empty: from the hub's cache or the hub; else a .pt, .pth or .safetensors file on the server",
    )
    path = ctx.params.get("weights")
    if path and not os.path.isfile(path):
        field.invalid = True
        field.error_message = f"There is no file '{path}' on the server"


def _ask_training(ctx: Any, inputs: types.Object) -> None:
    keys = list_embeddings(ctx.dataset)
    if not keys:
        raise ValueError(
            "Training needs other embeddings to start from: compute “preprocessing” or a backbone's first."
        )
    inputs.enum("base", keys, default=keys[-1], required=True, label="Over the embeddings")
    ask_label_field(ctx, inputs, embedded_patches_field(ctx, ctx.params.get("base") or keys[-1]))


def _ask_source(ctx: Any, inputs: types.Object) -> None:
    fields = embed.vector_fields(ctx.dataset)
    if fields:
        inputs.enum("vector_field", fields, label="A field of the samples")
    if not ctx.params.get("vector_field"):
        inputs.str("path", required=not fields, label="Or a file on the server", description=".parquet or .npy")
        if str(ctx.params.get("path", "")).endswith(".npy"):
            inputs.str("ids_path", required=True, label="Its ids", description=".npy, or text with one id a line")


_ASK = {
    "preprocessing": _ask_nothing,
    "torchvision": _ask_backbone,
    "open_clip": _ask_clip,
    "trained": _ask_training,
    "precomputed": _ask_source,
}


def _ask_key(ctx: Any, inputs: types.Object, way: str) -> None:
    stem = {"torchvision": ctx.params.get("backbone", _BACKBONES[0]), "open_clip": "clip"}.get(way, way)
    stem = "".join(character if character.isalnum() else "_" for character in stem)
    ask_key(ctx, inputs, stem, "Name of the embeddings")


def _show_update(ctx: Any, inputs: types.Object, key: str) -> None:
    status = embeddings_status(target_view(ctx), key)
    held = provenance_of(ctx.dataset, key)
    if held.model == "precomputed":
        raise ValueError(
            f"'{key}' was taken over from {held.options['source']}: take new vectors over as new embeddings."
        )
    note = f"{status.sentence()} New and changed files will be embedded with {held.model}."
    inputs.view("status", types.Notice(label=note))


def _show_plan(inputs: types.Object, count: int, a_second: int) -> None:
    minutes = count / a_second / 60
    how_long = "less than a minute" if minutes < 1 else f"about {minutes:,.0f} min"
    inputs.view(
        "plan",
        types.Notice(
            label=f"{count:,} to embed: {how_long} on two cores for photos of 500 x 375; files that cannot be read are "
            "skipped and told."
        ),
    )
