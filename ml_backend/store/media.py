"""The file behind each item, whether it can be read now, and whether it changed."""

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection

from ..embedding.base import Media, UnreadableMedium
from ..embedding.remote_media import address_of, is_allowed, remote_marks
from .items import FRAMES, FRAMES_PREFIX, Items, as_list, every_sample, label_path, local_field
from .medium_fields import CHANNELS, DURATION, END, RATE, START, MediumField, are_windows, medium_field

FRAMES_TO_SAMPLE = "sample the frames first (`to_frames(sample_frames=True)`)"


@dataclass(frozen=True)
class UnusableItem:
    """An item without a medium, and why, in words: an object without a box, a polygon without points."""

    path: str
    reason: str


def list_media(samples: SampleCollection, items: Items) -> list[Media | UnusableItem]:
    """The medium of each item, in the order of ``items``: its file, the box of a patch, or what a card stands for."""
    samples = every_sample(samples)
    carried = medium_field(samples._root_dataset)
    if items.patches_field and carried is not None and are_windows(samples._root_dataset, items.patches_field):
        table = _media_of_windows(samples, items, carried)
    elif items.patches_field:
        table = _media_of_patches(samples, items)
    elif carried is not None and items.parts is None:
        table = _carried_media(samples, items, carried)
    else:
        table = _media_of_files(samples, items)
    gone = UnusableItem("", f"the {items.noun} was deleted in the meantime")
    return [table.get(item, gone) for item in items.ids.tolist()]


def read_marks(media: Sequence[Media | UnusableItem]) -> tuple[list[str], dict[str, str]]:
    """A short text for each medium that changes when its content or its part does; "" if it cannot be read now.

    Also returns, by path, why media at remote addresses cannot be read.
    """
    usable = [medium for medium in media if isinstance(medium, Media)]
    addresses = {medium.path: address for medium in usable if (address := address_of(medium.path))}
    known = remote_marks(sorted({address for address in addresses.values() if is_allowed(address)}))
    of_path = {path: known.get(address, "") for path, address in addresses.items()}
    reasons = {path: str(mark) for path, mark in of_path.items() if isinstance(mark, UnreadableMedium)}
    marks = {path: mark for path, mark in of_path.items() if isinstance(mark, str)}
    return [_mark(medium, marks, reasons) for medium in media], reasons


def why_unavailable(path: str) -> str | None:
    """Why a medium cannot be read now, in words; None if it can."""
    if address := address_of(path):
        [mark] = remote_marks([address]).values()
        return str(mark) if isinstance(mark, UnreadableMedium) else None
    try:
        with open(path, "rb") as file:
            file.read(1)
    except FileNotFoundError:
        return "the file does not exist"
    except OSError as error:
        return f"the file cannot be opened: {error.strerror}"
    except ValueError:
        return "the path contains a null byte"
    return None


def _media_of_files(samples: SampleCollection, items: Items) -> dict[str, Media | UnusableItem]:
    if items.parts == FRAMES and not samples._is_generated:
        ids, paths = samples.values(["frames.id", "frames.filepath"], unwind=True)
    elif items.parts not in (None, FRAMES):
        return _media_of_clips(samples._root_dataset, items)
    elif items.parts is None and samples._is_generated:
        ids, paths = every_sample(samples._root_dataset).select(items.ids.tolist()).values(["id", "filepath"])
    else:
        ids, paths = samples.values(["id", "filepath"])
    return {item: _whole(path, items.noun) for item, path in zip(ids, paths, strict=True)}


def _media_of_clips(dataset: fo.Dataset, items: Items) -> dict[str, Media | UnusableItem]:
    """The videos of clips, with the first and last frame of each."""
    assert items.parts is not None
    root = label_path(dataset, items.parts)
    videos = every_sample(dataset).select(list(dict.fromkeys(items.sample_ids.tolist())))
    paths, ids, supports = videos.values(["filepath", f"{root}.id", f"{root}.support"])
    single = root == items.parts  # a single TemporalDetection: its support is itself a list of two
    return {
        clip: Media(path=path, span=(support[0], support[1])) if support else UnusableItem(path, "the clip has no span")
        for path, clips, spans in zip(paths, ids, supports, strict=True)
        for clip, support in zip(as_list(clips), [spans] if single else spans or [], strict=False)
    }


def _carried_media(samples: SampleCollection, items: Items, carried: MediumField) -> dict[str, Media | UnusableItem]:
    """What the samples' cards stand for: texts, or files with their windows, sampling rates, and channels."""
    if samples._is_generated:
        samples = every_sample(samples._root_dataset).select(items.ids.tolist())
    known = [name for name in (START, END, RATE, CHANNELS) if samples.has_field(name)]
    ids, values, *columns = samples.values(["id", carried.name, *known])
    facts = [dict(zip(known, row, strict=True)) for row in zip(*columns, strict=True)] or [{} for _ in ids]
    return {
        item: _carried_medium(value, item_facts, carried)
        for item, value, item_facts in zip(ids, values, facts, strict=True)
    }


def _carried_medium(value: str | None, facts: dict[str, Any], carried: MediumField) -> Media | UnusableItem:
    if value is None or not value.strip():
        return UnusableItem("", f"its field '{carried.name}' is empty")
    if carried.kind == "text":
        return Media(path="", text=value)
    start, end = facts.get(START), facts.get(END)
    span = None if start is None or end is None else (float(start), float(end))
    rate = facts.get(RATE) if carried.kind == "series" else None
    return Media(path=value, span=span, rate=rate, columns=tuple(facts.get(CHANNELS) or ()))


