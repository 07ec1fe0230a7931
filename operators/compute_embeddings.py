"""Menu entry “Compute embeddings”: turn the new and changed media of a view into vectors."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions import embed, train
from ..ml_backend.actions.embedding_report import EmbeddingReport
from ..ml_backend.store.embeddings import list_embeddings, provenance_of
from .asking import ask_target, chosen_label_field, chosen_patches, embedded_patches_field
from .embedding_forms import ask_name, ask_source, ask_training, ask_what_and_where, offered_families, show_update
from .model_forms import ask_model, chosen_model, chosen_options, speed_of
from .running import LabelscapeOperator, Outcome, Progress, target_view

_NEW = "new embeddings"
_OTHER_WAYS = {
    "trained": "Your own: a network head trained on your labels, on top of other embeddings",
    "precomputed": "Vectors that you already have: a field, a Parquet file, or .npy with IDs",
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
            show_update(ctx, inputs, ctx.params["into"])
            return
        way = types.RadioGroup()
        offered = offered_families(target_view(ctx))
        default = next(iter(offered))
        for name, family in offered.items():
            way.add_choice(name, label=f"{family.title} ({name})", description=family.sentence)
        for name, sentence in _OTHER_WAYS.items():
            way.add_choice(name, label=name, description=sentence)
        inputs.enum("way", way.values(), view=way, default=default, label="How")
        chosen = ctx.params.get("way", default)
        inspection = None
        if chosen == "trained":
            ask_training(ctx, inputs)
        elif chosen == "precomputed":
            ask_source(ctx, inputs)
        else:
            inspection = ask_model(ctx, inputs, offered[chosen])
        ask_name(ctx, inputs, chosen)
        if chosen in offered:
            ask_what_and_where(ctx, inputs, speed_of(offered[chosen], ctx.params.get("model"), inspection))

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
        offered = offered_families(samples)
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
