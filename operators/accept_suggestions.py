"""Menu entry “Accept suggestions”: turn suggestions, by default the confident ones, into pending labels."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.accept import Which, accept_suggestions
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from ..ml_backend.store.items import list_items
from ..ml_backend.store.suggestions import Suggestion, read_suggestions
from ..ml_backend.wording import count
from .asking import ask_label_field, ask_patches, chosen_label_field, chosen_patches, show_media
from .running import LabelscapeOperator, Outcome, target_view

_SHOWN = 6
_WHICH: dict[Which, str] = {
    "confident": "The {} confident: they reach the target precision",
    "uncertain": "The {} uncertain: they do not reach the target precision; look at them first",
    "all": "All {}",
}


class AcceptSuggestions(LabelscapeOperator):
    """Turn suggestions into pending labels."""

    operator_name = "accept_suggestions"
    label = "Labelscape: accept suggestions"
    description = "Turn suggestions into labels, pending until you save: the confident ones, unless you choose others"
    icon = "done_all"
    delegable = False
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which suggestions to accept, say how many there are, and show the least certain ones."""
        patches_field = ask_patches(ctx, inputs, "Suggestions for")
        ask_label_field(ctx, inputs, patches_field)
        suggestions = _suggestions(ctx, patches_field)
        if not suggestions:
            raise Refusal("There are no suggestions to accept here: run “Labelscape: suggest labels” first.")
        which = types.RadioGroup()
        for name, text in _WHICH.items():
            which.add_choice(name, label=text.format(f"{len(_chosen(suggestions, name)):,}"))
        inputs.enum("which", which.values(), view=which, default="confident", label="Which suggestions")
        chosen = _chosen(suggestions, ctx.params.get("which", "confident"))
        inputs.view("count", types.Notice(label=f"{count(len(chosen), 'suggestion')} will become pending labels."))
        weakest = sorted(chosen.items(), key=lambda pair: pair[1].confidence)[:_SHOWN]
        show_media(
            ctx,
            inputs,
            "least_sure",
            "The least certain",
            [item for item, _ in weakest],
            [suggestion.confidence for _, suggestion in weakest],
            patches_field,
        )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Queue them."""
        patches_field = chosen_patches(ctx)
        field = chosen_label_field(ctx, patches_field).name
        ids = list(_suggestions(ctx, patches_field))
        which: Which = ctx.params.get("which", "confident")
        report = accept_suggestions(ctx.dataset, ids, which=which, field=field, patches_field=patches_field)
        return Outcome(report.sentence())


def _suggestions(ctx: Any, patches_field: str | None) -> dict[str, Suggestion]:
    """Item → suggestion for it, in the selection, the view, or the dataset."""
    items = list_items(target_view(ctx), patches_field)
    suggestions = read_suggestions(ctx.dataset, items)
    pairs = zip(items.ids.tolist(), suggestions, strict=True)
    return {item: suggestion for item, suggestion in pairs if suggestion is not None}


def _chosen(suggestions: dict[str, Suggestion], which: Which) -> dict[str, Suggestion]:
    return {
        item: suggestion
        for item, suggestion in suggestions.items()
        if which == "all" or suggestion.sure == (which == "confident")
    }
