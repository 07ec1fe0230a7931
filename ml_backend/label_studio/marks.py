"""Turn annotations into edits of the labels here; labels that a person changed here are kept."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo

from ..store.edits import Edit
from ..store.label_documents import Conflict
from ..store.label_edits import attribute_edit, read_documents
from ..store.labels import PROVENANCE_ATTRIBUTES, LabelField
from .geometry import Box, clipped

# Attributes of a label from a Label Studio annotation, in addition to `labels.PROVENANCE_ATTRIBUTES`.
ANNOTATION_ATTRIBUTES: dict[str, Any] = {"annotator": fo.StringField, "annotation": fo.IntField}
NO_LABEL = "no label"
_SAME_BOX = 1e-4  # of a side of the image; converting to percentages and back is not exact
_OF_THE_BOX = ("mask", "mask_path")  # describe the pixels of a box, so they are invalid for another box
_OF_THE_CLASS = ("confidence", "logits")  # belong to the predicted class, so they are invalid for another class


@dataclass(frozen=True)
class Mark:
    """A label of a sample or object: its class, "" for an object without one, and an object's box.

    ``followed``: the label only followed a neighbor's, nobody set it. ``region``: the object's id in Label Studio.
    """

    label: str
    box: Box | None = None
    followed: bool = field(default=False, compare=False)
    region: str = field(default="", compare=False)

    def same(self, other: "Mark") -> bool:
        """Whether both are equal, with boxes equal up to rounding."""
        return self.label == other.label and self.same_box(other)

    def same_box(self, other: "Mark") -> bool:
        """Whether the boxes are equal up to rounding."""
        if self.box is None or other.box is None:
            return self.box is other.box
        return all(abs(a - b) < _SAME_BOX for a, b in zip(self.box, other.box, strict=True))


# Place → mark: "" for the one label of a sample, the class itself for one of several, the id for an object.
Marks = Mapping[str, Mark]


@dataclass(frozen=True)
class Origin:
    """The annotation that a label comes from, with its ``annotator`` and time (``at``, in UTC)."""

    annotation: int
    annotator: str
    at: datetime | None


@dataclass(frozen=True)
class AnnotationContent:
    """The annotation content for a sample; ``origin`` None: not from a person, such as boxes of another model.

    ``known``: the states of the labels here that it may replace: what was sent, and what was taken before. ``shown``:
    the places that the annotator saw; only for these does it mean anything that they are missing in ``marks``.
    ``nothing``: True if somebody checked and found nothing, False if nobody checked, None if that is unknown.
    """

    marks: Marks
    known: Sequence[Marks]
    shown: AbstractSet[str]
    origin: Origin | None
    nothing: bool | None = None


@dataclass(frozen=True)
class StoredLabel:
    """A label as stored in MongoDB; ``position`` is its index in a list, None if it is not in a list."""

    document: dict[str, Any]
    position: int | None
    mark: Mark

    def comes_from(self, origin: Origin | None) -> bool:
        """Whether the label was taken from the current version of this annotation."""
        taken = (self.document.get("annotation"), self.document.get("labeled_at"))
        return origin is None or taken == (origin.annotation, origin.at)


@dataclass(frozen=True)
class AnnotationEdits:
    """The edits to make; ``masks`` counts instance masks that are dropped because their boxes moved."""

    edits: list[Edit]
    conflicts: list[Conflict]
    masks: int


def annotation_attributes(target: LabelField) -> dict[str, type[fo.Field]]:
    """Path → type of the attributes of labels from Label Studio, to be declared so that the App can filter."""
    declared = {f"{target.path}.{name}": kind for name, kind in ANNOTATION_ATTRIBUTES.items()}
    if target.path != target.name:  # an empty list of labels records who checked
        of_lists = {**PROVENANCE_ATTRIBUTES, **ANNOTATION_ATTRIBUTES}
        declared |= {f"{target.name}.{name}": kind for name, kind in of_lists.items()}
    return declared


def read_marks(dataset: fo.Dataset, target: LabelField, samples: Sequence[str]) -> dict[str, dict[str, Mark]]:
    """Sample id → its current labels; deleted samples are left out."""
    return {
        sample: {place: stored.mark for place, stored in stored_labels(target, document).items()}
        for sample, document in read_documents(dataset, samples, [target.name]).items()
    }


def stored_labels(target: LabelField, document: Mapping[str, Any]) -> dict[str, StoredLabel]:
    """Place → label of a sample, as MongoDB has it."""
    value = document.get(target.name)
    if value is None:
        return {}
    if target.kind == "classification":
        return {"": StoredLabel(value, None, _mark(value))}
    listed = enumerate(value.get(target.path.rsplit(".", 1)[-1]) or [])
    labels = (StoredLabel(label, position, _mark(label)) for position, label in listed)
    if target.kind == "classifications":
        return {stored.mark.label: stored for stored in labels if stored.mark.label}
    return {str(stored.document["_id"]): stored for stored in labels}


def annotation_edits(
    target: LabelField,
    documents: Mapping[str, Mapping[str, Any]],
    contents: Mapping[str, AnnotationContent],
    *,
    replace: bool,
) -> AnnotationEdits:
    """Edits that change labels to their annotations in Label Studio.

    A label here that is not in a known state was changed here by a person: it is kept and returned as a conflict
    (``item`` is the sample), unless ``replace``. A label that the annotator was never shown stays. A label that agrees
    only gets the provenance; if it already has that, no edit is needed. Attributes that no longer apply to a label's
    new box or class are dropped; all others stay.

    Args:
        documents: sample id → its labels as `label_edits.read_documents` read them.
        contents: sample id → what its annotation says.
    """
    edits: list[Edit] = []
    conflicts: list[Conflict] = []
    for sample, document in documents.items():
        sample_edits, kept = _sample_edits(target, sample, document, contents[sample], replace=replace)
        edits += sample_edits
        conflicts += kept
    masks = sum(any((edit.before or {}).get(name) is not None for name in _OF_THE_BOX) for edit in edits if edit.after)
    return AnnotationEdits(edits, conflicts, masks)


def as_stored_time(text: str) -> datetime | None:
    """Convert Label Studio's time format to what MongoDB returns: naive UTC, to the millisecond."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _sample_edits(
    target: LabelField, sample: str, document: Mapping[str, Any], content: AnnotationContent, *, replace: bool
) -> tuple[list[Edit], list[Conflict]]:
    labels = stored_labels(target, document)
    settings: list[Edit] = []
    removals: list[Edit] = []
    conflicts: list[Conflict] = []
    for place in dict.fromkeys([*labels, *content.marks]):
        stored, theirs = labels.get(place), content.marks.get(place)
        if not _is_stated(place, stored, theirs, content):
            continue
        known = [state[place] for state in content.known if place in state]
        if not replace and not _may_replace(target, stored, theirs, known):
            conflicts.append(Conflict(sample, _name(theirs), _name(None if stored is None else stored.mark)))
        elif theirs is not None:
            fresh = document.get(target.name) is None
            settings.append(_setting(target, (sample, place), stored, theirs, content.origin, fresh=fresh))
        elif stored is not None:
            removals.append(_removal(target, sample, stored))
    # From the back, so that an undo finds every position unchanged.
    edits = [*settings, *reversed(removals)]
    left = len(labels) - len(removals) + sum(edit.before is None for edit in settings)
    return edits + _emptiness_edits(target, sample, document.get(target.name), content, left), conflicts


