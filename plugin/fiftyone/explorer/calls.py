"""One call of the explorer: what it refers to, and how it is answered."""

import functools
from collections.abc import Callable
from typing import Any

from ....ml_backend.errors import Refusal
from ..component_panel import Answer, Method, answer_errors, open_dataset
from .board import Board, board_of
from .label_states import LabelRows
from .map_rows import MapRows
from .panel_state import loaded_rows, map_version, panel_state


class Call:
    """One call of a method: the request, its dataset, and the panel it came from."""

    def __init__(self, ctx: Any) -> None:
        self.ctx = ctx
        self.dataset = open_dataset(ctx)
        self.params: dict[str, Any] = ctx.params
        self.board: Board = board_of(ctx.dataset)
        self.board.background.map_is_open()

    def rows(self) -> MapRows:
        """The rows of the map that the call names.

        Raises:
            Refusal: it is not the one loaded, or has changed since.
        """
        return self.labels().rows

    def labels(self) -> LabelRows:
        """The labels over the rows of the map that the call names; raises as `rows`."""
        return self.labels_of(self.params["map"], self.params["map_version"])

    def labels_of(self, key: str, version: str) -> LabelRows:
        """The labels over the rows of this version of a map; raises as `rows`."""
        run = self.board.maps.run_of(key)
        rows = self.board.maps.rows_of(self.dataset, run)
        labels = self.board.labels(self.dataset, rows)
        if version not in (map_version(rows, labels), rows.digest):
            raise Refusal(
                f"The map “{key}” has changed since it was loaded here: select again once it has been redrawn."
            )
        return labels

    def loaded_labels(self) -> LabelRows | None:
        """The labels over the map that the panel has loaded, if any."""
        rows = loaded_rows(self.ctx, self.board)
        return None if rows is None else self.board.labels(self.dataset, rows)


def answers(table: dict[str, Method], *, changes: bool = False) -> Callable[[Callable[[Call], Answer]], Method]:
    """Make a function of a `Call` a method of the panel; ``changes`` = its answer carries the new state."""

    def add(work: Callable[[Call], Answer]) -> Method:
        @answer_errors
        @functools.wraps(work)
        def answer(ctx: Any) -> Answer:
            call = Call(ctx)
            reply = work(call)
            if changes:
                reply["state"] = panel_state(ctx, call.board)
            return reply

        table[work.__name__] = answer
        return answer

    return add
