"""The panel `data_explorer`: what the front end may ask for (contract.ts), answered by the actions of the operators."""

import time
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from .board import board_of
from .column_files import tidy_columns
from .labeling import LabelMethods
from .long_runs import LaunchMethods
from .panel_state import nothing_open, panel_state
from .replies import in_words
from .viewing import LookMethods

COMPONENT = "LabelscapeDataExplorer"
METHOD_NAMES = (
    "sync", "load_map", "column", "set_label_field", "select", "grow", "facts", "preview", "open_sample", "search",
    "next_best", "set_label", "label_neighbors", "accept_neighbors", "accept", "reject", "delete", "undo", "save",
    "discard", "review", "unqueue", "compute_embeddings", "compute_map", "update_map", "rank_outliers",
    "rank_mislabels", "find_duplicates", "suggest_labels", "refresh_app", "send_to_label_studio", "cancel_job",
    "create_segment", "clear_explorer", "clear_labels",
)  # fmt: skip


class DataExplorer(LookMethods, LabelMethods, LaunchMethods, foo.Panel):
    """A map of the dataset's embeddings in which one looks, finds, labels and saves."""

    @property
    def config(self) -> foo.PanelConfig:
        """How the App lists the panel."""
        return foo.PanelConfig(
            name="data_explorer",
            label="Data explorer",
            icon="bubble_chart",
            help_markdown="A map of the dataset's embeddings: look, find, label and save. Press `?` for all keys.",
            surfaces="grid",
        )

    def render(self, ctx: Any) -> types.Property:
        """The component, with the address of each method."""
        addresses = {name: self.method_to_uri(name) for name in METHOD_NAMES}
        return types.Property(types.Object(), view=types.View(component=COMPONENT, composite_view=True, **addresses))

    def on_load(self, ctx: Any) -> None:
        """Show what there is."""
        tidy_columns()
        self._show(ctx, _first_state(ctx))

    def on_change_dataset(self, ctx: Any) -> None:
        """Show the other dataset."""
        self._show(ctx, _first_state(ctx))

    def sync(self, ctx: Any) -> dict[str, Any]:
        """The state, where it is newer than the one the front end has."""
        if ctx.dataset is not None:
            board_of(ctx.dataset).opened.set()
        state = _state(ctx)
        if "error" in state:
            return state
        if ctx.params.get("revision", -1) >= state["revision"]:
            return {"unchanged": True}
        return {"unchanged": False, "state": state}

    def _show(self, ctx: Any, state: dict[str, Any]) -> None:
        if "error" in state:
            ctx.ops.notify(state["error"], variant="error")
        else:
            ctx.panel.set_data("panel", state)


@in_words
def _first_state(ctx: Any) -> dict[str, Any]:
    """The state of a panel that opens: with a map, so that its points are under way at once."""
    if ctx.dataset is not None:
        board_of(ctx.dataset).open_map(ctx.dataset, ctx.panel_id)
    return _state(ctx)


@in_words
def _state(ctx: Any) -> dict[str, Any]:
    if ctx.dataset is None:
        return nothing_open(int(time.time() * 1000))
    return panel_state(ctx, board_of(ctx.dataset))
