"""Models `audio-onnx/<file>`: your own or a published audio network as an ONNX file that takes waveforms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from ...progress import Progress
from ..base import Embedded, Media
from ..packages import require
from ..pipeline import embed_in_batches
from .reading import Waveform, audio_reader

_RATE, _SECONDS = 16_000, 2.0
_PEAK = 32768.0  # networks that were trained on 16-bit integers, if the option says so


class AudioOnnxModel:
    """An ONNX network from a waveform, (samples,) or (batch, samples), to one vector or to one for each moment.

    Vectors of several moments are averaged. A short recording is centered in ``seconds`` of silence, because such
    networks expect a fixed length and were trained on sounds surrounded by silence.

    Args:
        file: the path of the ONNX file.
        rate: the sampling rate that the network expects, in Hz.
        seconds: the minimum length of its input.
        output: the name of the output to take; the first by default.
        scale: ``unit`` for values from -1 to 1, ``int16`` for values from -32768 to 32767.

    Raises:
        Refusal: onnxruntime or the packages of the extra “audio” are not installed, there is no such file, or it is
            not a network that takes waveforms.
    """

    def __init__(
        self,
        file: str,
        *,
        rate: int = _RATE,
        seconds: float = _SECONDS,
        output: str | None = None,
        scale: str = "unit",
    ) -> None:
        runtime = require("onnxruntime", "audio")
        path = Path(file).expanduser()
        if not path.is_file():
            raise Refusal(f"There is no file '{file}': name an ONNX file of an audio network.")
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has exception types of its own
            raise Refusal(f"'{file}' cannot be read as an ONNX model ({type(error).__name__}: {error}).") from error
        self.name = f"audio-onnx/{file}"
        self._rate, self._least = rate, round(seconds * rate)
        self._factor = _PEAK if scale == "int16" else 1.0
        self._input = _waveform_input(self._session, file)
        self._output = _named_output(self._session, output)
        self.dim = len(self._vector(np.zeros(self._least, np.float32)))

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed recordings in their order; see `EmbeddingModel.embed`."""
        return embed_in_batches(
            media,
            read=audio_reader(self._rate),
            prepare=self._vector,  # recordings differ in length: each goes through the network alone, in the threads
            forward=lambda batch: np.asarray(batch, np.float32),
            dim=self.dim,
            batch_size=batch_size,
            progress=progress,
        )

    def _vector(self, waveform: Waveform) -> NDArray[np.float32]:
        missing = max(self._least - len(waveform), 0)
        padded = np.pad(waveform, (missing // 2, missing - missing // 2)) * np.float32(self._factor)
        fed = padded if len(self._input.shape) == 1 else padded[None]
        values = np.asarray(self._session.run([self._output], {self._input.name: fed})[0], np.float32)
        return np.asarray(values.reshape(-1, values.shape[-1]).mean(axis=0), np.float32)


def _waveform_input(session: Any, file: str) -> Any:
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) > 2 or "float" not in inputs[0].type:
        shapes = ", ".join(f"{value.name} {value.shape} {value.type}" for value in inputs)
        raise Refusal(
            f"'{file}' does not take a waveform: its input must be numbers of shape (samples) or (batch, samples), and "
            f"it is {shapes}. Export the network together with its spectrogram."
        )
    return inputs[0]


def _named_output(session: Any, name: str | None) -> str:
    names = [output.name for output in session.get_outputs()]
    if name is not None and name not in names:
        raise Refusal(f"The network has no output “{name}”; its outputs are: {', '.join(names)}.")
    return name or str(names[0])
