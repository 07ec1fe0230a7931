"""The panel `model_metrics`: labels against predictions at adjustable thresholds, and from errors to segments."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np

from ....ml_backend.actions import confusion_segments
from ....ml_backend.actions import segments as acts
from ....ml_backend.actions.confusion import Choice, choose, outcome_ids
from ....ml_backend.analysis.confusion import Outcomes
from ....ml_backend.errors import Refusal
from ....ml_backend.store.evaluation_columns import evaluation_fields
from ....ml_backend.store.items import list_items
from ....ml_backend.store.segment_records import load_segment
from ....ml_backend.store.segments import list_segments, segment_view
from ....ml_backend.wording import count
from ....operators.asking import next_step
from ....operators.running import PLUGIN, NextStep
from ....operators.segment_forms import relabeling_step
from ..component_panel import Answer, ComponentPanel, Method, answer_errors, open_dataset
from . import comparisons, downloads
from .answers import choice_of, items_of, ordered, picked, remake_info, report_of, segment_info
from .comparisons import Comparison, Thresholds

_SHOWN_AT_ONCE = 10_000  # ids in the App's view; more make each of its requests slow
SENT_AT_ONCE = 1_000  # ids in a form, which goes to the server with all of them at each change
METHODS: dict[str, Method] = {}


def answers(work: Callable[[Any], Answer]) -> Method:
    """Make a function of a call's context a method of the panel."""

    @answer_errors
    @functools.wraps(work)
    def answer(ctx: Any) -> Answer:
        open_dataset(ctx)
        return work(ctx)

    METHODS[work.__name__] = answer
    return answer


@answers
def overview(ctx: Any) -> Answer:
    """Fields that can be compared, and the existing segments."""
    fields = evaluation_fields(ctx.dataset)
    return {
        "dataset": ctx.dataset.name,
        "fields": {kind: names for kind, names in fields.items() if len(names) >= 2},
        "filtered": ctx.has_custom_view,
        **_segments(ctx.dataset),
    }


@answers
def compare(ctx: Any) -> Answer:
    """Matrix and metrics of two fields; with the token of a comparison, at other thresholds only."""
    params = ctx.params
    if params.get("evaluation"):
        comparison = comparisons.kept(params["evaluation"], ctx.dataset)
    else:
        samples = ctx.view if params.get("scope") == "view" else ctx.dataset
        comparison = comparisons.compare(
            samples, truth_field=params["truth_field"], prediction_field=params["prediction_field"]
        )
    thresholds = _thresholds(ctx)
    if params.get("confidence") is None:
        thresholds = replace(thresholds, confidence=comparisons.best_confidence(comparison, thresholds))
    report = report_of(comparison, thresholds.match(comparison.evaluation))
    return {"report": report, "confidence": thresholds.confidence}


@answers
def results(ctx: Any) -> Answer:
    """A page of the objects behind cells."""
    comparison, outcomes = _chosen(ctx)
    outcomes = ordered(outcomes, ctx.params.get("order", "none"))
    offset, limit = int(ctx.params["offset"]), int(ctx.params["limit"])
    page = outcomes.take(_page(len(outcomes), offset, limit))
    return {"total": len(outcomes), "items": items_of(comparison.evaluation, page)}


@answers
def show_results(ctx: Any) -> Answer:
    """Show what is chosen in the App's grid: objects of one field as patches, else their samples."""
    comparison, outcomes = _chosen(ctx)
    if not len(outcomes):
        raise Refusal("There is nothing to show: choose a cell that contains objects.")
    ids = outcome_ids(comparison.evaluation, outcomes, "labels")
    shown = {name: some[:_SHOWN_AT_ONCE] for name, some in ids.items()}
    ctx.ops.set_view(view=_grid_view(ctx.dataset, shown))
    total, part = sum(map(len, ids.values())), sum(map(len, shown.values()))
    more = "" if part == total else " A segment can hold them all."
    return {"message": f"{_shown_part(part, total, 'result')}{more}"}


@answers
def show_all(ctx: Any) -> Answer:
    """Remove the filter from the App's grid."""
    ctx.ops.clear_view()
    return {}


