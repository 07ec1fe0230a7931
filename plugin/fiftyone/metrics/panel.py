"""The panel `model_metrics`: labels against predictions at thresholds one moves, and from errors to segments."""

import functools
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
from fiftyone.operators import types

from ....ml_backend.actions import segments as acts
from ....ml_backend.actions.confusion import Choice, choose, outcome_ids
from ....ml_backend.actions.confusion_segments import keep, keep_in, remake_segment, rule_of
from ....ml_backend.analysis.confusion import Outcomes
from ....ml_backend.store.evaluation_columns import evaluation_fields
from ....ml_backend.store.items import list_items
from ....ml_backend.store.segment_records import load_segment
from ....ml_backend.store.segments import list_segments, segment_view
from ....operators.asking import next_step
from ....operators.running import PLUGIN, NextStep
from ....operators.segment_forms import relabeling_step
from .answers import choice_of, items_of, ordered, picked, report_of, segment_info
from .comparisons import Comparison, Thresholds, compare, held

COMPONENT = "LabelscapeModelMetrics"
METHOD_NAMES = (
    "overview", "compare", "results", "show_results", "open_sample", "add_to_segment", "open_segment",
    "edit_segment", "merge_segments", "remove_from_segment", "delete_segment", "export_segment", "remake_segment",
    "show_all", "send_to_label_studio",
)  # fmt: skip
_SHOWN_AT_ONCE = 10_000  # ids in the App's view; more make each of its requests slow
_SENT_AT_ONCE = 1_000  # ids in a form, which goes to the server with all of them at each change
_log = logging.getLogger(__name__)
Answer = dict[str, Any]


def answered(deed: Callable[..., Answer]) -> Callable[..., Answer]:
    """Make a method answer with one sentence where it cannot do what was asked."""

    @functools.wraps(deed)
    def answer(self: Any, ctx: Any) -> Answer:
        try:
            if ctx.dataset is None:
                raise ValueError("Open a dataset first.")
            return deed(self, ctx)
        except ValueError as error:
            return {"error": str(error)}
        except Exception as error:
            _log.exception("The panel's method %s failed", deed.__name__)
            return {"error": f"“{deed.__name__}” failed ({type(error).__name__}); the server's log says where."}

    return answer


