"""Layers of a PyTorch network: which one gives the classes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import Refusal

if TYPE_CHECKING:
    import torch


def last_linear_layer(network: "torch.nn.Module", *, ignored: Sequence[str] = ()) -> str:
    """Name of the last linear (or 1 x 1 convolution) layer, which gives the classes.

    Raises:
        Refusal: the network has none.
    """
    from torch import nn

    names = [
        str(name)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d) and not name.startswith(tuple(ignored))
    ]
    if not names:
        raise Refusal("The network has no linear layer to cut at: name the layer whose output is the embedding.")
    return names[-1]
