"""Classes that a user's own network predicts while it embeds, kept as a field of classifications."""

from collections.abc import Sequence

import fiftyone as fo
import numpy as np

from ..errors import Refusal

_OURS = "labelscape_predictions"  # key in the field's info: only a field with this key is written again


def check_predictions_field(dataset: fo.Dataset, field: str, patches_field: str | None) -> None:
    """Refuse a field that predictions must not be written to.

    Raises:
        Refusal: the name is not usable, the field holds something else than our predictions, or the embeddings are of
            patches.
    """
    if patches_field is not None:
        raise Refusal(
            "Predictions can be stored for whole samples, not for patches: leave out the field of predictions."
        )
    if not field.isidentifier():
        raise Refusal(f"'{field}' cannot be a field: use letters, digits and _, not starting with a digit.")
    if dataset.has_field(field) and not is_own_predictions_field(dataset, field):
        raise Refusal(f"The field '{field}' already exists and was not created by Labelscape: name a new field.")


def is_own_predictions_field(dataset: fo.Dataset, field: str) -> bool:
    """Whether a field holds what a network predicted while Labelscape computed embeddings."""
    return _OURS in (dataset.get_field(field).info or {})


def add_predictions_field(dataset: fo.Dataset, field: str, model: str) -> None:
    """Declare the field as predictions of a model, unless it already exists."""
    if not dataset.has_field(field):
        dataset.add_sample_field(
            field,
            fo.EmbeddedDocumentField,
            embedded_doc_type=fo.Classification,
            description=f"Predicted by {model} while Labelscape computed embeddings",
            info={_OURS: model},
        )


def write_predictions(
    dataset: fo.Dataset, field: str, ids: Sequence[str], logits: np.ndarray, classes: Sequence[str]
) -> None:
    """Write the most probable class of each sample, its probability as confidence, and the logits (n, classes)."""
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    best = probabilities.argmax(axis=1)
    confidences = probabilities[np.arange(len(best)), best]
    predictions = {
        item: fo.Classification(label=classes[code], confidence=float(confidence), logits=scores)
        for item, code, confidence, scores in zip(ids, best.tolist(), confidences.tolist(), logits, strict=True)
    }
    dataset.set_values(field, predictions, key_field="id")
