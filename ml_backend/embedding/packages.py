"""Optional packages: imported when needed, with a clear error message if they are missing."""

from importlib import import_module
from typing import Any

from ..errors import Refusal


def require(module: str, extra: str, *, wanted_by: str = "This model") -> Any:
    """Import a package of one of Labelscape's optional extras; ``wanted_by`` says what needs it.

    Raises:
        Refusal: it is not installed; the message includes the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise Refusal(
            f"{wanted_by} needs the package “{package}”, which is not installed: pip install 'labelscape[{extra}]' "
            f"(or pip install {package}), then restart."
        ) from error
