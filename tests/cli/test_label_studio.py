"""`labelscape label-studio`: the settings with which Label Studio loads the app."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from labelscape.cli import app
from labelscape.cli.label_studio import APP, app_environment
from typer.testing import CliRunner

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    monkeypatch.delenv("LABELSCAPE_SECRET", raising=False)
    return tmp_path


def test_the_printed_settings_name_the_app_and_open_the_backend(home: Path) -> None:
    printed = CliRunner().invoke(app, ["label-studio", "--print-settings", "--backend", "http://10.0.0.7:9090/"])
    assert printed.exit_code == 0, printed.output
    script = f"{printed.output}\npython3 -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    shell = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    variables = json.loads(shell.stdout)
    settings = json.loads((home / "label-studio" / "settings.json").read_text())
    assert variables["LABELSCAPE_SECRET"] == settings["secret"]
    assert variables["LABELSCAPE_SERVER"] == "http://10.0.0.7:9090"
    assert variables["DJANGO_SETTINGS_MODULE"] == f"{APP}.settings"
    assert (Path(variables["PYTHONPATH"]) / APP / "static" / "labelscape.js").is_file()


def test_the_app_is_found_beside_what_the_user_has_on_the_path_and_their_settings_stay(home: Path) -> None:
    theirs = {"PYTHONPATH": "/opt/lib", "USE_DEFAULT_BANNED_SUBNETS": "true"}
    ours = app_environment("http://127.0.0.1:9090", theirs)
    assert ours["PYTHONPATH"].split(os.pathsep) == [str(home / "label-studio" / "app"), "/opt/lib"]
    assert "USE_DEFAULT_BANNED_SUBNETS" not in ours


def test_a_newer_app_replaces_the_older_one_completely(home: Path) -> None:
    app_environment("http://127.0.0.1:9090", {})
    stale = home / "label-studio" / "app" / APP / "stale.py"
    stale.write_text("")
    app_environment("http://127.0.0.1:9090", {})
    assert not stale.exists()


def test_without_label_studio_the_command_says_how_to_get_it(home: Path) -> None:
    refused = CliRunner().invoke(app, ["label-studio", "--label-studio", "/no/such/command"])
    assert refused.exit_code == 1
    assert "pip install label-studio" in refused.output


def test_the_app_imports_nothing_of_labelscape() -> None:
    sources = (REPOSITORY / "plugin" / "label_studio").glob("*.py")
    lines = [line.strip() for source in sources for line in source.read_text().splitlines()]
    imports = {
        line.split()[1].split(".")[0]
        for line in lines
        if line.startswith(("import ", "from ")) and "from ." not in line
    }
    allowed = set(sys.stdlib_module_names) | {
        "django",
        "requests",
        "urllib3",  # which requests is built on
        "core",
    }  # core: Label Studio's own settings and urls
    assert imports - allowed == set()