@answers
def open_sample(ctx: Any) -> Answer:
    """Open a sample in the App's viewer; a grid of patches is replaced by the samples."""
    if ctx.view._is_patches:
        ctx.ops.clear_view()
    ctx.ops.open_sample(id=ctx.params["sample_id"])
    return {}


@answers
def add_to_segment(ctx: Any) -> Answer:
    """Add the chosen results to a new segment or an existing one."""
    params = ctx.params
    comparison, outcomes = _chosen(ctx)
    members = params.get("members", "labels")
    if params.get("slug"):
        report = confusion_segments.keep_in(
            ctx.dataset, comparison.evaluation, outcomes, slug=params["slug"], members=members
        )
    else:
        thresholds, choice = _thresholds(ctx), choice_of(params)
        rule = confusion_segments.rule_of(
            comparison.evaluation,
            iou=thresholds.iou,
            confidence=thresholds.confidence,
            choice=choice,
            members=members,
            by_hand=_by_hand(params),
        )
        report = confusion_segments.keep(
            ctx.dataset,
            comparison.evaluation,
            outcomes,
            name=params["name"],
            kind=params["kind"],
            note=params.get("note") or "",
            rule=rule,
        )
    return _changed(ctx, report.sentence())


@answers
def open_segment(ctx: Any) -> Answer:
    """Show a segment in the App's grid."""
    segment = load_segment(ctx.dataset, ctx.params["slug"])
    ctx.ops.set_view(view=segment_view(ctx.dataset, segment))
    return {"message": segment.sentence()}


@answers
def edit_segment(ctx: Any) -> Answer:
    """Change the name, kind, or note of a segment."""
    params = ctx.params
    segment = acts.rename_segment(
        ctx.dataset, slug=params["slug"], name=params["name"], kind=params["kind"], note=params["note"]
    )
    return _changed(ctx, f"Changed the segment “{segment.name}”.")


@answers
def merge_segments(ctx: Any) -> Answer:
    """Move the members of one segment into another."""
    report = acts.merge_segments(ctx.dataset, slugs=[ctx.params["slug"]], into=ctx.params["into"])
    return _changed(ctx, report.sentence())


@answers
def remove_from_segment(ctx: Any) -> Answer:
    """Remove what is ticked in the App's grid from a segment."""
    if not ctx.selected:
        raise Refusal(
            "Nothing is ticked: open the segment, tick what to remove from it, then choose “Remove the samples ticked "
            "in the grid”."
        )
    segment = load_segment(ctx.dataset, ctx.params["slug"])
    view = ctx.view.select(ctx.selected)
    removed = 0
    for name in segment.targets:
        if name is None and view._is_patches:
            ids = list(dict.fromkeys(view.values("sample_id")))
        else:
            ids = list_items(view, name).ids.tolist()
        report = acts.remove_from_segment(ctx.dataset, ids, slug=segment.slug, patches_field=name)
        removed -= report.added
    return _changed(
        ctx, f"Removed {count(removed, segment.noun)} from “{segment.name}”; nothing was removed from the dataset."
    )


@answers
def delete_segment(ctx: Any) -> Answer:
    """Delete a segment; its members stay."""
    gone = acts.delete_segment(ctx.dataset, slug=ctx.params["slug"])
    return _changed(ctx, f"Deleted the segment “{gone.name}”; nothing was removed from the dataset.")


@answers
def export_segment(ctx: Any) -> Answer:
    """Write a segment to a folder of the server, or without one to a file that the browser downloads."""
    params = ctx.params
    slug, file_format = params["slug"], params["format"]
    if params["folder"]:
        folder = acts.export_segment(ctx.dataset, slug=slug, folder=params["folder"], format=file_format)
        return {"message": f"Written to {folder}.", "file": None}
    file = downloads.export_to_file(ctx.dataset, slug=slug, file_format=file_format)
    return {"message": f"Exported to {file.name}.", "file": str(file)}


@answers
def remake_segment(ctx: Any) -> Answer:
    """Rebuild a segment from other predictions, and compare."""
    params = ctx.params
    remake = confusion_segments.remake_segment(
        ctx.dataset,
        slug=params["slug"],
        prediction_field=params.get("prediction_field") or None,
        name=params.get("name") or None,
    )
    return {**_changed(ctx, remake.sentence()), "remake": remake_info(remake, _SHOWN_AT_ONCE)}


