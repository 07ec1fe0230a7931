"""Menu entry “Search similar”: find items like a few examples, a text, or an image, best first."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.search import DEFAULT_COUNT, preview_search, search
from ..ml_backend.actions.search_results import SearchResult
from .asking import next_step, show_coverage
from .running import LabelscapeOperator, NextStep, Outcome, Progress
from .search_forms import ask_query, ask_scope, ask_threshold, chosen_query, chosen_scope, chosen_threshold, show_hits

_BEST, _ABOVE = "the best", "all above a threshold"
_AT_ONCE = 100  # about as many as a person reviews before acting on all of them


class SearchSimilar(LabelscapeOperator):
    """Find items similar to the selection."""

    operator_name = "search_similar"
    label = "Labelscape: search similar"
    description = (
        "Find everything similar to the selection, a text, or an image, but not to negative examples; best first"
    )
    icon = "image_search"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the query, the scope, and the number of results; show the best ones or those around the threshold."""
        query = ask_query(ctx, inputs)
        show_coverage(ctx, inputs, query.embeddings)
        scope = ask_scope(ctx, inputs)
        inputs.enum("by", [_BEST, _ABOVE], default=_BEST, label="Show")
        if ctx.params.get("by", _BEST) == _BEST:
            inputs.int("limit", default=DEFAULT_COUNT, min=1, label="How many")
            preview = preview_search(scope, query)
            inputs.view("quality", types.Notice(label=preview.quality.sentence))
            show_hits(ctx, inputs, "best", "The best", preview.best, preview.patches_field)
        else:
            ask_threshold(ctx, inputs, scope, query)
        inputs.bool("fold", default=False, label="Fold near duplicates into one")
        inputs.str(
            "segment", label="Save the results as a segment", description="Name of the segment; empty = do not save"
        )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Search and show."""
        params, by_count = ctx.params, ctx.params.get("by", _BEST) == _BEST
        scope, query, threshold = chosen_scope(ctx), chosen_query(ctx), None
        if not by_count:
            chosen = chosen_threshold(ctx)
            threshold = preview_search(scope, query).threshold if chosen is None else chosen
        result = search(
            scope,
            query,
            limit=int(params.get("limit", DEFAULT_COUNT)) if by_count else None,
            threshold=threshold,
            fold=bool(params.get("fold")),
            segment=params.get("segment") or None,
            progress=progress,
        )
        return Outcome(
            result.sentence(),
            reload_dataset=True,
            view=result.view,
            shown_fields=(result.field,) if result.patches_field is None else (),
            next_steps=_next_steps(result),
        )


def _next_steps(result: SearchResult) -> list[NextStep]:
    ids = result.ids[:_AT_ONCE]
    which = f"the first {len(ids):,}" if len(result.ids) > len(ids) else f"these {len(ids):,}"
    steps = [
        NextStep("Mark 5 more to improve the search …", "mark_matches"),
        NextStep("Save it as a function …", "create_function", {"embeddings": result.query.embeddings}),
    ]
    ways = [("Label", "set_label"), ("Send to Label Studio:", "send_to_label_studio")]
    if result.segment is None:
        ways.append(("Make a segment of", "create_segment"))
    return [*steps, *(next_step(f"{verb} {which} …", operator, ids, result.patches_field) for verb, operator in ways)]
