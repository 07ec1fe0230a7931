"""The command line, as a user types it."""

import os
import subprocess

import pytest

from .conftest import LABELSCAPE, type_in


def test_help_names_every_command() -> None:
    said = type_in("--help").output
    assert all(command in said for command in ("doctor", "install-plugin", "demo", "explore"))


def test_bash_completes_a_command_with_the_printed_script() -> None:
    typed = (
        f"source <({LABELSCAPE} completion bash); COMP_WORDS=(labelscape doc); COMP_CWORD=1; "
        "_labelscape_completion labelscape; echo ${COMPREPLY[@]}"
    )
    environment = {**os.environ, "PATH": f"{LABELSCAPE.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["doctor"], done


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_has_a_script(shell: str) -> None:
    assert "labelscape" in type_in("completion", shell).output