class ModelMetrics(foo.Panel):
    """Confusion matrix and metrics of a model, the objects behind each cell, and segments of them."""

    @property
    def config(self) -> foo.PanelConfig:
        """How the App lists the panel."""
        return foo.PanelConfig(
            name="model_metrics",
            label="Model metrics",
            icon="grid_on",
            help_markdown="Compare labels with predictions, look at what is confused, keep it as a segment.",
            surfaces="grid",
        )

    def render(self, ctx: Any) -> types.Property:
        """The component, with the address of each method."""
        addresses = {name: self.method_to_uri(name) for name in METHOD_NAMES}
        return types.Property(types.Object(), view=types.View(component=COMPONENT, composite_view=True, **addresses))

    def on_load(self, ctx: Any) -> None:
        """Tell the component which dataset is open."""
        self._tell(ctx)

    def on_change_dataset(self, ctx: Any) -> None:
        """Start anew on the other dataset."""
        self._tell(ctx)

    @answered
    def overview(self, ctx: Any) -> Answer:
        """Fields that can be compared, and the segments there are."""
        fields = evaluation_fields(ctx.dataset)
        return {
            "dataset": ctx.dataset.name,
            "fields": {kind: names for kind, names in fields.items() if len(names) >= 2},
            "filtered": ctx.has_custom_view,
            **_segments(ctx.dataset),
        }

    @answered
    def compare(self, ctx: Any) -> Answer:
        """Matrix and metrics of two fields; with the token of a comparison, at other thresholds only."""
        asked = ctx.params
        if asked.get("evaluation"):
            comparison = held(asked["evaluation"], ctx.dataset)
        else:
            samples = ctx.view if asked.get("scope") == "view" else ctx.dataset
            comparison = compare(samples, truth_field=asked["truth_field"], prediction_field=asked["prediction_field"])
        return {"report": report_of(comparison, _thresholds(ctx).match(comparison.evaluation))}

    @answered
    def results(self, ctx: Any) -> Answer:
        """A page of the objects behind cells."""
        comparison, outcomes = _chosen(ctx)
        outcomes = ordered(outcomes, ctx.params.get("order", "none"))
        offset, limit = int(ctx.params["offset"]), int(ctx.params["limit"])
        page = outcomes.take(_page(len(outcomes), offset, limit))
        return {"total": len(outcomes), "items": items_of(comparison.evaluation, page)}

    @answered
    def show_results(self, ctx: Any) -> Answer:
        """Show what is chosen in the App's grid: objects of one field as patches, else their samples."""
        comparison, outcomes = _chosen(ctx)
        if not len(outcomes):
            raise ValueError("There is nothing to show: choose a cell with objects in it.")
        ids = outcome_ids(comparison.evaluation, outcomes, "labels")
        shown = {name: some[:_SHOWN_AT_ONCE] for name, some in ids.items()}
        ctx.ops.set_view(view=_grid_view(ctx.dataset, shown))
        total, part = sum(map(len, ids.values())), sum(map(len, shown.values()))
        note = "" if part == total else f", the first of {total:,}: a segment can hold them all"
        return {"message": f"The grid shows {part:,}{note}."}

    @answered
    def show_all(self, ctx: Any) -> Answer:
        """Take the filter off the App's grid."""
        ctx.ops.clear_view()
        return {}

    @answered
    def open_sample(self, ctx: Any) -> Answer:
        """Open a sample in the App's viewer; a grid of patches gives way to the samples."""
        if ctx.view._is_patches:
            ctx.ops.clear_view()
        ctx.ops.open_sample(id=ctx.params["sample_id"])
        return {}

    @answered
    def add_to_segment(self, ctx: Any) -> Answer:
        """Put the chosen results into a new segment, or into one there is."""
        asked = ctx.params
        comparison, outcomes = _chosen(ctx)
        members = asked.get("members", "labels")
        if asked.get("slug"):
            report = keep_in(ctx.dataset, comparison.evaluation, outcomes, slug=asked["slug"], members=members)
        else:
            thresholds, choice = _thresholds(ctx), choice_of(asked)
            rule = rule_of(
                comparison.evaluation,
                iou=thresholds.iou,
                confidence=thresholds.confidence,
                choice=choice,
                members=members,
                by_hand=_by_hand(asked),
            )
            report = keep(
                ctx.dataset,
                comparison.evaluation,
                outcomes,
                name=asked["name"],
                kind=asked["kind"],
                note=asked.get("note") or "",
                rule=rule,
            )
        return _changed(ctx, report.sentence())

    @answered
    def open_segment(self, ctx: Any) -> Answer:
        """Show a segment in the App's grid."""
        segment = load_segment(ctx.dataset, ctx.params["slug"])
        ctx.ops.set_view(view=segment_view(ctx.dataset, segment))
        return {"message": segment.sentence()}

    @answered
    def edit_segment(self, ctx: Any) -> Answer:
        """Another name, kind or note."""
        asked = ctx.params
        segment = acts.rename_segment(
            ctx.dataset, slug=asked["slug"], name=asked["name"], kind=asked["kind"], note=asked["note"]
        )
        return _changed(ctx, f"“{segment.name}” is changed.")

    @answered
    def merge_segments(self, ctx: Any) -> Answer:
        """Put the members of one segment into another."""
        report = acts.merge_segments(ctx.dataset, slugs=[ctx.params["slug"]], into=ctx.params["into"])
        return _changed(ctx, report.sentence())

    @answered
    def remove_from_segment(self, ctx: Any) -> Answer:
        """Take what is ticked in the App's grid out of a segment."""
        if not ctx.selected:
            raise ValueError("Nothing is ticked: open the segment, tick what should leave it, then press Remove.")
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
        return _changed(ctx, f"Took {removed:,} {segment.noun}s out of “{segment.name}”; they stay in the dataset.")

    @answered
    def delete_segment(self, ctx: Any) -> Answer:
        """Delete a segment; its members stay."""
        gone = acts.delete_segment(ctx.dataset, slug=ctx.params["slug"])
        return _changed(ctx, f"Deleted the segment “{gone.name}”; its {gone.size:,} {gone.noun}s stay.")

    @answered
    def export_segment(self, ctx: Any) -> Answer:
        """Write a segment to a folder of the server."""
        asked = ctx.params
        folder = acts.export_segment(ctx.dataset, slug=asked["slug"], folder=asked["folder"], format=asked["format"])
        return {"message": f"Written to {folder}."}

    @answered
    def remake_segment(self, ctx: Any) -> Answer:
        """Make a segment again on other predictions, and compare."""
        asked = ctx.params
        remake = remake_segment(
            ctx.dataset,
            slug=asked["slug"],
            prediction_field=asked.get("prediction_field") or None,
            name=asked.get("name") or None,
        )
        return _changed(ctx, remake.sentence())

    @answered
    def send_to_label_studio(self, ctx: Any) -> Answer:
        """Open the operator's form for a segment, or for the samples of what is chosen."""
        slug = ctx.params.get("slug")
        step = relabeling_step(load_segment(ctx.dataset, slug)) if slug else _sending_step(*_chosen(ctx))
        ctx.prompt(f"{PLUGIN}/{step.operator}", params=dict(step.params))
        return {}

    def _tell(self, ctx: Any) -> None:
        ctx.panel.set_data("dataset", None if ctx.dataset is None else ctx.dataset.name)


