"""How a refused command ends: with the reason in one line, and exit status 1."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from ..ml_backend.errors import Refusal
from .doctor import check_mongodb


class Commands(TyperGroup):
    """Commands that may each raise a `Refusal` or find no MongoDB."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command that was chosen."""
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            reason = str(refusal)
            cause: Exception = refusal
        except Exception as error:
            missing = _missing_mongodb(error)
            if missing is None:
                raise
            reason, cause = missing, error
        typer.secho(f"✗ {reason}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from cause


def _missing_mongodb(error: Exception) -> str | None:
    """Why FiftyOne reaches no MongoDB and what to do, where that is what the error is about."""
    if "fiftyone" not in sys.modules:
        return None
    from fiftyone.core.config import FiftyOneConfigError
    from pymongo.errors import PyMongoError

    if not isinstance(error, FiftyOneConfigError | ConnectionError | PyMongoError):
        return None
    finding = check_mongodb()
    return None if finding.fix is None else f"MongoDB: {finding.found}. To fix it: {finding.fix}"
