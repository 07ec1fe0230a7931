"""The form “Generate explorer”: which embeddings to compute, how, and under which name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo

from ....ml_backend.actions import embed, train
from ....ml_backend.errors import Refusal
from ....ml_backend.progress import Progress
from ....ml_backend.store.backends import check_backend
from ....ml_backend.store.embeddings import Provenance, check_embeddings, free_key, list_embeddings, provenance_of
from ....ml_backend.store.predictions import check_predictions_field
from .calls import Call
from .model_choices import PRECOMPUTED, TRAINED, model_name

_EMBEDDABLE = ("image", "group", "video")


@dataclass(frozen=True)
class EmbeddingsForm:
    """`EmbeddingsForm` of contract.ts, validated; ``key`` is the name of the new or existing embeddings."""

    key: str
    way: str
    model: str
    options: Mapping[str, Any]
    objects: str | None
    predictions: str | None
    base: str | None
    tune: bool
    label_field: str
    vector_field: str | None
    path: str | None
    ids_path: str | None
    backend: str | None
    with_map: bool

    @classmethod
    def of(cls, call: Call) -> "EmbeddingsForm":
        """Read the form of a call.

        Raises:
            Refusal: something is missing, or the dataset's media cannot be embedded this way.
        """
        form, dataset = call.params, call.dataset
        way = str(form["way"])
        if way not in (TRAINED, PRECOMPUTED) and dataset.media_type not in _EMBEDDABLE:
            raise Refusal(
                f"The samples of this dataset are of the kind “{dataset.media_type}”, which this way cannot embed: "
                "choose “Vectors you have”."
            )
        model = way if way in (TRAINED, PRECOMPUTED) else model_name(way, form.get("name"))
        options = {name: value for name, value in (form.get("options") or {}).items() if value not in (None, "")}
        objects = form.get("patches_field") or None
        stem = "_".join(part for part in (objects, model.rsplit("/", 1)[-1].split(":", 1)[0]) if part)
        goes_on = way not in (TRAINED, PRECOMPUTED)
        predictions = str(form.get("predictions") or "").strip() or None
        if predictions is not None:
            check_predictions_field(dataset, predictions, objects)
        backend = check_backend(str(form["backend"])) if form.get("backend") else None
        if goes_on:
            key = _key(dataset, stem, Provenance(model, options, predictions), objects, backend)
        else:
            key = free_name(dataset, stem)
        return cls(
            key=key,
            way=way,
            model=model,
            options=options,
            objects=objects,
            predictions=predictions,
            base=form.get("base") or None,
            tune=bool(form.get("tune")),
            label_field=call.board.label_field(dataset, None).name,
            vector_field=form.get("vector_field") or None,
            path=form.get("path") or None,
            ids_path=form.get("ids_path") or None,
            backend=backend,
            with_map=bool(form.get("with_map")),
        )

    def embed(self, dataset: fo.Dataset, progress: Progress) -> str:
        """Compute the embeddings; return the closing message.

        Raises:
            Refusal: it cannot be done; if nothing at all could be embedded, no embeddings are left behind.
        """
        if self.way == TRAINED:
            base = str(self.base)
            objects = check_embeddings(dataset, base).field
            field = self.label_field if objects is None else objects
            tune = "last_block" if self.tune else None
            return train.train_embeddings(
                dataset, key=self.key, base=base, field=field, tune=tune, backend=self.backend, progress=progress
            ).sentence()
        if self.way == PRECOMPUTED:
            key, backend = self.key, self.backend
            if self.vector_field:
                return embed.import_field(dataset, key=key, field=self.vector_field, backend=backend).sentence()
            path = str(self.path or "")
            ids_path = self.ids_path
            return embed.import_file(dataset, key=key, path=path, ids_path=ids_path, backend=backend).sentence()
        report = embed.compute_embeddings(
            dataset,
            key=self.key,
            model=self.model,
            options=dict(self.options),
            patches_field=self.objects,
            predictions=self.predictions,
            backend=self.backend,
            progress=progress,
        )
        return report.sentence()

    def patches_field(self, dataset: fo.Dataset) -> str | None:
        """The field whose objects the finished embeddings are of; None for whole samples."""
        field: str | None = check_embeddings(dataset, self.key).field
        return field


def free_name(dataset: fo.Dataset, stem: str) -> str:
    """A key that no run has yet, made from some words."""
    return free_key(dataset, _clean(stem))


def _key(dataset: fo.Dataset, stem: str, planned: Provenance, objects: str | None, backend: str | None) -> str:
    """The key of the same existing embeddings, or else a free one."""
    clean = _clean(stem)
    if clean in list_embeddings(dataset):
        made = provenance_of(dataset, clean)
        same = made.model == planned.model and dict(made.options) == dict(planned.options)
        keeps = planned.predictions in (None, made.predictions)
        run = check_embeddings(dataset, clean)
        if same and keeps and run.field == objects and backend in (None, run.method):
            return clean
    return free_key(dataset, clean)


def _clean(stem: str) -> str:
    clean = "".join(letter if letter.isalnum() else "_" for letter in stem).strip("_").lower()
    return clean if clean[:1].isalpha() else f"run_{clean}"
