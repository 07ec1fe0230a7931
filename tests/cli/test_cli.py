"""The command line, as a user types it."""

from .conftest import type_in


def test_help_names_every_command() -> None:
    said = type_in("--help").output
    assert all(command in said for command in ("doctor", "install-plugin", "demo", "explore"))
