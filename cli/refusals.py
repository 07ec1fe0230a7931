"""How a refused command ends: with the reason in one line, and exit status 1."""

from typing import Any

import typer
from typer.core import TyperGroup

from ..ml_backend.errors import Refusal


class Commands(TyperGroup):
    """Commands of which each may raise a `Refusal`."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command that was chosen."""
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            typer.secho(f"✗ {refusal}", fg=typer.colors.RED, err=True)
            raise typer.Exit(1) from refusal
