"""Where the labels of a field come from: a model, a person, Labelscape, or unknown."""

import re
from typing import Any, Literal

import fiftyone as fo

from .items import label_path, stored_path
from .suggestions import is_suggestions_field

_PREDICTION_NAME = re.compile(
    r"(^|[_.])(preds?|predictions?|predicted|predictor|outputs?|inference|inferred|model|classifier|detector"
    r"|arg_?max|softmax|y_?hat|guess(es)?|pseudo|zero_?shot|top_?1"
    r"|(auto|weak)_?labels?)(_|$)",
    re.I,
)
_LABEL_NAME = re.compile(
    r"(^|[_.])(ground_?truth|gt|truth|labels?|annotations?|annotated|annotator|human|manual|y_?true)(_|$)", re.I
)
_INSIDE_NAMES = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)")  # yoloOutput, pred1
_EXAMINED = 10_000  # samples whose labels are examined
_NOT_OURS = {"labelscape": None}


def holds_predictions(dataset: fo.Dataset, name: str) -> bool:
    """Whether a label field contains a model's predictions, judged by an evaluation, or as `looks_predicted`."""
    return name in _evaluated_fields(dataset, "pred_field") or looks_predicted(dataset, name)


def looks_predicted(dataset: fo.Dataset, name: str) -> bool:
    """Whether a model made the labels in a field, judged by its name, confidence, or logits.

    Labels that Labelscape saved have a confidence, too, but are marked as such; they are not predictions.
    """
    if _PREDICTION_NAME.search(_INSIDE_NAMES.sub("_", name)) or is_suggestions_field(dataset, name):
        return True
    return _has_label(dataset, name, {"$or": [{"confidence": {"$ne": None}}, {"logits": {"$ne": None}}], **_NOT_OURS})


def may_hold_predictions(dataset: fo.Dataset, name: str) -> bool:
    """Whether a field has labels of unknown origin: a person or a model may have set them.

    The origin is known from the field's name, an evaluation with it as ground truth, or a label Labelscape saved in it.
    """
    named = _LABEL_NAME.search(_INSIDE_NAMES.sub("_", name))
    if named or holds_predictions(dataset, name) or name in _evaluated_fields(dataset, "gt_field"):
        return False
    if not _has_label(dataset, name, {"label": {"$nin": [None, ""]}}):
        return False
    return not _has_label(dataset, name, {"labelscape": {"$ne": None}})


def unclear_origin(name: str) -> str:
    """The sentence for a field that `may_hold_predictions`."""
    return f"Nothing tells whether a person or a model set the labels in '{name}'."


def _has_label(dataset: fo.Dataset, name: str, query: dict[str, Any]) -> bool:
    """Whether a label of the first samples matches a query."""
    field = dataset.get_field(name)
    if not isinstance(field, fo.EmbeddedDocumentField):
        return False
    several = f"{name}.classifications" if field.document_type is fo.Classifications else label_path(dataset, name)
    collection, path = stored_path(dataset, several)
    stages: list[dict[str, Any]] = [{"$limit": _EXAMINED}]
    stages += [{"$unwind": f"${path}"}] if several != name else []
    label = {"$cond": [{"$eq": [{"$type": f"${path}"}, "object"]}, f"${path}", {}]}
    stages += [{"$replaceWith": label}, {"$match": query}, {"$limit": 1}]
    return bool(list(collection.aggregate([*stages, {"$project": {"_id": 1}}])))


def _evaluated_fields(dataset: fo.Dataset, role: Literal["pred_field", "gt_field"]) -> set[str]:
    """The fields that evaluations of this dataset used as predictions, or as the truth."""
    configs = [dataset.get_evaluation_info(key).config for key in dataset.list_evaluations()]
    return {str(name) for config in configs if (name := getattr(config, role, None))}
