"""How tests make suggestions and read them."""

import fiftyone as fo
from labelscape.ml_backend.actions import suggest as acts
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.suggestions import read_suggestions


def suggest(dataset, field="ground_truth", **options):
    report = acts.suggest_labels(dataset, embeddings="emb", field=field, precision=0.9, **options)
    dataset.reload()
    return report


def suggestions(dataset, patches_field=None):
    """Item id → suggestion, of those that have one."""
    items = list_items(dataset, patches_field)
    by_row = read_suggestions(dataset, items)
    return {
        item: suggestion for item, suggestion in zip(items.ids.tolist(), by_row, strict=True) if suggestion is not None
    }


def parity(label):
    return "even" if int(label) % 2 == 0 else "odd"


def classifications(*pairs):
    """A multi-label value of (label, who set it)."""
    return fo.Classifications(
        classifications=[fo.Classification(label=label, labelscape=origin) for label, origin in pairs]
    )


def shape(label):
    return "loop" if label in "0689" else "open"
