"""What annotators said of samples, as edits of the labels here; what a person labeled otherwise here is kept."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import fiftyone as fo

from ..store.label_edits import Conflict, attribute_edit, read_documents
from ..store.labels import LabelField, ensure_label_field
from ..store.saves import Edit
from .ledger import Box

# What a label carries beside `labels.PROVENANCE_ATTRIBUTES` when it comes from an annotation in Label Studio.
ANNOTATION_ATTRIBUTES: dict[str, Any] = {"annotator": fo.StringField, "annotation": fo.IntField}
NO_LABEL = "no label"
_SAME_BOX = 1e-4  # of a side of the image; percentages there and back are not exact


@dataclass(frozen=True)
class Mark:
    """What one place of a sample is labeled with: its class, "" for an object without one, and an object's box.

    ``followed``: the label only followed a neighbor's, nobody set it.
    """

    label: str
    box: Box | None = None
    followed: bool = field(default=False, compare=False)

    def same(self, other: "Mark") -> bool:
        """Whether both say the same, boxes within what rounding does to them."""
        return self.label == other.label and self.same_box(other)

    def same_box(self, other: "Mark") -> bool:
        """Whether the boxes are the same within what rounding does to them."""
        if self.box is None or other.box is None:
            return self.box is other.box
        return all(abs(a - b) < _SAME_BOX for a, b in zip(self.box, other.box, strict=True))


# Place → mark: "" for the one label of a sample, the class itself for one of several, the id for an object.
Marks = Mapping[str, Mark]


@dataclass(frozen=True)
class Said:
    """What the annotation that counts says of a sample, by whom (``annotator``) and when (``at``, in UTC).

    ``known``: the states of the labels here that it may replace: what was sent, and what was taken before. ``shown``:
    the places that the annotator had before them; that only these are missing in ``marks`` says anything.
    """

    marks: Marks
    known: Sequence[Marks]
    shown: AbstractSet[str]
    annotation: int
    annotator: str
    at: datetime | None


@dataclass(frozen=True)
class _Held:
    """A label as MongoDB holds it; ``position`` is its place in a list, None where it is no list's."""

    document: dict[str, Any]
    position: int | None
    mark: Mark


def declare_annotations(dataset: fo.Dataset, target: LabelField) -> None:
    """Declare what labels from Label Studio carry, so that the App can filter by it; make the field if it is new."""
    ensure_label_field(dataset, target)
    for attribute, kind in ANNOTATION_ATTRIBUTES.items():
        if dataset.get_field(f"{target.path}.{attribute}") is None:
            dataset.add_sample_field(f"{target.path}.{attribute}", kind)


def read_marks(dataset: fo.Dataset, target: LabelField, samples: Sequence[str]) -> dict[str, dict[str, Mark]]:
    """Sample id → its labels now; samples that are gone are left out."""
    return {
        sample: {place: held.mark for place, held in _labels(target, document).items()}
        for sample, document in read_documents(dataset, samples, [target.name]).items()
    }


def annotation_edits(
    dataset: fo.Dataset, target: LabelField, said: Mapping[str, Said], *, replace: bool
) -> tuple[list[Edit], list[Conflict]]:
    """Edits that make labels what annotations say, sample id → `Said`; samples that are gone are left out.

    A label here that is none of the known states was changed here by a person: it is kept and returned as a conflict
    (``item`` is the sample), unless ``replace``. A label that the annotator was never shown stays. A label that says
    the same gets the provenance; what is so already needs no edit.
    """
    edits: list[Edit] = []
    conflicts: list[Conflict] = []
    for sample, document in read_documents(dataset, list(said), [target.name]).items():
        labels, annotation = _labels(target, document), said[sample]
        removals = []
        for place in dict.fromkeys([*labels, *annotation.marks]):
            held, theirs = labels.get(place), annotation.marks.get(place)
            known = [state[place] for state in annotation.known if place in state]
            if theirs is None and (held is None or place not in annotation.shown):
                continue
            if _is_taken(held, theirs, annotation):
                continue
            if not replace and not _may_replace(target, held, theirs, known):
                conflicts.append(Conflict(sample, _name(theirs), _name(None if held is None else held.mark)))
            elif theirs is not None:
                edits.append(_setting(target, sample, place, held, theirs, annotation))
            elif held is not None:
                removals.append(_removal(target, sample, held))
        # From the back, so that an undo finds every position as it was.
        edits += reversed(removals)
    return edits, conflicts


