"""Menu entry “Mark matches”: mark whether a few items match the last search, and search again."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.search import Scope, marks_to_ask, search, with_marks
from ..ml_backend.actions.search_results import Hit
from ..ml_backend.errors import Refusal
from ..ml_backend.store.searches import LastSearch, last_search
from ..ml_backend.wording import count
from .asking import embedded_patches_field
from .running import LabelscapeOperator, NextStep, Outcome, Progress
from .search_forms import show_hits

_SHOWN_IDS = "asked"  # parameter: the IDs of the items shown, so that each mark stays with its image
_MATCH, _NO_MATCH, _SKIP = "match", "no match", "skip"


class MarkMatches(LabelscapeOperator):
    """Improve the last search with a few marks."""

    operator_name = "mark_matches"
    label = "Labelscape: mark matches"
    description = "Mark whether 5 items near the threshold match the last search, and search again"
    icon = "rule"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Show the items whose marks would be most informative, each with a choice."""
        previous = _previous(ctx)
        hits = marks_to_ask(Scope(ctx.dataset), previous.query)
        if not hits:
            raise Refusal("Everything that has an embedding is already marked.")
        shown_ids = ctx.params.get(_SHOWN_IDS) or [hit.id for hit in hits]
        inputs.list(_SHOWN_IDS, types.String(), default=shown_ids, view=types.HiddenView())
        patches_field = embedded_patches_field(ctx, previous.query.embeddings)
        hit_of = {hit.id: hit for hit in hits}
        show_hits(
            ctx,
            inputs,
            "shown",
            "Do these match?",
            [hit_of.get(item, Hit(item, 0.0)) for item in shown_ids],
            patches_field,
        )
        for number in range(len(shown_ids)):
            choices = types.RadioGroup(orientation="horizontal")
            for answer in (_MATCH, _NO_MATCH, _SKIP):
                choices.add_choice(answer, label=answer)
            inputs.enum(f"mark_{number}", choices.values(), view=choices, default=_SKIP, label=f"Number {number + 1}")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Add the marks and search again for as many results as before."""
        previous = _previous(ctx)
        shown_ids = ctx.params.get(_SHOWN_IDS) or [hit.id for hit in marks_to_ask(Scope(ctx.dataset), previous.query)]
        answers = [ctx.params.get(f"mark_{number}", _SKIP) for number in range(len(shown_ids))]
        liked = [item for item, answer in zip(shown_ids, answers, strict=True) if answer == _MATCH]
        disliked = [item for item, answer in zip(shown_ids, answers, strict=True) if answer == _NO_MATCH]
        if not liked and not disliked:
            raise Refusal("Nothing is marked: choose “match” or “no match” for at least one item.")
        query = with_marks(previous.query, positives=liked, negatives=disliked)
        result = search(Scope(ctx.dataset), query, limit=max(len(previous.ids), 1), progress=progress)
        marks = count(len(liked) + len(disliked), "mark")
        return Outcome(
            f"Added {marks}. {result.sentence()}",
            reload_dataset=True,
            view=result.view,
            shown_fields=(result.field,) if result.patches_field is None else (),
            next_steps=[
                NextStep("Mark 5 more …", self.operator_name),
                NextStep(
                    "Save it as a function …", "create_function", {"embeddings": query.embeddings, "refine": True}
                ),
            ],
        )


def _previous(ctx: Any) -> LastSearch:
    previous = last_search(ctx.dataset)
    if previous is None:
        raise Refusal("There is no search yet: run “Labelscape: search similar” first.")
    return previous
