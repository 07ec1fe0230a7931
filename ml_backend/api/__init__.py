"""The Python API, `import labelscape as ls`: the operators of the menu, for scripts and notebooks.

Each function calls the same action as the menu's entry and returns the same report, whose ``repr`` is its closing
message. Omitted arguments get the menu's defaults: the newest embeddings, the default label field, a free name.

Example:
    >>> import labelscape as ls
    >>> ls.embed(dataset, "torchvision/resnet18")
    >>> ls.project(dataset, method="umap")
    >>> ls.suggest(dataset, precision=0.95)
    >>> ls.accept(dataset)
    >>> ls.save(dataset)
"""

from ..store.pictures import draw_map
from .exchanging import pull_from_label_studio, send_to_label_studio
from .finding import (
    create_function,
    create_segment,
    create_segment_from_confusion,
    find_duplicates,
    find_similar,
    rank_mislabels,
    rank_outliers,
)
from .labeling import (
    accept,
    accept_audited,
    audit_result,
    discard,
    label_neighbors,
    label_next,
    relabel,
    save,
    set_label,
    start_audit,
    suggest,
    undo,
)
from .making import DrawnMap, embed, project, update

__all__ = [
    "DrawnMap",
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
    "relabel",
    "save",
    "send_to_label_studio",
    "set_label",
    "start_audit",
    "suggest",
    "undo",
    "update",
]