def _thresholds(ctx: Any) -> Thresholds:
    asked = ctx.params
    return Thresholds(float(asked["iou"]), float(asked["confidence"]), int(asked.get("top_k", 1)))


def _chosen(ctx: Any) -> tuple[Comparison, Outcomes]:
    comparison = held(ctx.params["evaluation"], ctx.dataset)
    choice: Choice = choice_of(ctx.params)
    outcomes = choose(comparison.evaluation, _thresholds(ctx).match(comparison.evaluation), choice)
    return comparison, picked(outcomes, ctx.params.get("rows"), ctx.params.get("without") or ())


def _sending_step(comparison: Comparison, outcomes: Outcomes) -> NextStep:
    """Whole samples, of a false positive too, which has no label to send; there one mends the labels."""
    samples = outcome_ids(comparison.evaluation, outcomes, "samples")[None]
    if not samples:
        raise ValueError("There is nothing to send: choose a cell with objects in it.")
    if len(samples) > _SENT_AT_ONCE:
        raise ValueError(
            f"These are {len(samples):,} samples, and the form takes {_SENT_AT_ONCE:,}: press “Add to segment”, then "
            "“Send to Label Studio” at that segment."
        )
    step = next_step("Send to Label Studio", "send_to_label_studio", samples, None)
    return replace(step, params={**step.params, "field": comparison.evaluation.columns.truth.field})


def _by_hand(asked: dict[str, Any]) -> bool:
    return asked.get("rows") is not None or bool(asked.get("without"))


def _page(total: int, offset: int, limit: int) -> Any:
    import numpy as np

    return np.arange(min(offset, total), min(offset + limit, total))


def _grid_view(dataset: fo.Dataset, ids: dict[str | None, list[str]]) -> fo.DatasetView:
    if None in ids:
        return dataset.select(ids[None])
    fields = [name for name in ids if name is not None]
    chosen = dataset.select_labels(ids=[one for some in ids.values() for one in some], fields=fields)
    return chosen.to_patches(fields[0]) if len(fields) == 1 else chosen


def _segments(dataset: fo.Dataset) -> Answer:
    return {"segments": [segment_info(segment) for segment in list_segments(dataset)]}


def _changed(ctx: Any, message: str) -> Answer:
    """Let the App show new tags and saved views, and answer with the segments there are now."""
    ctx.ops.reload_dataset()
    return {"message": message, **_segments(ctx.dataset)}