def _is_taken(held: _Held | None, theirs: Mark | None, annotation: Said) -> bool:
    if held is None or theirs is None:
        return False
    taken = (held.document.get("annotation"), held.document.get("labeled_at"))
    return held.mark.same(theirs) and taken == (annotation.annotation, annotation.at)


def _may_replace(target: LabelField, held: _Held | None, theirs: Mark | None, known: Sequence[Mark]) -> bool:
    if held is None:  # an object, or one of several classes, that was sent and then deleted here stays so
        return target.kind == "classification" or not known
    mine = held.mark
    if not mine.label or mine.followed or (theirs is not None and mine.same(theirs)):
        return True
    return any(mine.same(state) for state in known)


def _setting(target: LabelField, sample: str, place: str, held: _Held | None, theirs: Mark, annotation: Said) -> Edit:
    origin = {
        "labelscape": "human",
        "anchor": None,
        "labelscape_confidence": None,
        "labeled_at": annotation.at,
        "annotator": annotation.annotator,
        "annotation": annotation.annotation,
    }
    if held is not None and (target.kind == "patch" or held.mark.label == theirs.label):
        values: dict[str, Any] = {"label": theirs.label, **origin}
        if theirs.box is not None and not held.mark.same_box(theirs):
            values["bounding_box"] = list(theirs.box)
        return attribute_edit(sample, target.path, held.position, held.document, values)
    document = _document(target, place, theirs, origin)
    if target.kind == "classification":
        return Edit("value", sample, target.path, None if held is None else held.document, document)
    return Edit("element", sample, target.path, None, document)


def _removal(target: LabelField, sample: str, held: _Held) -> Edit:
    if target.kind == "classification":
        return Edit("value", sample, target.path, held.document, None)
    return Edit("element", sample, target.path, held.document, None, position=held.position)


def _document(target: LabelField, place: str, mark: Mark, origin: Mapping[str, Any]) -> dict[str, Any]:
    if target.kind == "patch":
        label = fo.Detection(id=place, label=mark.label, bounding_box=list(mark.box or ()), **origin)
    else:
        label = fo.Classification(label=mark.label, **origin)
    return dict(label.to_mongo())


def _labels(target: LabelField, document: Mapping[str, Any]) -> dict[str, _Held]:
    """Place → label of a sample."""
    held = document.get(target.name)
    if held is None:
        return {}
    if target.kind == "classification":
        return {"": _Held(held, None, _mark(held))}
    listed = enumerate(held.get(target.path.rsplit(".", 1)[-1]) or [])
    if target.kind == "classifications":
        return {label["label"]: _Held(label, position, _mark(label)) for position, label in listed if label["label"]}
    return {str(label["_id"]): _Held(label, position, _mark(label)) for position, label in listed}


def _mark(document: Mapping[str, Any]) -> Mark:
    box = document.get("bounding_box")
    return Mark(
        label=document.get("label") or "",
        box=None if box is None else clipped(box),
        followed=document.get("labelscape") == "neighbors",
    )


def clipped(box: Sequence[float]) -> Box:
    """The part of a box that lies inside the image, which is all that Label Studio takes."""
    x, y, width, height = box
    left, top = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
    right, bottom = min(max(x + width, 0.0), 1.0), min(max(y + height, 0.0), 1.0)
    return left, top, right - left, bottom - top


def _name(mark: Mark | None) -> str:
    return NO_LABEL if mark is None else mark.label or "no class"