@answers
def show_members(ctx: Any) -> Answer:
    """Show the members that left a rebuilt segment, or that are new in it, in the App's grid."""
    ids = {field or None: some for field, some in ctx.params["ids"].items()}
    ctx.ops.set_view(view=_grid_view(ctx.dataset, ids))
    return {"message": _shown_part(sum(map(len, ids.values())), int(ctx.params["total"]), "member")}


@answers
def send_to_label_studio(ctx: Any) -> Answer:
    """Open the operator's form for a segment, or for the samples of what is chosen."""
    slug = ctx.params.get("slug")
    step = relabeling_step(load_segment(ctx.dataset, slug)) if slug else _sending_step(*_chosen(ctx))
    ctx.prompt(f"{PLUGIN}/{step.operator}", params=dict(step.params))
    return {}


def _thresholds(ctx: Any) -> Thresholds:
    params = ctx.params
    return Thresholds(float(params["iou"]), float(params["confidence"] or 0), int(params.get("top_k", 1)))


def _chosen(ctx: Any) -> tuple[Comparison, Outcomes]:
    comparison = comparisons.kept(ctx.params["evaluation"], ctx.dataset)
    choice: Choice = choice_of(ctx.params)
    outcomes = choose(comparison.evaluation, _thresholds(ctx).match(comparison.evaluation), choice)
    return comparison, picked(outcomes, ctx.params.get("rows"), ctx.params.get("without") or ())


def _sending_step(comparison: Comparison, outcomes: Outcomes) -> NextStep:
    """Whole samples, even for a false positive, which has no label to send: the labels are fixed in Label Studio."""
    samples = outcome_ids(comparison.evaluation, outcomes, "samples")[None]
    if not samples:
        raise Refusal("There is nothing to send: choose a cell that contains objects.")
    if len(samples) > SENT_AT_ONCE:
        raise Refusal(
            f"These are {len(samples):,} samples, and the form takes {SENT_AT_ONCE:,}: press “Add to segment”, then "
            "“Send to Label Studio” on that segment."
        )
    step = next_step("Send to Label Studio", "send_to_label_studio", samples, None)
    return replace(step, params={**step.params, "field": comparison.evaluation.columns.truth.field})


def _by_hand(params: dict[str, Any]) -> bool:
    return params.get("rows") is not None or bool(params.get("without"))


def _page(total: int, offset: int, limit: int) -> Any:
    return np.arange(min(offset, total), min(offset + limit, total))


def _shown_part(part: int, total: int, noun: str) -> str:
    shown = count(total, noun) if part == total else f"{part:,} of {count(total, noun)}"
    return f"The grid shows {shown}."


def _grid_view(dataset: fo.Dataset, ids: dict[str | None, list[str]]) -> fo.DatasetView:
    if None in ids:
        return dataset.select(ids[None])
    fields = [name for name in ids if name is not None]
    chosen = dataset.select_labels(ids=[item for some in ids.values() for item in some], fields=fields)
    return chosen.to_patches(fields[0]) if len(fields) == 1 else chosen


def _segments(dataset: fo.Dataset) -> Answer:
    return {"segments": [segment_info(segment) for segment in list_segments(dataset)]}


def _changed(ctx: Any, message: str) -> Answer:
    """Make the App show new tags and saved views, and return the current segments."""
    ctx.ops.reload_dataset()
    return {"message": message, **_segments(ctx.dataset)}


class ModelMetrics(ComponentPanel):
    """Confusion matrix and metrics of a model, the objects behind each cell, and segments of them."""

    panel_name = "model_metrics"
    label = "Confusions and segments"
    icon = "grid_on"
    description = "Compare labels with predictions, inspect confusions, and save them as segments."
    component = "LabelscapeModelMetrics"
    category = foo.Categories.ANALYZE
    methods = METHODS

    def on_load(self, ctx: Any) -> None:
        """Tell the component which dataset is open."""
        _tell(ctx)

    def on_change_dataset(self, ctx: Any) -> None:
        """Start again on the other dataset."""
        _tell(ctx)


def _tell(ctx: Any) -> None:
    ctx.panel.set_data("dataset", None if ctx.dataset is None else ctx.dataset.name)
