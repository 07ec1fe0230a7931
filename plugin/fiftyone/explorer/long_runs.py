"""Methods that start a long run: the operators' actions, in the background, with progress."""

from collections.abc import Callable
from typing import Any

import fiftyone as fo

from ....ml_backend.actions import rank
from ....ml_backend.actions.embed import EmbeddingReport, compute_embeddings
from ....ml_backend.actions.map import MapSettings, compute_map, update_map
from ....ml_backend.actions.suggest import suggest_labels
from ....ml_backend.store.embeddings import check_embeddings, check_new_key, free_key, list_embeddings, provenance_of
from .jobs import Progress
from .label_states import LabelRows
from .map_rows import MapRows, to_embed
from .panel_state import app_view
from .replies import Answer, Asked, method
from .selection import selected_rows

Work = Callable[[fo.Dataset, Progress], str]


class LaunchMethods:
    """What takes longer than a click."""

    @method(changes=True)
    def compute_embeddings(self, asked: Asked) -> Answer:
        """Embed the dataset, or what of it is new or changed."""
        model = str(asked.params["model"])
        key = asked.params.get("key") or _free_name(asked.dataset, model.rsplit("/", 1)[-1], model)
        return _start(
            asked,
            f"Computing embeddings “{key}”",
            lambda dataset, progress: compute_embeddings(dataset, key=key, model=model, progress=progress).sentence(),
        )

    @method(changes=True)
    def compute_map(self, asked: Asked) -> Answer:
        """Compute a map of the dataset and load it here."""
        form = asked.params
        board, panel_id = asked.board, asked.ctx.panel_id
        config = check_embeddings(asked.dataset, form["embeddings"])
        suffix = "_3d" if int(form["dims"]) == 3 else ""
        key = form.get("key") or _free_name(asked.dataset, f"{form['embeddings']}_{form['method']}{suffix}")
        check_new_key(asked.dataset, key)

        def work(dataset: fo.Dataset, progress: Progress) -> str:
            view = dataset if config.patches_field is None else dataset.view()
            report = compute_map(
                view,
                embeddings=form["embeddings"],
                key=key,
                settings=MapSettings(
                    method=form["method"],
                    dims=int(form["dims"]),
                    n_neighbors=int(form["n_neighbors"]),
                    min_dist=float(form["min_dist"]),
                    perplexity=float(form["perplexity"]),
                    spherize=bool(form["spherize"]),
                ),
                progress=progress,
            )
            board.remember_map(dataset, panel_id, key)
            return report.sentence()

        return _start(asked, f"Computing map “{key}”", work)

    @method(changes=True)
    def update_map(self, asked: Asked) -> Answer:
        """Place new samples on a map, embedded first where they have no vector yet, and take deleted ones off."""
        run = asked.board.run_of(asked.params["map"])
        rows = asked.board.rows_of(asked.dataset, run)

        def work(dataset: fo.Dataset, progress: Progress) -> str:
            new = to_embed(dataset, rows, run.computed_at)
            embedded = f"{_embed(dataset, rows, new, progress).sentence()} " if new else ""
            return embedded + update_map(dataset, key=run.key, progress=progress).sentence()

        return _start(asked, f"Updating map “{run.key}”", work)

    @method(changes=True)
    def rank_outliers(self, asked: Asked) -> Answer:
        """Score how odd the selected samples are, else all."""
        chosen = _chosen(asked)
        return _start(
            asked,
            "Ranking outliers",
            lambda dataset, progress: (
                rank.rank_outliers(chosen.samples(dataset), embeddings=chosen.embeddings, progress=progress).message
            ),
        )

    @method(changes=True)
    def rank_mislabels(self, asked: Asked) -> Answer:
        """Score how likely the labels of the selected samples are wrong, else of all."""
        chosen = _chosen(asked)
        return _start(
            asked,
            "Finding wrong labels",
            lambda dataset, progress: (
                rank.rank_mislabels(
                    chosen.samples(dataset), embeddings=chosen.embeddings, field=chosen.field, progress=progress
                ).message
            ),
        )

    @method(changes=True)
    def find_duplicates(self, asked: Asked) -> Answer:
        """Group exact and near duplicates among the selected samples, else among all."""
        chosen = _chosen(asked)
        threshold = float(asked.params["threshold"])
        return _start(
            asked,
            "Finding duplicates",
            lambda dataset, progress: (
                rank.find_duplicates(
                    chosen.samples(dataset), embeddings=chosen.embeddings, threshold=threshold, progress=progress
                ).message
            ),
        )

    @method(changes=True)
    def suggest_labels(self, asked: Asked) -> Answer:
        """Suggest labels for the unlabeled among the selected samples, else among all."""
        chosen = _chosen(asked)
        precision = float(asked.params["precision"])
        return _start(
            asked,
            "Suggesting labels",
            lambda dataset, progress: suggest_labels(
                chosen.samples(dataset),
                embeddings=chosen.embeddings,
                field=chosen.field,
                precision=precision,
                progress=progress,
            ).sentence(),
        )

    @method
    def refresh_app(self, asked: Asked) -> Answer:
        """Let the App list the fields that a run has added and, by ``ranked_by``, its samples highest first."""
        asked.ctx.ops.reload_dataset()
        field = asked.params["ranked_by"]
        if field is not None:
            asked.ctx.ops.set_view(view=app_view(asked.ctx).sort_by(field, reverse=True))
        return {}

    @method
    def send_to_label_studio(self, asked: Asked) -> Answer:
        """Open the operator's form, which takes what the samples grid shows: the selection."""
        asked.ctx.prompt("@labelscape/data-explorer/send_to_label_studio")
        return {}

    @method(changes=True)
    def cancel_job(self, asked: Asked) -> Answer:
        """Stop a run."""
        asked.board.jobs.cancel(str(asked.params["job"]))
        return {}


