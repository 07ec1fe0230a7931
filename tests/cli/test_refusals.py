"""A refused command ends with the reason in one line."""

import os
import subprocess
from pathlib import Path

import pytest
from labelscape.cli import digits

from .conftest import LABELSCAPE


@pytest.mark.slow
def test_a_command_that_reaches_no_mongodb_says_so_in_one_line(tmp_path: Path, closed_port: int) -> None:
    photos = tmp_path / "photos"
    digits.write_digits(photos, count=2)
    ended = subprocess.run(
        [LABELSCAPE, "explore", photos, "--no-browser"],
        env={**os.environ, "FIFTYONE_DATABASE_URI": f"mongodb://127.0.0.1:{closed_port}"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "✗ MongoDB: no answer" in ended.stderr
    assert "FIFTYONE_DATABASE_URI" in ended.stderr
