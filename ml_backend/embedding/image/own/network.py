"""The interface of trained networks: layers, declared input, and computation."""

import json
from ast import literal_eval
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...inspection import Declared, Inspection

Floats = NDArray[np.float32]
# Normalized images (b, 3, size, size) float32 to vectors (b, dim) and class scores (b, classes), or None without.
Compute = Callable[[Floats], tuple[Floats, Floats | None]]

OUTPUT = "output"  # the layer name that stands for the network's own output


class OwnNetwork(Protocol):
    """A trained network of any kind."""

    kind: str
    declared: Declared

    def inspect(self, size: int) -> Inspection:
        """List the layers with the sizes they have for images of ``size`` x ``size`` pixels."""

    def compute(self, layer: str | None, *, half: bool = False) -> Compute:
        """The computation up to ``layer``, or to the input of the last linear layer, with the class scores.

        Args:
            half: in half precision, where the device is faster with it.

        Raises:
            Refusal: there is no such layer, or the precision of this kind of network cannot be chosen.
        """


def pooled(values: NDArray[Any]) -> Floats:
    """The output of a layer as vectors (b, dim): feature maps and tokens are averaged over their positions."""
    array = np.asarray(values, np.float32)
    if array.ndim > 3:
        array = array.mean(axis=tuple(range(2, array.ndim)))
    elif array.ndim == 3:
        array = array.mean(axis=1)
    return array.reshape(len(array), -1)


def in_fixed_batches(compute: Compute, batch: int) -> Compute:
    """Wrap a computation for exactly ``batch`` images to accept any number; the last batch is padded with zeros."""

    def run(images: Floats) -> tuple[Floats, Floats | None]:
        vectors, scores = [], []
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            filled = np.concatenate([part, np.zeros((batch - len(part), *part.shape[1:]), part.dtype)])
            vector, score = compute(filled)
            vectors.append(vector[: len(part)])
            if score is not None:
                scores.append(score[: len(part)])
        return np.concatenate(vectors), np.concatenate(scores) if scores else None

    return run


def read_declared(properties: Mapping[str, Any]) -> Declared:
    """Read the metadata of a file, with our keys or those of Ultralytics' exports.

    Keys: ``size`` or ``imgsz``, ``mean``, ``std``, ``channels`` (rgb or bgr), and ``classes`` or ``names`` (a list, or
    a dictionary of numbers to names), each as JSON or a Python literal. What cannot be read counts as not said.
    """
    values = {name: _literal(value) for name, value in properties.items()}
    size = values.get("size", values.get("imgsz"))
    if isinstance(size, list | tuple) and size:
        size = size[-1]
    names = values.get("classes", values.get("names")) or ()
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names, key=int)]
    elif isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
    return Declared(
        size=int(size) if isinstance(size, int | float) else None,
        mean=_numbers(values.get("mean")),
        std=_numbers(values.get("std")),
        channels=values["channels"] if values.get("channels") in ("rgb", "bgr") else None,
        classes=tuple(str(name) for name in names),
    )


def _numbers(value: Any) -> tuple[float, ...] | None:
    if isinstance(value, list | tuple) and len(value) == 3 and all(isinstance(part, int | float) for part in value):
        return tuple(float(part) for part in value)
    return None


def _literal(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for read in (json.loads, literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError):
            continue
    return value
