"""Methods that start a long run: the operators' actions, in the background, with progress."""

from collections.abc import Callable
from typing import Any

import fiftyone as fo

from ....ml_backend.actions import embed, rank, suggest
from ....ml_backend.actions import map as maps
from ....ml_backend.actions.embedding_report import EmbeddingReport
from ....ml_backend.errors import Refusal
from ....ml_backend.progress import Progress, part_of
from ....ml_backend.store.embeddings import check_embeddings, check_new_key, free_key, provenance_of
from ....ml_backend.store.existence import refusing_if_deleted
from ....ml_backend.store.items import FRAMES
from ....operators.jobs import Outcome
from ....operators.running import PLUGIN
from ..component_panel import Answer, Method
from .calls import Call, answers
from .embeddings_form import EmbeddingsForm, free_name
from .label_states import LabelRows
from .listings import RANKINGS
from .map_rows import MapRows, to_embed
from .panel_state import app_view
from .selection import selected_rows

Work = Callable[[fo.Dataset, Progress], Outcome]


RUNS: dict[str, Method] = {}


@answers(RUNS, changes=True)
def compute_embeddings(call: Call) -> Answer:
    """Compute embeddings in one of the five ways, and a 2D map from them in the same run if requested."""
    form = EmbeddingsForm.of(call)
    board, panel_id = call.board, call.ctx.panel_id

    def work(dataset: fo.Dataset, progress: Progress) -> Outcome:
        done = form.embed(dataset, part_of(progress, 0.0, 0.7 if form.with_map else 1.0))
        if not form.with_map:
            return Outcome(done)
        key = free_key(dataset, f"{form.key}_umap")
        view = dataset if form.patches_field(dataset) is None else dataset.view()
        report = maps.compute_map(view, embeddings=form.key, key=key, progress=part_of(progress, 0.7, 1.0))
        board.remember_map(dataset, panel_id, key)
        return Outcome(f"{done} {report.sentence()}")

    return start_run(call, f"Generating explorer “{form.key}”", work)


