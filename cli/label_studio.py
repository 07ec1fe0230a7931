"""Start Label Studio with the Labelscape app, or print the settings with which others start it."""

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from ..ml_backend.errors import Refusal
from ..ml_backend.label_studio.settings import ensure_secret, load_settings, server_directory

APP = "labelscape_label_studio"
_SOURCE = Path(__file__).parent.parent / "plugin" / "label_studio"
# A default Label Studio (1.23) refuses to call private addresses; the cloud's metadata address stays blocked.
_PRIVATE_ADDRESSES = {"USE_DEFAULT_BANNED_SUBNETS": "false", "USER_ADDITIONAL_BANNED_SUBNETS": "169.254.0.0/16"}


def start(program: str | None, arguments: Sequence[str], backend: str) -> None:
    """Replace this process with a Label Studio that has the app.

    Args:
        program: Label Studio's command; None = the one on the PATH.
        arguments: what to pass to its ``start`` command.
        backend: where `labelscape serve` listens.

    Raises:
        Refusal: there is no such command
    """
    executable = shutil.which(program or "label-studio")
    if executable is None:
        raise Refusal(
            f"There is no command “{program or 'label-studio'}” here: install Label Studio (pip install label-studio), "
            "or name its command with --label-studio."
        )
    bind = [] if _is_given("--internal-host", arguments) else ["--internal-host", "127.0.0.1"]
    environment = {**os.environ, **app_environment(backend, os.environ)}
    typer.echo(f"Starting {executable} with the Labelscape app; its backend is {backend}.")
    os.execve(executable, [executable, "start", *bind, *arguments], environment)


def app_environment(backend: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables with which Label Studio loads the app; installs the app first.

    Variables that the user set stay as they are.
    """
    folder = install_app()
    paths = [str(folder), *filter(None, [environment.get("PYTHONPATH")])]
    free = {name: value for name, value in _PRIVATE_ADDRESSES.items() if name not in environment}
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        "DJANGO_SETTINGS_MODULE": f"{APP}.settings",
        "LABELSCAPE_SERVER": backend,
        "LABELSCAPE_SECRET": ensure_secret(load_settings()).secret,
        **free,
    }


def settings_lines(backend: str) -> list[str]:
    """The settings as lines of a shell script, for those who start Label Studio themselves."""
    variables = app_environment(backend, {})
    return [
        "# Set these, then start Label Studio as usual. The secret opens the backend: keep it out of logs and Git.",
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    ]


def install_app() -> Path:
    """Copy the app, which needs nothing else of Labelscape, to a folder of its own; return the folder."""
    folder = server_directory() / "app"
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".{APP}.{os.getpid()}"
    shutil.copytree(_SOURCE, scratch, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    shutil.rmtree(folder / APP, ignore_errors=True)
    scratch.rename(folder / APP)
    return folder


def _is_given(option: str, arguments: Sequence[str]) -> bool:
    return any(argument == option or argument.startswith(f"{option}=") for argument in arguments)
