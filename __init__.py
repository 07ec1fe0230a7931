"""Labelscape: the data explorer for FiftyOne and Label Studio. FiftyOne's plugin entry point."""

from typing import Any


def register(plugin: Any) -> None:
    """Register every operator and panel with FiftyOne."""
    from .operators import OPERATORS

    for operator in OPERATORS:
        plugin.register(operator)
