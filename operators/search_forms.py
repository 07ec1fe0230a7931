"""Parts of forms that searches and functions share: examples, texts, images, and the threshold with its preview."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.search import Scope, preview_search, with_marks
from ..ml_backend.actions.search_queries import reads_texts, with_image
from ..ml_backend.actions.search_results import Hit, SearchPreview
from ..ml_backend.analysis.search import rounded
from ..ml_backend.errors import Refusal
from ..ml_backend.store.items import items_of, list_items
from ..ml_backend.store.searches import LastSearch, Query, last_search
from ..ml_backend.wording import count, listing
from .asking import (
    NAMED,
    ask_embeddings,
    ask_label_field,
    chosen_embeddings,
    chosen_label_field,
    embedded_patches_field,
    show_media,
)
from .running import target_view

LIKE, UNLIKE = "what to find", "what not to find"
WHOLE_DATASET, THIS_VIEW = "the dataset", "the current view"
_SHOWN = 6


def ask_query(ctx: Any, inputs: types.Object) -> Query:
    """Ask for embeddings, examples, a text, and an image; return the current query.

    Raises:
        Refusal: no embeddings, or an image that cannot be used.
    """
    embeddings = ask_embeddings(ctx, inputs)
    ticked = selected_ids(ctx, embedded_patches_field(ctx, embeddings))
    previous = _continuable(ctx, embeddings)
    if ticked:
        roles = types.RadioGroup(orientation="horizontal")
        for role in (LIKE, UNLIKE):
            roles.add_choice(role, label=role)
        label = f"The {len(ticked):,} selected {'is an example' if len(ticked) == 1 else 'are examples'} of"
        inputs.enum("role", roles.values(), view=roles, default=LIKE, label=label)
    if previous is not None and _must_refine(ctx):
        label = f"Refines the last search ({describe_examples(previous.query)})."
        inputs.view("refined", types.Notice(label=label))
    elif previous is not None:
        label = f"Refine the last search ({describe_examples(previous.query)})"
        inputs.bool("refine", default=not _has_own(ctx, ticked), label=label)
    if reads_texts(ctx.dataset, embeddings):
        inputs.str("text", label="Text", description="Describe the images in words")
    inputs.define_property("image", types.UploadedFile(), label="Your own image", view=types.FileView(types="image/*"))
    return chosen_query(ctx)


def chosen_query(ctx: Any) -> Query:
    """The query of a form."""
    params, embeddings = ctx.params, chosen_embeddings(ctx)
    ticked = selected_ids(ctx, embedded_patches_field(ctx, embeddings))
    previous = _continuable(ctx, embeddings)
    query = Query(embeddings)
    if previous is not None and (_must_refine(ctx) or params.get("refine", not _has_own(ctx, ticked))):
        query = previous.query
    query = with_marks(query, **{"negatives" if params.get("role", LIKE) == UNLIKE else "positives": ticked})
    if params.get("text"):
        query = replace(query, text=params["text"])
    image = params.get("image") or {}
    if image.get("content"):
        query = with_image(ctx.dataset, query, _decoded(image["content"]), str(image.get("name") or "image.png"))
    return query


def ask_scope(ctx: Any, inputs: types.Object) -> Scope:
    """Ask where to search: the dataset or the view, all items or only unlabeled ones."""
    if ctx.has_custom_view:
        places = types.RadioGroup(orientation="horizontal")
        for place in (WHOLE_DATASET, THIS_VIEW):
            places.add_choice(place, label=place)
        inputs.enum("place", places.values(), view=places, default=WHOLE_DATASET, label="Search")
    inputs.bool("unlabeled", default=False, label="Only unlabeled items")
    if ctx.params.get("unlabeled"):
        ask_label_field(ctx, inputs, embedded_patches_field(ctx, chosen_embeddings(ctx)))
    return chosen_scope(ctx)


def chosen_scope(ctx: Any) -> Scope:
    """The scope of a form."""
    samples = ctx.view if ctx.params.get("place") == THIS_VIEW and ctx.view is not None else ctx.dataset
    field = None
    if ctx.params.get("unlabeled"):
        field = chosen_label_field(ctx, embedded_patches_field(ctx, chosen_embeddings(ctx))).name
    return Scope(samples, field)


def ask_threshold(ctx: Any, inputs: types.Object, scope: Scope, query: Query) -> SearchPreview:
    """Ask for a threshold, and show the items just above and just below it."""
    preview = preview_search(scope, query, threshold=chosen_threshold(ctx), shown=_SHOWN)
    inputs.float(
        "threshold",
        default=preview.threshold,
        min=0.0,
        max=1.0,
        view=types.SliderView(min=float(rounded(preview.lowest)), max=float(rounded(preview.highest))),
        label="Threshold",
        description="The lowest score of a match; the items on both sides of it are shown below",
    )
    inputs.view(
        "matches", types.Notice(label=f"{preview.matches:,} of {preview.total:,} match. {preview.quality.sentence}")
    )
    show_hits(ctx, inputs, "above", "Just above the threshold: these match", preview.above, preview.patches_field)
    show_hits(ctx, inputs, "below", "Just below it: these do not", preview.below, preview.patches_field)
    return preview


def chosen_threshold(ctx: Any) -> float | None:
    """The threshold of a form; None if none was chosen yet."""
    chosen = ctx.params.get("threshold")
    return None if chosen is None else float(chosen)


def show_hits(
    ctx: Any, inputs: types.Object, name: str, title: str, hits: Sequence[Hit], patches_field: str | None
) -> None:
    """Show thumbnails of items with their scores."""
    show_media(ctx, inputs, name, title, [hit.id for hit in hits], [hit.score for hit in hits], patches_field)


def selected_ids(ctx: Any, patches_field: str | None) -> list[str]:
    """IDs of the items passed by the previous step, else of the selected or lassoed ones; empty if there are none."""
    if ctx.params.get(NAMED):
        return [str(item) for item in items_of(ctx.dataset, ctx.params[NAMED], patches_field).ids]
    if ctx.selected_labels and patches_field is not None:
        return [
            str(item) for item in list_items(ctx.dataset.select_labels(labels=ctx.selected_labels), patches_field).ids
        ]
    if not ctx.selected:
        return []
    return [str(item) for item in list_items(target_view(ctx), patches_field).ids]


def describe_examples(query: Query) -> str:
    """A query in a few words: “3 positives, 1 negative, and “a red car””."""
    parts = [count(len(query.positives), "positive"), count(len(query.negatives), "negative")]
    counts = [part for part, ids in zip(parts, (query.positives, query.negatives), strict=True) if ids]
    return listing([*counts, f"“{query.text}”" if query.text else "", query.image_name])


def _continuable(ctx: Any, embeddings: str) -> LastSearch | None:
    previous = last_search(ctx.dataset)
    return previous if previous is not None and previous.query.embeddings == embeddings else None


def _must_refine(ctx: Any) -> bool:
    """Whether the form has only negative examples, which are meaningful only as a refinement of a search."""
    return ctx.params.get("role", LIKE) == UNLIKE and not (ctx.params.get("text") or ctx.params.get("image"))


def _has_own(ctx: Any, ticked: Sequence[str]) -> bool:
    """Whether the form has something to search for; if so, the default is a new search."""
    return bool(ticked or ctx.params.get("text") or ctx.params.get("image"))


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content.split(",", 1)[-1], validate=True)
    except binascii.Error as error:
        raise Refusal("The uploaded image is incomplete: choose the file again.") from error
