"""How tests type in a command, and a plugins folder of their own."""

from pathlib import Path
from typing import Any

import pytest
from labelscape.cli import app
from typer.testing import CliRunner

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PLUGIN = "@labelscape/data-explorer"


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """FiftyOne's plugins folder, empty."""
    import fiftyone as fo

    folder = tmp_path / "plugins"
    monkeypatch.setattr(fo.config, "plugins_dir", str(folder))
    return folder


def type_in(*words: str) -> Any:
    return CliRunner().invoke(app, words)
