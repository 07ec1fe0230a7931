"""Parts of forms that several operators share: embeddings, label field, patches, selection."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import fiftyone as fo
from fiftyone.operators import types
from fiftyone.operators.constants import ViewTarget

from ..ml_backend.embedding.base import local_path
from ..ml_backend.errors import Refusal
from ..ml_backend.store.embeddings import check_embeddings, embeddings_status, free_key, list_embeddings
from ..ml_backend.store.items import (
    FRAMES,
    Items,
    item_fields,
    items_of,
    list_items,
    root_field,
    shown_field,
)
from ..ml_backend.store.label_origins import holds_predictions, may_hold_predictions, unclear_origin
from ..ml_backend.store.labels import (
    LabelField,
    Labels,
    default_label_field,
    field_of_parts,
    label_field,
    read_labels,
    usable_label_fields,
)
from ..ml_backend.wording import count, percent
from .running import NextStep, chosen_target, target_view

WHOLE_SAMPLES = "whole samples"
NEW_FIELD = "a new field"
NAMED = "items"  # form parameter: IDs of the samples or objects to use instead of the selection


def ask_target(ctx: Any, inputs: types.Object, verb: str) -> None:
    """Let the user choose between dataset, view, and selection; warn when the target is a single ticked sample.

    A forgotten tick in the grid makes FiftyOne (1.22) choose the selection.
    """
    inputs.view_target(ctx, action_description=verb)
    target = chosen_target(ctx) or (ViewTarget.SELECTED_SAMPLES if ctx.selected else None)
    if len(ctx.selected or []) == 1 and target == ViewTarget.SELECTED_SAMPLES:
        total = count(ctx.view.count() if ctx.has_custom_view else ctx.dataset.count(), "sample")
        warning = (
            f"Only the 1 sample that is ticked in the grid, not all {total}: to use all, choose another target above."
        )
        inputs.view("one_ticked", types.Warning(label=warning))


def ask_embeddings(ctx: Any, inputs: types.Object) -> str:
    """Let the user choose embeddings. Raises a `Refusal` that says what to do if there are none."""
    keys = list_embeddings(ctx.dataset)
    if not keys:
        raise Refusal("This dataset has no embeddings yet: run “Labelscape: compute embeddings” first.")
    inputs.enum("embeddings", keys, default=keys[-1], required=True, label="Embeddings")
    return str(chosen_embeddings(ctx))


def chosen_embeddings(ctx: Any) -> str:
    """The embeddings chosen in the form, else the newest."""
    chosen = ctx.params.get("embeddings")
    keys = list_embeddings(ctx.dataset)
    if chosen is None and not keys:
        raise Refusal("This dataset has no embeddings yet: run “Labelscape: compute embeddings” first.")
    return str(chosen or keys[-1])


def embedded_patches_field(ctx: Any, embeddings: str) -> str | None:
    """The field whose patches or clips these embeddings cover, "frames" for frames; None for whole samples."""
    field: str | None = check_embeddings(ctx.dataset, embeddings).field
    return field


def show_coverage(ctx: Any, inputs: types.Object, embeddings: str) -> None:
    """Warn in the form when samples of the view have no embedding."""
    status = embeddings_status(target_view(ctx), embeddings)
    if not status.complete:
        inputs.view("coverage", types.Warning(label=status.sentence()))


def ask_patches(ctx: Any, inputs: types.Object, label: str) -> str | None:
    """Let the user choose between whole samples, the patches or clips of a field, and frames."""
    fields = item_fields(ctx.dataset)
    if not fields:
        return None
    shown = [WHOLE_SAMPLES, *fields, *_names_in_view(ctx)]
    inputs.enum("patches", shown, default=_default_patches(ctx), label=label)
    return chosen_patches(ctx)


def chosen_patches(ctx: Any) -> str | None:
    """The field of patches or clips, or "frames", that the form or else the view selects; None for samples."""
    chosen = ctx.params.get("patches") or _default_patches(ctx)
    chosen = _names_in_view(ctx).get(chosen, chosen)
    return None if chosen == WHOLE_SAMPLES else str(chosen)


def _names_in_view(ctx: Any) -> dict[str, str]:
    """Names of fields in a view of frames (``det``) → names of the same fields in the dataset (``frames.det``)."""
    view = ctx.view
    if view is None or not view._is_generated:
        return {}
    fields = item_fields(ctx.dataset)
    paths = {name: root_field(view, name) for name in view.get_field_schema()}
    return {name: path for name, path in paths.items() if name != path and path in fields}


def _default_patches(ctx: Any) -> str:
    return WHOLE_SAMPLES if ctx.view is None else shown_field(ctx.view) or WHOLE_SAMPLES


def ask_label_field(ctx: Any, inputs: types.Object, patches_field: str | None, parts: str | None = None) -> LabelField:
    """Let the user choose the label field, or name a new one; for patches, it is the field of the patches."""
    if patches_field == FRAMES:
        parts = FRAMES
    elif patches_field is not None:
        return label_field(ctx.dataset, patches_field, patches_field)
    default = default_label_field(ctx.dataset, parts=parts).name
    choices = list(dict.fromkeys([default, *usable_label_fields(ctx.dataset, parts=parts), NEW_FIELD]))
    if ctx.params.get("field", NEW_FIELD) not in choices:
        chosen_label_field(ctx, patches_field, parts)  # raises a Refusal if the field cannot hold labels
        choices.append(ctx.params["field"])
    inputs.enum("field", choices, default=default, label="Label field")
    if ctx.params.get("field") == NEW_FIELD:
        inputs.str("new_field", required=True, label="Name of the new field")
    field = chosen_label_field(ctx, patches_field, parts)
    _warn_of_predictions(ctx.dataset, inputs, field.name, is_default=field.name == default)
    return field


def _warn_of_predictions(dataset: fo.Dataset, inputs: types.Object, name: str, *, is_default: bool) -> None:
    if dataset.get_field(name) is None:
        return
    if not is_default and holds_predictions(dataset, name):
        warning = f"'{name}' holds predictions: labels that you set there replace them."
    elif is_default and may_hold_predictions(dataset, name):
        warning = f"{unclear_origin(name)} If a model did, choose a new field for your own labels."
    else:
        return
    inputs.view("predictions", types.Warning(label=warning))


def chosen_label_field(ctx: Any, patches_field: str | None, parts: str | None = None) -> LabelField:
    """The label field chosen in the form, else the default one, which never holds predictions."""
    name = ctx.params.get("field")
    if name == NEW_FIELD:
        name = ctx.params.get("new_field")
    if patches_field == FRAMES:
        parts, patches_field = FRAMES, None
    if patches_field is not None or name is None:
        return default_label_field(ctx.dataset, patches_field, parts=parts)
    return label_field(ctx.dataset, field_of_parts(name, parts))


def ask_label(ctx: Any, inputs: types.Object, field: LabelField) -> None:
    """Ask for a label with autocompletion over the existing classes; the user may type a new one."""
    choices = types.AutocompleteView(allow_user_input=True, allow_duplicates=False)
    for name in known_classes(ctx.dataset, field):
        choices.add_choice(name, label=name)
    inputs.str("label", required=True, label="Label", view=choices, description="Choose a class or type a new one")


def ask_precision(inputs: types.Object) -> None:
    """Let the user choose how many of the suggestions should be right."""
    inputs.float(
        "precision",
        default=0.95,
        min=0.5,
        max=0.999,
        view=types.SliderView(min=0.5, max=0.999),
        label="Target precision",
        description="The share of suggestions that should be right; a higher target gives fewer suggestions",
    )


def show_media(
    ctx: Any,
    inputs: types.Object,
    name: str,
    title: str,
    ids: Sequence[str],
    confidence: Sequence[float],
    patches_field: str | None,
) -> None:
    """Show thumbnails of a few samples with their confidence; for an object, its sample is shown."""
    path_of = _paths(ctx.dataset, ids, patches_field)
    shown = [(path_of[item], score) for item, score in zip(ids, confidence, strict=True) if item in path_of]
    if not shown:
        return
    inputs.view(f"{name}_title", types.Header(label=title, divider=False))
    row = inputs.h_stack(name, gap=1)
    for number, (path, score) in enumerate(shown):
        row.str(
            f"{name}_{number}",
            label=percent(score),
            # Relative to the page, /datasets/<name>, so that it also works behind a proxy that adds a path.
            default=f"../media?filepath={quote(local_path(path))}",
            view=types.ImageView(read_only=True, height="96px"),
        )


def _paths(dataset: fo.Dataset, ids: Sequence[str], patches_field: str | None) -> dict[str, str]:
    if patches_field is None:
        return dict(zip(*dataset.select(list(ids)).values(["id", "filepath"]), strict=True))
    if patches_field == FRAMES:
        columns = dataset.select_frames(list(ids)).values(["frames.id", "frames.filepath"], unwind=True)
        return {item: path for item, path in zip(*columns, strict=True) if path}
    view = dataset.select_labels(ids=list(ids), fields=patches_field)
    path_of = dict(zip(*view.values(["id", "filepath"]), strict=True))
    items = list_items(view, patches_field)
    return {item: path_of[sample] for item, sample in zip(items.ids.tolist(), items.sample_ids.tolist(), strict=True)}


def ask_key(ctx: Any, inputs: types.Object, stem: str, label: str) -> None:
    """Let the user name a new run; the default is a free name, and a taken name is an error."""
    field = inputs.str("key", default=free_key(ctx.dataset, stem), required=True, label=label)
    chosen = ctx.params.get("key")
    if chosen is not None and ctx.dataset.has_brain_run(chosen):
        field.invalid = True
        field.error_message = f"'{chosen}' is taken"


def known_classes(dataset: fo.Dataset, field: LabelField) -> list[str]:
    """The classes used in a label field and those declared for it, sorted."""
    used = dataset.distinct(f"{field.path}.label") if dataset.get_field(field.name) is not None else []
    declared = dataset.classes.get(field.name, dataset.default_classes)
    return sorted({str(name) for name in (*used, *declared) if name})


def target_items(ctx: Any, patches_field: str | None) -> Items:
    """The items passed by a next step, else the selected samples or objects, else those of a lasso or a filtered view.

    Labels are only set on what the user selected, never on a whole dataset by accident.

    Raises:
        Refusal: nothing is selected.
    """
    if ctx.params.get(NAMED):
        return items_of(ctx.dataset, ctx.params[NAMED], patches_field)
    if ctx.selected_labels and patches_field is not None:
        view = ctx.dataset.select_labels(labels=ctx.selected_labels)
        return list_items(view, patches_field)
    view = target_view(ctx)
    if not ctx.selected and not ctx.has_custom_view:
        raise Refusal("Nothing is selected: tick samples in the grid, or lasso points on a map, then run this again.")
    return list_items(view, patches_field)


def next_step(label: str, operator: str, ids: Sequence[str], patches_field: str | None) -> NextStep:
    """A button that opens an operator of the menu for these samples or objects."""
    return NextStep(label, operator, {NAMED: list(ids), "patches": patches_field or WHOLE_SAMPLES})


def labels_of(ctx: Any, items: Items, field: LabelField) -> Labels:
    """The current labels of the items."""
    return read_labels(ctx.dataset, items, field)
