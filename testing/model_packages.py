"""Install a package that adds embedding models, for the time of a test."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..ml_backend.embedding.registry import ENTRY_POINTS, families_of_packages

_MODULE = "labelscape_dummy"


@contextmanager
def installed_models(folder: Path, source: str, names: tuple[str, ...] = ("FAMILY",)) -> Iterator[None]:
    """Install the module `source` in an empty folder, with one entry point for each of its `names`."""
    (folder / f"{_MODULE}.py").write_text(source)
    metadata = folder / f"{_MODULE}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: labelscape-dummy\nVersion: 1.0\n")
    entries = [f"{name.lower()} = {_MODULE}:{name}" for name in names]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{ENTRY_POINTS}]", *entries, ""]))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        families_of_packages.cache_clear()
        yield
    sys.modules.pop(_MODULE, None)
    families_of_packages.cache_clear()
