"""Labelscape: the data explorer for FiftyOne and Label Studio. FiftyOne's plugin entry point."""

from typing import Any


def register(plugin: Any) -> None:
    """Register every operator and panel with FiftyOne."""
    from .ml_backend.store.settings import adopt_lancedb_uri
    from .operators import OPERATORS
    from .plugin.fiftyone import PANELS

    adopt_lancedb_uri()  # so that FiftyOne's own similarity search finds our vectors, before any operator ran
    for operator in (*OPERATORS, *PANELS):
        plugin.register(operator)
