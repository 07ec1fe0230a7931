"""Run an embedding model on the configured engine: in this process, or on the workers of a Ray cluster."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..running import engine
from .base import EmbeddingModel
from .ray_model import LOADER, RayModel
from .remote_media import FetchingModel


@contextmanager
def on_engine(
    model: EmbeddingModel, name: str, options: Mapping[str, Any], *, loader: str = LOADER
) -> Iterator[EmbeddingModel]:
    """The loaded model ``name`` on the chosen engine, which also embeds media at remote addresses.

    ``loader`` is the function that loads it in a worker, as ``module:function``.

    Raises:
        Refusal: the setting is wrong, or the cluster does not answer.
    """
    chosen = engine()
    if chosen.kind == "local":
        yield FetchingModel(model)
        return
    remote = RayModel(model, name, options, chosen, loader=loader)
    try:
        yield remote
    finally:
        remote.close()
