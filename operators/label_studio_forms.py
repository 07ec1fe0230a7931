"""Form parts shared by sending to Label Studio and pulling from it."""

from collections.abc import Sequence
from typing import Any

from fiftyone.operators import types

from ..ml_backend.errors import Refusal
from ..ml_backend.label_studio.client import LabelStudio
from ..ml_backend.label_studio.exchange import exchanged_fields, saved_connection
from ..ml_backend.label_studio.settings import TOKEN_VARIABLE, URL_VARIABLE
from ..ml_backend.store.labels import DEFAULT_FIELD


def connected(ctx: Any) -> LabelStudio:
    """The Label Studio set in FiftyOne's secrets, the environment, or by “labelscape connect”; otherwise refuse."""
    return saved_connection({name: ctx.secrets.get(name) for name in (URL_VARIABLE, TOKEN_VARIABLE)})


def ask_exchanged_field(ctx: Any, inputs: types.Object, *, default: str | None = None, more: Sequence[str] = ()) -> str:
    """Let the user choose a field of classifications or detections, or one of ``more``; return the choice."""
    chosen = chosen_exchanged_field(ctx, default=default)
    fields = exchanged_fields(ctx.dataset)
    inputs.enum("field", [*fields, *more], default=chosen, label="Label field")
    return chosen


def chosen_exchanged_field(ctx: Any, *, default: str | None = None) -> str:
    """The chosen field, else the default, else ``ground_truth``, else the first one.

    Raises:
        Refusal: the dataset has no such field.
    """
    fields = exchanged_fields(ctx.dataset)
    if not fields:
        raise Refusal("This dataset has no field of classifications or detections: add one, or set a label first.")
    usual = [name for name in (default, DEFAULT_FIELD) if name in fields]
    return str(ctx.params.get("field") or (*usual, *fields)[0])
