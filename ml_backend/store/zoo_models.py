"""Models `fiftyone/<name>`: any model of FiftyOne's zoo that has embeddings, read and batched by our pipeline."""

from collections.abc import Sequence
from typing import Any

import fiftyone.core.models as fom
import fiftyone.zoo as foz
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..embedding import Embedded, EmbeddingModel, Media, ModelFamily
from ..embedding.image.reading import image_reader
from ..embedding.pipeline import embed_in_batches
from ..errors import Refusal
from ..progress import Progress

_AT_LEAST = 512  # pixels of the shorter side that reading keeps, as a zoo model does not always say its input size


class ZooModel:
    """An image model of FiftyOne's zoo.

    Args:
        name: a name of `fiftyone.zoo.list_zoo_models`, such as ``resnet18-imagenet-torch``.

    Raises:
        Refusal: no such model, one without embeddings or not of images, a package that it needs is missing, or its
            weights cannot be downloaded.
    """

    def __init__(self, name: str) -> None:
        self._model = _load(name)
        self.name = f"fiftyone/{name}"
        transforms = getattr(self._model, "transforms", None)
        # A model that collates batches in its own way also prepares its images itself.
        self._transforms = None if getattr(self._model, "has_collate_fn", False) else transforms
        self._one_by_one = self._transforms is None or getattr(self._model, "ragged_batches", True)
        with self._model:
            self.dim = int(self.forward(self.prepare(np.zeros((224, 224, 3), np.uint8))[None]).shape[1])

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed images in their order; see `EmbeddingModel.embed`."""
        with self._model:
            return embed_in_batches(
                media,
                read=image_reader(at_least=_AT_LEAST),
                prepare=self.prepare,
                forward=self.forward,
                dim=self.dim,
                batch_size=1 if self._one_by_one else batch_size,
                progress=progress,
            )

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, dim) float32 of length 1, comparable with those of images.

        Raises:
            Refusal: the model does not embed texts.
        """
        if not getattr(self._model, "can_embed_prompts", False):
            raise Refusal(f"{self.name} has no text tower: it embeds only images.")
        with self._model:
            vectors = np.asarray(self._model.embed_prompts(list(texts)), np.float32)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """An image of any size as the model takes it."""
        if self._transforms is None:
            return pixels
        return np.asarray(self._transforms(Image.fromarray(pixels)))

    def forward(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Vectors (b, dim) of images that `prepare` made."""
        if self._transforms is None:
            vector = np.asarray(self._model.embed(batch[0]), np.float32)
            return vector.reshape(1, -1)
        import torch

        before = self._model.preprocess
        self._model.preprocess = False  # the reading threads have prepared the images
        try:
            vectors = self._model.embed_all(torch.from_numpy(batch))
        finally:
            self._model.preprocess = before
        return np.asarray(vectors, np.float32).reshape(len(batch), -1)


def _load(name: str) -> Any:
    names = foz.list_zoo_models()
    if name not in names:
        offered = ", ".join(sorted(foz.list_zoo_models(tags="embeddings")))
        raise Refusal(f"'{name}' is not a model of FiftyOne's zoo; those with embeddings are: {offered}")
    try:
        model = foz.load_zoo_model(name)
    except Exception as error:  # downloads, missing packages and each model's own loader raise many kinds
        raise Refusal(
            f"FiftyOne could not load its zoo model '{name}' ({type(error).__name__}: {error}). Where it has to be "
            "downloaded, run “fiftyone zoo models download” on a machine that is online, and copy the file into the "
            "folder that “fiftyone config model_zoo_dir” names."
        ) from error
    if not isinstance(model, fom.EmbeddingsMixin) or not model.has_embeddings:
        raise Refusal(f"The zoo model '{name}' has no embeddings: choose one that fiftyone.zoo tags “embeddings”.")
    if model.media_type != "image":
        raise Refusal(f"The zoo model '{name}' is for {model.media_type}s, not for images.")
    return model


def _make(name: str) -> EmbeddingModel:
    return ZooModel(name)


ZOO = ModelFamily(
    name="fiftyone",
    title="FiftyOne zoo model",
    argument="<zoo model>",
    modality="image",
    sentence="Any model of FiftyOne's zoo that has embeddings: ResNet, CLIP, DINOv2",
    make=_make,
    examples=("resnet50-imagenet-torch", "clip-vit-base32-torch", "dinov2-vits14-torch"),
    text_tower="some",
)