@answers(RUNS, changes=True)
def compute_map(call: Call) -> Answer:
    """Compute a map of the dataset and load it here."""
    form = call.params
    board, panel_id = call.board, call.ctx.panel_id
    config = check_embeddings(call.dataset, form["embeddings"])
    suffix = "_3d" if int(form["dims"]) == 3 else ""
    key = form.get("key") or free_name(call.dataset, f"{form['embeddings']}_{form['method']}{suffix}")
    check_new_key(call.dataset, key)

    def work(dataset: fo.Dataset, progress: Progress) -> Outcome:
        view = dataset if config.field is None else dataset.view()
        report = maps.compute_map(
            view,
            embeddings=form["embeddings"],
            key=key,
            settings=maps.MapSettings(
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
        return Outcome(report.sentence())

    return start_run(call, f"Computing map “{key}”", work)


@answers(RUNS, changes=True)
def update_map(call: Call) -> Answer:
    """Place new samples on a map, embedded first where they have no vector yet, and take deleted ones off."""
    run = call.board.maps.run_of(call.params["map"])
    rows = call.board.maps.rows_of(call.dataset, run)

    def work(dataset: fo.Dataset, progress: Progress) -> Outcome:
        new = to_embed(dataset, rows, run.computed_at)
        embedded = f"{_embed(dataset, rows, new, progress).sentence()} " if new else ""
        return Outcome(embedded + maps.update_map(dataset, key=run.key, progress=progress).sentence())

    return start_run(call, f"Updating map “{run.key}”", work)


@answers(RUNS, changes=True)
def rank_outliers(call: Call) -> Answer:
    """Score how unusual the selected samples are, or else all."""
    chosen = _chosen(call)
    return start_run(
        call,
        "Ranking outliers",
        lambda dataset, progress: _ranked(
            rank.rank_outliers(
                chosen.samples(dataset),
                embeddings=chosen.embeddings,
                field=chosen.field if dataset.has_field(chosen.field) else None,
                progress=progress,
            )
        ),
    )


@answers(RUNS, changes=True)
def rank_mislabels(call: Call) -> Answer:
    """Score how likely the labels of the selected samples, or else of all, are to be wrong."""
    chosen = _chosen(call)
    return start_run(
        call,
        "Finding wrong labels",
        lambda dataset, progress: _ranked(
            rank.rank_mislabels(
                chosen.samples(dataset), embeddings=chosen.embeddings, field=chosen.field, progress=progress
            )
        ),
    )


@answers(RUNS, changes=True)
def find_duplicates(call: Call) -> Answer:
    """Group exact and near duplicates among the selected samples, else among all."""
    chosen = _chosen(call)
    given = call.params["threshold"]
    threshold = None if given is None else float(given)
    return start_run(
        call,
        "Finding duplicates",
        lambda dataset, progress: _ranked(
            rank.find_duplicates(
                chosen.samples(dataset), embeddings=chosen.embeddings, threshold=threshold, progress=progress
            )
        ),
    )


@answers(RUNS, changes=True)
def suggest_labels(call: Call) -> Answer:
    """Suggest labels for the unlabeled among the selected samples, else among all."""
    chosen = _chosen(call)
    precision = float(call.params["precision"])
    return start_run(
        call,
        "Suggesting labels",
        lambda dataset, progress: _suggested(
            suggest.suggest_labels(
                chosen.samples(dataset),
                embeddings=chosen.embeddings,
                field=chosen.field,
                precision=precision,
                progress=lambda fraction, message: _tell(progress, fraction, message),
            )
        ),
    )


@answers(RUNS)
def refresh_app(call: Call) -> Answer:
    """Make the App list the fields that a run has added and, after a ranking, show its samples highest first."""
    call.ctx.ops.reload_dataset()
    labels = call.loaded_labels()
    if call.params["ranking"] is None or labels is None:
        return {"field": None}
    _, name, _ = RANKINGS[call.params["ranking"]]
    field = labels.rows.score_path(call.dataset, name)
    if labels.rows.patches_field is None:
        call.ctx.ops.set_view(view=app_view(call.ctx).sort_by(field, reverse=True))
    return {"field": field}


@answers(RUNS)
def send_to_label_studio(call: Call) -> Answer:
    """Open the operator's form, which takes what the samples grid shows: the selection."""
    call.ctx.prompt(f"{PLUGIN}/send_to_label_studio")
    return {}


@answers(RUNS, changes=True)
def cancel_job(call: Call) -> Answer:
    """Stop a run."""
    call.board.jobs.cancel(str(call.params["job"]))
    return {}


@answers(RUNS)
def take_step(call: Call) -> Answer:
    """Open the form of a next step under the message of a job."""
    job = call.board.jobs.find(str(call.params["job"]))
    steps = [] if job.outcome is None else job.outcome.next_steps
    step = steps[int(call.params["step"])]
    call.ctx.prompt(f"{PLUGIN}/{step.operator}", params=dict(step.params))
    return {}


class _Chosen:
    """What a run works on: the selection, or else everything, with which embeddings and labels."""

    def __init__(self, labels: LabelRows, selected: list[str] | None, embeddings: str) -> None:
        self.embeddings = embeddings
        self.field = labels.field.name
        self._patches_field = labels.rows.patches_field
        self._selected = selected

    def samples(self, dataset: fo.Dataset) -> fo.core.collections.SampleCollection:
        """The view the action works on."""
        return dataset if self._selected is None else _view_of(dataset, self._selected, self._patches_field)


def _chosen(call: Call) -> _Chosen:
    selection: dict[str, Any] | None = call.params.get("selection")
    labels = call.loaded_labels() if selection is None else call.labels_of(selection["map"], selection["map_version"])
    if labels is None:
        raise Refusal("Load a map first: it determines which embeddings to use.")
    if labels.rows.embeddings is None:
        raise Refusal(f"The map “{labels.rows.key}” does not say from which embeddings it was made: compute one here.")
    selected = None
    if selection is not None and selection["count"]:
        rows = selected_rows(selection, len(labels.rows))
        selected = labels.rows.names(rows[labels.present[rows]])
    return _Chosen(labels, selected, labels.rows.embeddings)


def _view_of(dataset: fo.Dataset, ids: list[str], field: str | None) -> fo.DatasetView:
    """A view of exactly these samples, frames, or objects of a field."""
    if field is None:
        return dataset.select(ids)
    if field == FRAMES:
        return dataset.select_frames(ids)
    return dataset.select_labels(ids=ids, fields=field)


def _embed(dataset: fo.Dataset, rows: MapRows, ids: list[str], progress: Progress) -> EmbeddingReport:
    """Continue the embeddings of a map, for these samples or objects."""
    key, field = str(rows.embeddings), rows.patches_field
    samples = _view_of(dataset, ids, field)
    provenance = provenance_of(dataset, key)
    return embed.compute_embeddings(
        samples, key=key, model=provenance.model, options=provenance.options, patches_field=field, progress=progress
    )


def start_run(call: Call, title: str, work: Work) -> Answer:
    """Queue a run; it loads the dataset itself, as it outlives the call."""
    name = call.board.name

    def run(progress: Progress) -> Outcome:
        dataset = fo.load_dataset(name)
        with refusing_if_deleted(dataset):
            return work(dataset, progress)

    return {"job": call.board.jobs.start(title, run).id}


def _ranked(ranking: rank.Ranking) -> Outcome:
    return Outcome(ranking.message, why=ranking.why)


def _suggested(report: suggest.SuggestReport) -> Outcome:
    return Outcome(f"{report.outcome()}{report.elsewhere}", why=report.why)


def _tell(progress: Progress, fraction: float, message: str) -> None:
    progress(fraction, message)
