"""Fixtures of the tests of Label Studio's labels."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
from labelscape.cli.digits import write_digits

from .setting import Setting, view


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Setting]]:
    """Factory of settings: ``start(*controls, rule="ground_truth_first")``; their datasets are deleted afterwards."""
    paths, _ = write_digits(tmp_path, count=3)
    made: list[Setting] = []

    def make(*parts: str, rule: Any = "ground_truth_first") -> Setting:
        made.append(Setting(view(*parts), paths, rule))
        return made[-1]

    yield make
    for one in made:
        fo.delete_dataset(one.mirror.dataset.name)