def _is_stated(place: str, stored: StoredLabel | None, theirs: Mark | None, content: AnnotationContent) -> bool:
    """Whether the annotation states something about a place that was not taken already."""
    if theirs is None or not theirs.label:
        if stored is None and theirs is None:
            return False
        if stored is not None and (theirs is None or stored.mark.label) and place not in content.shown:
            return False
    taken = stored is not None and theirs is not None and stored.mark.same(theirs) and stored.comes_from(content.origin)
    return not taken


def _may_replace(target: LabelField, stored: StoredLabel | None, theirs: Mark | None, known: Sequence[Mark]) -> bool:
    if stored is None:  # an object, or one of several classes, that was sent and then deleted here stays so
        return target.kind == "classification" or not known
    mine = stored.mark
    if not mine.label or mine.followed or (theirs is not None and mine.same(theirs)):
        return True
    return any(mine.same(state) for state in known)


def _setting(
    target: LabelField,
    where: tuple[str, str],
    stored: StoredLabel | None,
    theirs: Mark,
    origin: Origin | None,
    *,
    fresh: bool,
) -> Edit:
    """The edit of one place of a sample; ``fresh``: the sample has nothing in the field yet, not even an empty list."""
    (sample, place), provenance = where, _provenance(origin)
    if stored is None:
        document = _document(target, place, theirs, provenance)
        if target.kind == "classification":
            return Edit("value", sample, target.path, None, document)
        return Edit("element", sample, target.path, None, document, fresh=fresh)
    values: dict[str, Any] = {"label": theirs.label or None, **provenance}
    if theirs.box is not None and not stored.mark.same_box(theirs):
        values |= {"bounding_box": list(theirs.box), **_dropped(stored, _OF_THE_BOX)}
    if theirs.label != stored.mark.label:
        values |= _dropped(stored, _OF_THE_CLASS)
    return attribute_edit(sample, target.path, stored.position, stored.document, values)


