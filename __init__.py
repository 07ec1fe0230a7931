"""Labelscape: the data explorer for FiftyOne and Label Studio. FiftyOne's plugin entry point."""

from typing import Any


def register(plugin: Any) -> None:
    """Register every operator and panel with FiftyOne."""
    from .operators import OPERATORS
    from .plugin.fiftyone import PANELS

    for operator in (*OPERATORS, *PANELS):
        plugin.register(operator)
