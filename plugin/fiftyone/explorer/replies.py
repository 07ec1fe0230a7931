"""How a method of the panel answers: its own fields and the new state, or one sentence on what went wrong."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from .board import Board, board_of
from .label_states import LabelRows
from .map_rows import MapRows
from .panel_state import loaded_rows, map_version, panel_state

_log = logging.getLogger(__name__)
Answer = dict[str, Any]


class Asked:
    """One call of a method: what was asked, on which dataset, and the panel it came from."""

    def __init__(self, ctx: Any) -> None:
        if ctx.dataset is None:
            raise ValueError("Open a dataset first.")
        self.ctx = ctx
        self.dataset = ctx.dataset
        self.params: dict[str, Any] = ctx.params
        self.board: Board = board_of(ctx.dataset)
        self.board.opened.set()

    def rows(self) -> MapRows:
        """The rows of the map that the call names.

        Raises:
            ValueError: it is not the one loaded, or has changed since.
        """
        return self.labels().rows

    def labels(self) -> LabelRows:
        """The labels over the rows of the map that the call names; raises as `rows`."""
        return self.labels_of(self.params["map"], self.params["map_version"])

    def labels_of(self, key: str, version: str) -> LabelRows:
        """The labels over the rows of this version of a map; raises as `rows`."""
        run = self.board.run_of(key)
        rows = self.board.rows_of(self.dataset, run)
        labels = self.board.labels(self.dataset, rows)
        if version not in (map_version(rows, labels), rows.digest):
            raise ValueError(
                f"The map “{key}” has changed since it was loaded here: select again once it is drawn anew."
            )
        return labels

    def loaded_labels(self) -> LabelRows | None:
        """The labels over the map that the panel has loaded, if any."""
        rows = loaded_rows(self.ctx, self.board)
        return None if rows is None else self.board.labels(self.dataset, rows)


def in_words(deed: Callable[..., Answer]) -> Callable[..., Answer]:
    """Answer ``{"error": sentence}`` where something goes wrong.

    A ValueError is a sentence for the user. Anything else is logged with its place, and told without it.
    """

    @functools.wraps(deed)
    def answer(*arguments: Any) -> Answer:
        try:
            return deed(*arguments)
        except ValueError as error:
            return {"error": str(error)}
        except Exception as error:
            name = deed.__name__.strip("_")
            _log.exception("The panel could not answer %s", name)
            return {"error": f"“{name}” failed ({type(error).__name__}); the server's log says where."}

    return answer


def method(deed: Callable[[Any, Asked], Answer] | None = None, *, changes: bool = False) -> Callable[..., Any]:
    """Make a function of an `Asked` a method of the panel; ``changes`` = its answer carries the new state."""
    if deed is None:
        return functools.partial(method, changes=changes)

    @in_words
    @functools.wraps(deed)
    def answer(self: Any, ctx: Any) -> Answer:
        asked = Asked(ctx)
        reply = deed(self, asked)
        if changes:
            reply["state"] = panel_state(ctx, asked.board)
        return reply

    return answer
