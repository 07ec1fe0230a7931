"""Make an 8-bit copy of an ONNX network, and keep it only if it is faster and its vectors are nearly the same."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import Refusal
from ....progress import Progress
from ...packages import require
from ...pipeline import embed_in_batches
from ..reading import image_reader
from .model import OwnModel
from .onnx_network import OnnxNetwork

LEAST_COSINE = 0.99  # the median over images that the calibration did not see
LEAST_IMAGES = 16
_CALIBRATION = 64
_BATCH = 16

# Images per second of a model on prepared squares, and its vectors for them.
Measure = Callable[[OwnModel, NDArray[np.uint8]], tuple[float, NDArray[np.float32]]]


@dataclass(frozen=True)
class Quantization:
    """The effect of 8 bits: median cosine to the original vectors, and images per second of the network alone."""

    cosine: float
    before: float
    after: float
    kept: bool

    def sentence(self, path: str) -> str:
        """The closing message, for the file ``path``."""
        numbers = (
            f"{self.after:.0f} images per second instead of {self.before:.0f} for the network alone, median cosine "
            f"{self.cosine:.4f} to the original vectors"
        )
        if self.kept:
            return f"Wrote '{path}': {numbers}."
        return f"Nothing was written, because 8 bits do not pay here: {numbers} (at least {LEAST_COSINE} is required)."


def quantize(
    source: str,
    target: str,
    images: Sequence[str],
    options: dict[str, Any],
    *,
    measure: Measure | None = None,
    progress: Progress | None = None,
) -> Quantization:
    """Quantize an ONNX network to 8 bits with the value ranges that it has on some images.

    Half of the images (at most 64) calibrate, the others measure. ``target`` is written only if the network is faster
    and the median cosine between its vectors and the original ones is at least .99.

    Args:
        options: how images are prepared; see `OwnModel`.
        measure: times a model on prepared squares; None measures on this machine.

    Raises:
        Refusal: not an ONNX file, or fewer than 16 readable images.
    """
    require("onnxruntime", "models")
    if Path(source).suffix != ".onnx":
        raise Refusal(f"'{source}' is not an .onnx file; only ONNX networks can be quantized.")
    model = OwnModel(source, **options)
    squares = _read(model, images)
    if len(squares) < LEAST_IMAGES:
        raise Refusal(
            f"{len(squares)} images can be read; at least {LEAST_IMAGES} are needed, half of them to measure."
        )
    calibration, measured = squares[::2][:_CALIBRATION], squares[1::2]
    scratch = Path(target).with_name(f".{Path(target).stem}.{os.getpid()}.onnx")
    try:
        _quantize_file(source, scratch, model, calibration)
        small = OwnModel(str(scratch), **options)
        timed = measure or measure_rate
        before, vectors = timed(model, measured)
        if progress is not None:
            progress(0.7, "Measuring the 8-bit copy")
        after, quantized = timed(small, measured)
        cosine = float(np.median(_cosines(vectors, quantized)))
        kept = after > before and cosine >= LEAST_COSINE
        if kept:
            scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
    return Quantization(cosine, before, after, kept)


def _quantize_file(source: str, target: Path, model: OwnModel, squares: NDArray[np.uint8]) -> None:
    quantization = require("onnxruntime.quantization", "models")
    network = OnnxNetwork(source)
    batches = iter(squares[:, None])

    class Images:
        def get_next(self) -> dict[str, Any] | None:
            square = next(batches, None)
            if square is None:
                return None
            return network.feed(model.input.normalize(np.repeat(square, max(network.batch, 1), axis=0)))

    try:
        quantization.quantize_static(
            source,
            str(target),
            Images(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
    except Exception as error:  # onnxruntime raises kinds of its own for operators that it cannot quantize
        raise Refusal(f"onnxruntime cannot quantize '{source}' ({type(error).__name__}: {error}).") from error


def _read(model: OwnModel, images: Sequence[str]) -> NDArray[np.uint8]:
    squares: list[NDArray[np.uint8]] = []

    def collect(batch: NDArray[np.generic]) -> NDArray[np.float32]:
        squares.append(np.asarray(batch, np.uint8))
        return np.zeros((len(batch), 1), np.float32)

    embed_in_batches(
        images,
        read=image_reader(at_least=model.input.size),
        prepare=model.prepare,
        forward=collect,
        dim=1,
        batch_size=_BATCH,
    )
    return np.concatenate(squares) if squares else np.zeros((0, 1, 1, 3), np.uint8)


def measure_rate(model: OwnModel, squares: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
    """Images per second of the network alone, in the best of three passes, and the vectors."""
    rates = []
    for _ in range(3):
        started = time.perf_counter()
        outputs = [model.forward(squares[start : start + _BATCH]) for start in range(0, len(squares), _BATCH)]
        rates.append(len(squares) / (time.perf_counter() - started))
    return max(rates), np.concatenate(outputs)[:, : model.dim]


def _cosines(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.asarray((first * second).sum(axis=1) / np.maximum(norms, 1e-12), np.float32)
