"""The panel `data_explorer`: what the front end may call (contract.ts), answered by the actions of the operators."""

import time
from collections import deque
from typing import Any, ClassVar

from ....operators.running import show_outcome
from ..component_panel import Answer, ComponentPanel, Method, answer_errors
from .board import Board, board_of
from .clearing import CLEARING
from .column_files import tidy_columns
from .deciding import DECIDING
from .embeddings_plan import PLANS
from .function_list import FUNCTIONS
from .labeling import LABELING
from .likely_classes import LIKELY
from .long_runs import RUNS
from .mediums import MEDIUMS
from .panel_state import listed_jobs, nothing_open, numbered, panel_state
from .reviewing import REVIEWING
from .viewing import VIEWING


@answer_errors
def sync(ctx: Any) -> Answer:
    """The state, if it is newer than the front end's."""
    if ctx.dataset is not None:
        board = board_of(ctx.dataset)
        board.background.map_is_open()
        board.jobs.watch(ctx.panel_id)
        _show_outcomes(ctx, board)
    state = _state(ctx)
    if ctx.params.get("revision", -1) >= state["revision"]:
        return {"unchanged": True}
    return {"unchanged": False, "state": state}


class DataExplorer(ComponentPanel):
    """A map of the dataset's embeddings to explore, search, label, and save."""

    panel_name = "data_explorer"
    label = "Data explorer"
    icon = "bubble_chart"
    description = "A map of the dataset's embeddings: explore, search, label, and save. Press `?` for all shortcuts."
    component = "LabelscapeDataExplorer"
    methods: ClassVar[dict[str, Method]] = {
        "sync": sync,
        **VIEWING,
        **MEDIUMS,
        **LABELING,
        **LIKELY,
        **REVIEWING,
        **DECIDING,
        **CLEARING,
        **PLANS,
        **RUNS,
        **FUNCTIONS,
    }

    def on_load(self, ctx: Any) -> None:
        """Show what there is."""
        tidy_columns()
        self._show(ctx, _first_state(ctx))

    def on_change_dataset(self, ctx: Any) -> None:
        """Show the other dataset."""
        self._show(ctx, _first_state(ctx))

    def _show(self, ctx: Any, state: dict[str, Any]) -> None:
        if "error" in state:
            ctx.ops.notify(state["error"], variant="error")
        else:
            ctx.panel.set_data("panel", state)


def _polled_state(ctx: Any, board: Board) -> dict[str, Any]:
    """The state for a panel that only asks what is new: while a call saves or undoes, only how far it is.

    Everything else changes with each of its writes, and would be read anew for every poll.
    """
    last: dict[str, Any] | None = board.states.peek(ctx.panel_id)
    if last is None or not any(job.in_call for job in board.jobs.listing()):
        return panel_state(ctx, board)
    with board.lock:
        jobs = listed_jobs(board)
        if jobs == last["jobs"]:
            return last
        # Kept with a stamp of its own: the state after the call is new, even if it is the one before the call again.
        return board.states.get(ctx.panel_id, object(), lambda: numbered(board, last | {"jobs": jobs}))


def _show_outcomes(ctx: Any, board: Board) -> None:
    """Show in the App what jobs of operators have changed, once."""
    for job in board.jobs.listing():
        if job.by_operator and job.outcome is not None and not job.open and job.claim():
            deque(show_outcome(ctx, job.outcome), maxlen=0)


@answer_errors
def _first_state(ctx: Any) -> dict[str, Any]:
    """The state of a panel that opens: with a map, so that its points are under way at once."""
    if ctx.dataset is not None:
        board_of(ctx.dataset).open_map(ctx.dataset, ctx.panel_id)
    return _state(ctx)


def _state(ctx: Any) -> Answer:
    if ctx.dataset is None:
        return nothing_open(int(time.time() * 1000))
    return _polled_state(ctx, board_of(ctx.dataset))