def _removal(target: LabelField, sample: str, stored: StoredLabel) -> Edit:
    if target.kind == "classification":
        return Edit("value", sample, target.path, stored.document, None)
    return Edit("element", sample, target.path, stored.document, None, position=stored.position)


def _emptiness_edits(target: LabelField, sample: str, value: Any, content: AnnotationContent, left: int) -> list[Edit]:
    """An empty list of labels with provenance means “checked, nothing there”; without it, nothing is known."""
    if target.kind == "classification" or left or content.nothing is None:
        return []
    leaf = target.path.rsplit(".", 1)[-1]
    before = None if value is None else {**value, leaf: []}
    if not content.nothing:
        return [] if before is None else [Edit("value", sample, target.name, before, None)]
    after = {**(before or {"_cls": leaf.capitalize(), leaf: []}), **_provenance(content.origin)}
    return [] if after == before else [Edit("value", sample, target.name, before, after)]


def _provenance(origin: Origin | None) -> dict[str, Any]:
    if origin is None:
        return {}
    return {
        "labelscape": "human",
        "anchor": None,
        "labelscape_confidence": None,
        "labeled_at": origin.at,
        "annotator": origin.annotator,
        "annotation": origin.annotation,
    }


def _dropped(stored: StoredLabel, names: Sequence[str]) -> dict[str, None]:
    return {name: None for name in names if stored.document.get(name) is not None}


def _document(target: LabelField, place: str, mark: Mark, provenance: Mapping[str, Any]) -> dict[str, Any]:
    if target.kind == "patch":
        region = {"region": mark.region} if mark.region else {}
        label = fo.Detection(
            id=place, label=mark.label or None, bounding_box=list(mark.box or ()), **region, **provenance
        )
    else:
        label = fo.Classification(label=mark.label or None, **provenance)
    return dict(label.to_mongo())


def _mark(document: Mapping[str, Any]) -> Mark:
    box = document.get("bounding_box")
    return Mark(
        label=document.get("label") or "",
        box=clipped(box) if isinstance(box, list) and len(box) == 4 else None,
        followed=document.get("labelscape") == "neighbors",
        region=document.get("region") or "",
    )


def _name(mark: Mark | None) -> str:
    return NO_LABEL if mark is None or not mark.label else mark.label