class _Chosen:
    """What a run works on: the selection, else all; and by which embeddings and labels."""

    def __init__(self, labels: LabelRows, selected: list[str] | None, embeddings: str) -> None:
        self.embeddings = embeddings
        self.field = labels.field.name
        self._patches_field = labels.rows.patches_field
        self._selected = selected

    def samples(self, dataset: fo.Dataset) -> fo.core.collections.SampleCollection:
        """The view the action works on."""
        if self._selected is None:
            return dataset
        if self._patches_field is None:
            return dataset.select(self._selected)
        return dataset.select_labels(ids=self._selected, fields=self._patches_field)


def _chosen(asked: Asked) -> _Chosen:
    selection: dict[str, Any] | None = asked.params.get("selection")
    labels = asked.loaded_labels() if selection is None else asked.labels_of(selection["map"], selection["map_version"])
    if labels is None:
        raise ValueError("Load a map first: it says which embeddings to work with.")
    if labels.rows.embeddings is None:
        raise ValueError(f"The map “{labels.rows.key}” does not say of which embeddings it was made: compute one here.")
    selected = None
    if selection is not None and selection["count"]:
        rows = selected_rows(selection, len(labels.rows))
        selected = labels.rows.names(rows[labels.present[rows]])
    return _Chosen(labels, selected, labels.rows.embeddings)


def _embed(dataset: fo.Dataset, rows: MapRows, ids: list[str], progress: Progress) -> EmbeddingReport:
    """Go on with the embeddings of a map, for these samples or objects."""
    key, field = str(rows.embeddings), rows.patches_field
    samples = dataset.select(ids) if field is None else dataset.select_labels(ids=ids, fields=field)
    held = provenance_of(dataset, key)
    return compute_embeddings(
        samples, key=key, model=held.model, options=held.options, patches_field=field, progress=progress
    )


def _start(asked: Asked, title: str, work: Work) -> Answer:
    """Queue a run; it loads the dataset itself, as it outlives the call."""
    name = asked.board.name
    job = asked.board.jobs.start(title, lambda progress: work(fo.load_dataset(name), progress))
    return {"job": job.id}


def _free_name(dataset: fo.Dataset, stem: str, model: str | None = None) -> str:
    """A key no run has yet; with a model, the key under which its embeddings go on."""
    clean = "".join(letter if letter.isalnum() else "_" for letter in stem).strip("_").lower()
    clean = clean if clean[:1].isalpha() else f"run_{clean}"
    if model is not None and clean in list_embeddings(dataset):
        return clean
    return free_key(dataset, clean)
