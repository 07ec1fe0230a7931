"""Models `audio-hf/<repository or folder>`: audio encoders of transformers: CLAP, AST, wav2vec 2.0, HuBERT, Whisper."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from ...progress import Progress
from ..base import Embedded, Media
from ..hub import from_pretrained, local_or_hub
from ..image.device import choose_device
from ..packages import require
from ..pipeline import embed_in_batches
from .reading import Waveform, audio_reader

_LEAST_SECONDS = 0.5  # the convolutions of wav2vec 2.0 need a minimum length


class AudioTransformersModel:
    """An audio encoder of transformers, prepared by its own feature extractor.

    The embedding is what the model compares with texts where it has a text tower (CLAP), else what its pooler returns
    (AST), else the mean of its last layer over time (wav2vec 2.0, HuBERT).

    Args:
        reference: a repository of the hub, such as ``laion/clap-htsat-unfused``, or a local folder of one.

    Raises:
        Refusal: transformers or the packages of the extra “audio” are not installed, the folder holds no audio
            encoder, or the hub cannot be reached.
    """

    def __init__(self, reference: str) -> None:
        transformers = require("transformers", "audio")
        self.name = f"audio-hf/{reference}"
        self._reference = local_or_hub(reference)
        network = from_pretrained(transformers.AutoModel, self._reference, "a model of transformers", "audio-hf")
        self._extractor = from_pretrained(
            transformers.AutoFeatureExtractor, self._reference, "a feature extractor", "audio-hf"
        )
        if not hasattr(self._extractor, "sampling_rate"):
            raise Refusal(
                f"'{reference}' is not an audio encoder: its feature extractor does not specify a sampling rate."
            )
        self._device = choose_device()
        self._network = getattr(network, "encoder", network) if network.config.model_type == "whisper" else network
        self._network = self._network.eval().to(self._device)
        self.has_text_tower = hasattr(network, "get_text_features")
        self._rate = int(self._extractor.sampling_rate)
        self.dim = int(self._forward(self._prepare(np.zeros(self._rate, np.float32))[None]).shape[1])

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed recordings in their order, one by one, as they differ in length; see `EmbeddingModel.embed`."""
        return embed_in_batches(
            media,
            read=audio_reader(self._rate),
            prepare=self._prepare,
            forward=self._forward,
            dim=self.dim,
            batch_size=1,
            progress=progress,
        )

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, dim) float32 of length 1, comparable with those of recordings.

        Raises:
            Refusal: the model has no text tower, or its tokenizer cannot be loaded.
        """
        import torch

        if not self.has_text_tower:
            raise Refusal(f"{self.name} has no text tower: it embeds only recordings.")
        tokens = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            output = self._network.get_text_features(**tokens)
        vectors = getattr(output, "pooler_output", output).float().cpu().numpy()
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)

    @cached_property
    def _tokenizer(self) -> Any:
        transformers = require("transformers", "audio")
        return from_pretrained(transformers.AutoTokenizer, self._reference, "a tokenizer", "audio-hf")

    def _prepare(self, waveform: Waveform) -> NDArray[np.float32]:
        missing = max(round(_LEAST_SECONDS * self._rate) - len(waveform), 0)
        padded = np.pad(waveform, (missing // 2, missing - missing // 2))
        features = self._extractor(padded, sampling_rate=self._rate, return_tensors="np")
        return np.asarray(next(iter(features.values()))[0], np.float32)

    def _forward(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        import torch

        values = torch.from_numpy(np.asarray(batch, np.float32)).to(self._device)
        with torch.inference_mode():
            if self.has_text_tower:
                output = self._network.get_audio_features(input_features=values)
                vectors = getattr(output, "pooler_output", output)
            else:
                output = self._network(values)
                pooled = getattr(output, "pooler_output", None)
                vectors = output.last_hidden_state.mean(1) if pooled is None else pooled
        return np.asarray(vectors.float().cpu().numpy(), np.float32)
