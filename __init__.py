"""Labelscape: the data explorer for FiftyOne and Label Studio; FiftyOne's plugin entry point and the Python API."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ml_backend.api import (
        accept,
        accept_audited,
        audit_result,
        create_function,
        create_segment,
        create_segment_from_confusion,
        discard,
        draw_map,
        embed,
        find_duplicates,
        find_similar,
        label_neighbors,
        label_next,
        project,
        pull_from_label_studio,
        rank_mislabels,
        rank_outliers,
        relabel,
        save,
        send_to_label_studio,
        set_label,
        start_audit,
        suggest,
        undo,
        update,
    )

    __version__: str

__all__ = [
    "__version__",
    "accept",
    "accept_audited",
    "audit_result",
    "create_function",
    "create_segment",
    "create_segment_from_confusion",
    "discard",
    "draw_map",
    "embed",
    "find_duplicates",
    "find_similar",
    "label_neighbors",
    "label_next",
    "project",
    "pull_from_label_studio",
    "rank_mislabels",
    "rank_outliers",
    "register",
    "relabel",
    "save",
    "send_to_label_studio",
    "set_label",
    "start_audit",
    "suggest",
    "undo",
    "update",
]


def register(plugin: Any) -> None:
    """Register every operator and panel with FiftyOne."""
    from .ml_backend.store.settings import adopt_lancedb_uri
    from .operators import OPERATORS
    from .plugin.fiftyone import PANELS

    adopt_lancedb_uri()  # so that FiftyOne's own similarity search finds our vectors, before any operator ran
    for operator in (*OPERATORS, *PANELS):
        plugin.register(operator)


def __getattr__(name: str) -> Any:
    # FiftyOne runs this module at every operator call, so the API is imported only when somebody uses it.
    if name == "__version__":
        from importlib.metadata import version

        return version("labelscape")
    if name in __all__:
        from .ml_backend import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
