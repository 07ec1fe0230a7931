"""`compose.yaml` fits what it starts: host names, ports, variables, and commands. No container engine is needed."""

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from labelscape.cli import app
from labelscape.testing.label_studio import LABEL_STUDIO
from typer.testing import CliRunner

REPOSITORY = Path(__file__).resolve().parent.parent
SERVICES: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]
BACKEND = SERVICES["labelscape"]
DOCKERFILE = BACKEND["build"]["dockerfile_inline"]
PORTS = {"mongo": 27017, "label-studio": 8080, "labelscape": 9090}


def test_every_address_is_that_of_a_service():
    addresses = [value for value in BACKEND["environment"].values() if "://" in value]
    assert len(addresses) == 3
    for address in addresses:
        url = urlsplit(address)
        assert PORTS[url.hostname] == url.port
    assert set(PORTS) == set(SERVICES)
    assert set(BACKEND["depends_on"]) <= set(SERVICES)


def test_the_backend_reads_its_variables():
    sources = "".join(
        path.read_text() for folder in ("ml_backend", "cli") for path in (REPOSITORY / folder).rglob("*.py")
    )
    for name in BACKEND["environment"]:
        if not name.startswith("FIFTYONE_"):
            assert f'"{name}"' in sources, name


@pytest.mark.skipif(not LABEL_STUDIO.exists(), reason="no Label Studio is installed: scripts/setup label-studio")
def test_label_studio_reads_its_variables():
    [package] = LABEL_STUDIO.parent.parent.glob("lib/python*/site-packages/label_studio")
    sources = "".join(path.read_text() for path in package.rglob("*.py") if "migrations" not in path.parts)
    for name in SERVICES["label-studio"]["environment"]:
        plain = name.removeprefix("LABEL_STUDIO_")  # it looks for each name with and without its prefix
        assert re.search(rf"['\"](LABEL_STUDIO_)?{plain}['\"]", sources), name


def test_commands_are_ours():
    [command] = re.findall(r"CMD (\[.*\])", DOCKERFILE)
    documented = re.findall(
        r"compose exec labelscape (labelscape .*)", (REPOSITORY / "docs/label-studio.md").read_text()
    )
    assert len(documented) == 2
    for words in (yaml.safe_load(command), *map(shlex.split, documented)):
        program, name, *options = words
        assert program == "labelscape"
        shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output
        assert all(option in shown for option in options if option.startswith("--"))
