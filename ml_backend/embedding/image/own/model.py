"""Models `own/<file>`: a user's own trained network, cut before its classifier; its predictions can be stored too."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....errors import Refusal
from ...inspection import Declared, Inspection
from ..decoding import Pixels
from ..model import ImageModel
from ..preparation import InputSettings, Preparation, override
from .network import Compute, Floats, OwnNetwork
from .opening import open_network

if TYPE_CHECKING:
    from typing_extensions import Unpack


_TRIED_SIZE = 224  # for inspecting the layers of a network that accepts images of any size
_TIMED_IMAGES = 4


class OwnModel(ImageModel):
    """A trained network from a file or from Python code.

    Args:
        reference: the path of an .onnx, TorchScript or .pt2 file, or ``package.module:factory``.
        layer: the layer whose output is the embedding; None takes the input of the last linear layer.
        classes: names of the classes, separated by commas, or a text file with one per line; None takes those that
            the file names, else their numbers.
        precision: ``full``, or ``half`` where the device is faster with it; None is full.
        preparation: how images are prepared, see `Preparation`; what the file says itself need not be given.

    Raises:
        Refusal: the network cannot be loaded, or neither the file nor the options say how images are prepared.
    """

    def __init__(
        self,
        reference: str,
        *,
        layer: str | None = None,
        classes: str | None = None,
        precision: str | None = None,
        **preparation: "Unpack[Preparation]",
    ) -> None:
        network = open_network(reference)
        declared = network.declared
        settings = override(_settings(reference, declared, preparation), **preparation)
        compute = network.compute(layer, half=precision == "half")
        _, scores = _first(compute, settings, reference, "size" if precision != "half" else "size” or “precision")
        names = () if scores is None else _class_names(classes, declared, scores.shape[1])
        super().__init__(f"own/{reference}", settings, _Forward(compute, settings, raw=declared.raw), names)


def inspect_network(reference: str, size: int | None = None) -> Inspection:
    """Inspect a network's file without embedding anything; sizes are for images of ``size`` pixels.

    Raises:
        Refusal: the network cannot be loaded, or cannot run on images of this size.
    """
    network = open_network(reference)
    side = size or network.declared.size or _TRIED_SIZE
    return _translated(reference, side, network)


def _translated(reference: str, side: int, network: OwnNetwork) -> Inspection:
    try:
        return replace(network.inspect(side), per_second=_speed(network, side))
    except Refusal:
        raise
    except Exception as error:  # each framework has its own exception types
        reason = str(error).splitlines()[0]
        raise Refusal(f"'{reference}' cannot run on images of {side} x {side} pixels: {reason}") from error


def _speed(network: OwnNetwork, side: int) -> float:
    """Images per second of a network that has already run once."""
    compute = network.compute(None)
    blank = np.zeros((_TIMED_IMAGES, 3, side, side), np.float32)
    compute(blank)  # the first run allocates
    start = time.perf_counter()
    compute(blank)
    return _TIMED_IMAGES / max(time.perf_counter() - start, 1e-6)


def _settings(reference: str, declared: Declared, given: Preparation) -> InputSettings:
    size, mean, std = given.get("size"), given.get("mean"), given.get("std")
    if declared.raw:
        mean, std = mean or (0, 0, 0), std or (1, 1, 1)
    side, means, stds = size or declared.size, mean or declared.mean, std or declared.std
    absent = [name for name, value in (("size", side), ("mean", means), ("std", stds)) if value is None]
    if absent or side is None or means is None or stds is None:
        raise Refusal(
            f"'{reference}' does not specify how to prepare images for it: set {', '.join(absent)}. Networks trained "
            "with ImageNet's normalization take mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225; those that take "
            "values of 0 to 1 take mean 0, 0, 0 and std 1, 1, 1."
        )
    blank = InputSettings(size=side, resize=side, mean=(0, 0, 0), std=(1, 1, 1))
    return override(blank, size=side, mean=means, std=stds, channels=declared.channels)


def _first(compute: Compute, settings: InputSettings, reference: str, doubted: str) -> tuple[Floats, Floats | None]:
    blank = np.zeros((1, 3, settings.size, settings.size), np.float32)
    try:
        return compute(blank)
    except Refusal:
        raise
    except Exception as error:  # each framework has its own exception types
        raise Refusal(
            f"'{reference}' cannot run on images of {settings.size} x {settings.size} pixels "
            f"({str(error).splitlines()[0]}): is the option “{doubted}” right?"
        ) from error


class _Forward:
    """Prepared squares to vectors, followed by class scores."""

    def __init__(self, compute: Compute, settings: InputSettings, *, raw: bool) -> None:
        self._compute, self._settings, self._raw = compute, settings, raw

    def __call__(self, batch: NDArray[np.generic]) -> Floats:
        squares: Pixels = np.asarray(batch, np.uint8)
        images = squares.transpose(0, 3, 1, 2).astype(np.float32) if self._raw else self._settings.normalize(squares)
        vectors, scores = self._compute(images)
        return vectors if scores is None else np.concatenate([vectors, scores], axis=1)


def _class_names(given: str | None, declared: Declared, count: int) -> tuple[str, ...]:
    names = declared.classes
    if given:
        file = Path(given).expanduser()
        lines = file.read_text(encoding="utf-8-sig").splitlines() if file.is_file() else given.split(",")
        names = tuple(line.strip() for line in lines if line.strip())
        if len(names) != count:
            raise Refusal(f"The option “classes” names {len(names)} classes; the network has {count}.")
    if len(names) != count:
        names = tuple(str(number) for number in range(count))
    return names