def _media_of_windows(samples: SampleCollection, items: Items, carried: MediumField) -> dict[str, Media | UnusableItem]:
    """The windows of recordings or series: how far a box reaches over the card is its part of the whole length."""
    dataset = samples._root_dataset
    whole = every_sample(dataset).select(list(dict.fromkeys(items.sample_ids.tolist())))
    root = label_path(dataset, str(items.patches_field))
    known = [name for name in (RATE, CHANNELS, DURATION) if dataset.has_field(name)]
    values, *columns = whole.values([carried.name, *known])
    ids, boxes = whole.values([f"{root}.id", f"{root}.bounding_box"], _raw=True)
    facts = [dict(zip(known, row, strict=True)) for row in zip(*columns, strict=True)]
    return {
        str(window): _window(value, box, item_facts, carried)
        for value, windows, of_sample, item_facts in zip(values, ids, boxes, facts, strict=True)
        for window, box in zip(windows or [], of_sample or [], strict=True)
    }


def _window(value: str | None, box: Any, facts: dict[str, Any], carried: MediumField) -> Media | UnusableItem:
    medium, box = _carried_medium(value, facts, carried), _box(box)
    if isinstance(medium, UnusableItem) or isinstance(box, str):
        return medium if isinstance(medium, UnusableItem) else UnusableItem(medium.path, str(box))
    start, end = (round(edge * float(facts.get(DURATION) or 0.0), 6) for edge in (box[0], box[0] + box[2]))
    return replace(medium, span=(start, end))


def _whole(path: str | None, noun: str) -> Media | UnusableItem:
    if path is None:
        return UnusableItem("", f"the {noun} has no file: {FRAMES_TO_SAMPLE}")
    return Media(path=path)


def _media_of_patches(samples: SampleCollection, items: Items) -> dict[str, Media | UnusableItem]:
    assert items.patches_field is not None
    if items.patches_field.startswith(FRAMES_PREFIX) and not samples._is_generated:
        samples = samples.to_frames()
    name = local_field(samples, items.patches_field)
    root = name if samples._is_patches else label_path(samples, name)
    boxed = samples.get_field(name).document_type in (fo.Detections, fo.Detection)
    paths, ids = samples.values(["filepath", f"{root}.id"])
    # As stored: a shape that is not a list of numbers would raise while FiftyOne decodes it.
    shapes = samples.values(f"{root}.{'bounding_box' if boxed else 'points'}", _raw=True)
    return {
        label: _patch(path, shape, boxed=boxed)
        for path, labels, label_shapes in zip(paths, ids, shapes, strict=True)
        for label, shape in zip(as_list(labels), _as_shapes(labels, label_shapes), strict=True)
    }


def _as_shapes(labels: Any, shapes: Any) -> list[Any]:
    """Shapes as a list as long as the labels: a single box is itself a list of four numbers."""
    if not isinstance(labels, list):
        return [shapes] * len(as_list(labels))
    return shapes if isinstance(shapes, list) and len(shapes) == len(labels) else [None] * len(labels)


def _patch(path: str, shape: Any, *, boxed: bool) -> Media | UnusableItem:
    box = _box(shape) if boxed else _around(shape)
    if isinstance(box, str):
        return UnusableItem(path, box)
    return Media(path=path, box=box)


def _box(shape: Any) -> tuple[float, float, float, float] | str:
    if shape is None or shape == []:
        return "the object has no box"
    values = _numbers(shape)
    if values is None or len(values) != 4:
        return f"its box is not four numbers: {_shortened(shape)}"
    x, y, width, height = values
    return x, y, width, height


def _around(shape: Any) -> tuple[float, float, float, float] | str:
    """The relative [x, y, width, height] around the rings of a polyline, or the reason why there is no box."""
    rings = shape if isinstance(shape, list) else []
    corners = [_numbers(point) for ring in rings if isinstance(ring, list) for point in ring]
    if not corners:
        return "the polygon has no points"
    if any(corner is None or len(corner) != 2 for corner in corners):
        return f"its points are not pairs of numbers: {_shortened(shape)}"
    points = np.asarray(corners, float)
    (left, top), (right, bottom) = points.min(0), points.max(0)
    return float(left), float(top), float(right - left), float(bottom - top)


def _numbers(values: Any) -> list[float] | None:
    """Finite numbers; None where it is anything else."""
    if not isinstance(values, list) or any(
        isinstance(value, bool) or not isinstance(value, (int, float)) for value in values
    ):
        return None
    numbers = [float(value) for value in values]
    return numbers if all(map(math.isfinite, numbers)) else None


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _mark(medium: Media | UnusableItem, remote: dict[str, str], unreachable: dict[str, str]) -> str:
    if isinstance(medium, UnusableItem) or medium.path in unreachable:
        return ""
    if medium.text is not None:
        return _digest(f"text\n{medium.text}")
    state = remote.get(medium.path)
    if state is None:
        try:
            status = os.stat(medium.path)
        except (OSError, ValueError):
            return ""
        state = f"{status.st_size}\n{status.st_mtime_ns}"
    if not state:
        return ""
    part = f"{medium.box}"
    if medium.span or medium.rate or medium.columns:
        part += f"\n{medium.span}\n{medium.rate}\n{medium.columns}"
    return _digest(f"{medium.path}\n{state}\n{part}")


def _digest(identity: str) -> str:
    return hashlib.blake2b(identity.encode(errors="surrogatepass"), digest_size=8).hexdigest()
