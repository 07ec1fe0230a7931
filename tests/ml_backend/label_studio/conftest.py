"""Fixtures of the tests of Label Studio's labels and media."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.label_studio.media import MediaCache
from labelscape.ml_backend.label_studio.settings import Limits, ServerSettings

from .media_sites import TOKEN, Site, serve
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


def _site() -> Iterator[Site]:
    site = Site()
    server = serve(site)
    yield site
    server.shutdown()
    server.server_close()


studio = pytest.fixture(_site, name="studio")
bucket = pytest.fixture(_site, name="bucket")


@pytest.fixture
def make_cache(studio: Site, tmp_path: Path) -> Callable[..., MediaCache]:
    """Factory of media caches for the Label Studio `studio`: ``make_cache(*media_roots, limits=…, **settings)``."""

    def make(*roots: str, limits: Limits = Limits(fetch_seconds=5), **changes: Any) -> MediaCache:  # noqa: B008
        settings = ServerSettings(url=studio.url, media_roots=roots, limits=limits)
        return MediaCache(replace(settings, **changes), lambda: TOKEN, tmp_path / "media")

    return make
