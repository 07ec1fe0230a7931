"""Menu entry “Compute embeddings”: turn the new and changed media of a view into vectors."""

from typing import Any

import fiftyone.brain as fob
from fiftyone.operators import types

from ..ml_backend.actions import embed, train
from ..ml_backend.actions.embedding_report import EmbeddingReport
from ..ml_backend.actions.models import ModelFamily
from ..ml_backend.errors import Refusal
from ..ml_backend.store.backends import default_backend
from ..ml_backend.store.embeddings import embeddings_status, list_embeddings, provenance_of
from ..ml_backend.store.items import list_items
from ..ml_backend.store.medium_fields import medium_kind
from ..ml_backend.wording import count
from .asking import (
    ask_key,
    ask_label_field,
    ask_patches,
    ask_target,
    chosen_label_field,
    chosen_patches,
    embedded_patches_field,
)
from .model_forms import ask_model, chosen_model, chosen_options, menu_families, speed_of
from .running import LabelscapeOperator, Outcome, Progress, target_view

_NEW = "new embeddings"
_OTHER_WAYS = {
    "trained": "Your own: a network head trained on your labels, on top of other embeddings",
    "precomputed": "Vectors that you already have: a field, a Parquet file, or .npy with IDs",
}
_TUNINGS = {
    "nothing": "The network itself stays unchanged",
    "last_block": "Its last block is also fine-tuned on your labels: takes minutes on a CPU for a few thousand images",
}


class ComputeEmbeddings(LabelscapeOperator):
    """Embed the selection, the view, or the dataset."""

    operator_name = "compute_embeddings"
    label = "Labelscape: compute embeddings"
    description = "Turn samples or object patches into vectors; continues where an earlier run stopped"
    icon = "hub"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask what to embed and with which model, and say what will happen and roughly how long it takes."""
        ask_target(ctx, inputs, "Embed")
        keys = list_embeddings(ctx.dataset)
        if keys:
            inputs.enum(
                "into",
                [_NEW, *keys],
                default=_NEW,
                label="Into",
                description="Existing embeddings are updated",
            )
        if ctx.params.get("into", _NEW) != _NEW:
            _show_update(ctx, inputs, ctx.params["into"])
            return
        way = types.RadioGroup()
        offered = _offered(target_view(ctx))
        default = next(iter(offered))
        for name, family in offered.items():
            way.add_choice(name, label=f"{family.title} ({name})", description=family.sentence)
        for name, sentence in _OTHER_WAYS.items():
            way.add_choice(name, label=name, description=sentence)
        inputs.enum("way", way.values(), view=way, default=default, label="How")
        chosen = ctx.params.get("way", default)
        inspection = None
        if chosen == "trained":
            _ask_training(ctx, inputs)
        elif chosen == "precomputed":
            _ask_source(ctx, inputs)
        else:
            inspection = ask_model(ctx, inputs, offered[chosen])
        _ask_key(ctx, inputs, chosen)
        if chosen in offered:
            _ask_what_and_where(ctx, inputs, speed_of(offered[chosen], ctx.params.get("model"), inspection))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Embed."""
        samples, params = target_view(ctx), ctx.params
        into, way = params.get("into", _NEW), params.get("way")
        if into != _NEW:
            made = provenance_of(ctx.dataset, into)
            patches_field = embedded_patches_field(ctx, into)
            report = embed.compute_embeddings(
                samples,
                key=into,
                model=made.model,
                options=made.options,
                patches_field=patches_field,
                progress=progress,
            )
            return Outcome(report.sentence(), reload_dataset=True)
        if way == "trained":
            return Outcome(_train(ctx, samples, progress).sentence(), reload_dataset=True)
        if way == "precomputed":
            return Outcome(_take_over(samples, params).sentence(), reload_dataset=True)
        offered = _offered(samples)
        model = chosen_model(params, offered[way or next(iter(offered))])
        report = embed.compute_embeddings(
            samples,
            key=params["key"],
            model=model,
            options=chosen_options(params, model),
            patches_field=chosen_patches(ctx),
            predictions=params.get("predictions") or None,
            backend=params.get("backend"),
            progress=progress,
        )
        return Outcome(report.sentence(), reload_dataset=True)


def _offered(samples: Any) -> dict[str, ModelFamily]:
    """The model families for a view, its default first; image models also embed the object patches in videos."""
    kind = medium_kind(samples)
    return {**menu_families(kind), **(menu_families("image") if kind == "video" else {})}


def _train(ctx: Any, samples: Any, progress: Progress) -> train.TrainingReport:
    params = ctx.params
    base = params["base"]
    field = chosen_label_field(ctx, embedded_patches_field(ctx, base)).name
    tune = None if params.get("tune", "nothing") == "nothing" else params["tune"]
    return train.train_embeddings(samples, key=params["key"], base=base, field=field, tune=tune, progress=progress)


def _take_over(samples: Any, params: dict[str, Any]) -> EmbeddingReport:
    if params.get("vector_field"):
        return embed.import_field(samples, key=params["key"], field=params["vector_field"])
    return embed.import_file(samples, key=params["key"], path=params["path"], ids_path=params.get("ids_path"))


def _ask_training(ctx: Any, inputs: types.Object) -> None:
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


def _ask_source(ctx: Any, inputs: types.Object) -> None:
    fields = embed.vector_fields(ctx.dataset)
    if fields:
        inputs.enum("vector_field", fields, label="A field of the samples")
    if not ctx.params.get("vector_field"):
        inputs.str("path", required=not fields, label="Or a file on the server", description=".parquet or .npy")
        if str(ctx.params.get("path", "")).endswith(".npy"):
            inputs.str("ids_path", required=True, label="Its IDs", description=".npy, or text with one ID per line")


def _ask_key(ctx: Any, inputs: types.Object, way: str) -> None:
    stem = str(ctx.params.get("model") or "").rstrip("/").rsplit("/", 1)[-1].partition(":")[0] or way
    stem = "".join(character if character.isalnum() else "_" for character in stem)
    ask_key(ctx, inputs, stem if stem[0].isalpha() else f"{way}_{stem}", "Name of the embeddings")


def _ask_what_and_where(ctx: Any, inputs: types.Object, per_second: float | None) -> None:
    patches_field = ask_patches(ctx, inputs, "Embed")
    inputs.enum(
        "backend",
        sorted(fob.brain_config.similarity_backends),
        default=default_backend(),
        label="Store in",
        description="A FiftyOne similarity backend; lancedb needs no server",
    )
    items = list_items(target_view(ctx), patches_field)
    sentence = f"{count(len(items), items.noun)} to embed"
    if per_second:
        minutes = len(items) / per_second / 60
        how_long = "less than a minute" if minutes < 1 else f"about {minutes:,.0f} min"
        sentence += f": {how_long} for photos of 500 x 375 pixels"
    inputs.view("plan", types.Notice(label=f"{sentence}; files that cannot be read are skipped and reported."))


def _show_update(ctx: Any, inputs: types.Object, key: str) -> None:
    status = embeddings_status(target_view(ctx), key)
    made = provenance_of(ctx.dataset, key)
    if made.model == "precomputed":
        raise Refusal(f"'{key}' was imported from {made.options['source']}: import new vectors as new embeddings.")
    note = f"{status.sentence()} New and changed files will be embedded with {made.model}."
    inputs.view("status", types.Notice(label=note))
