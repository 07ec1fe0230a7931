"""Models `torchvision/<name>`: the features of any classification backbone before its classifier."""

import re
from typing import TYPE_CHECKING, Any

from ...errors import Refusal
from .device import choose_device
from .preparation import IMAGENET_MEAN, IMAGENET_STD, InputSettings, Preparation, override
from .torch_forward import TorchImageModel
from .torch_layers import last_linear_layer
from .weights import fit_state, read_state

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack

_TRAINING_HEADS = ("AuxLogits", "aux1", "aux2")  # Inception's and GoogLeNet's, of no use afterwards
_FROM_TENSORFLOW = ("googlenet", "inception_v3")
# Names in torchvision's published DenseNet files, from before PyTorch forbade the dot in them.
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


class TorchvisionModel(TorchImageModel):
    """A torchvision classification network without its classifier.

    Args:
        architecture: a name of ``torchvision.models.list_models``, such as ``resnet18``.
        weights: a local file of weights; None takes torchvision's own, from its cache or its hub.
        preparation: how images are prepared, where a local file expects something else than the architecture's own
            weights do; see `Preparation`.

    Raises:
        Refusal: an unknown architecture, weights that do not fit, or a hub that cannot be reached.
    """

    def __init__(
        self,
        architecture: str,
        *,
        weights: str | None = None,
        **preparation: "Unpack[Preparation]",
    ) -> None:
        import torch

        network = _load(architecture, weights)
        settings = override(published_settings(architecture), **preparation)
        device = choose_device()
        network = network.eval().to(device).to(memory_format=torch.channels_last)
        super().__init__(f"torchvision/{architecture}", settings, network, network, device)


def published_settings(architecture: str) -> InputSettings:
    """How images are prepared for the weights that torchvision publishes for an architecture.

    Raises:
        Refusal: torchvision has no such classification network.
    """
    import torchvision

    _check_name(architecture)
    transform = torchvision.models.get_model_weights(architecture).DEFAULT.transforms()
    return InputSettings(
        size=transform.crop_size[0],
        resize=transform.resize_size[0],
        mean=tuple(transform.mean or IMAGENET_MEAN),
        std=tuple(transform.std or IMAGENET_STD),
        interpolation=transform.interpolation.value,
    )


def _check_name(architecture: str) -> None:
    import torchvision

    names = torchvision.models.list_models(module=torchvision.models)
    if architecture not in names:
        raise Refusal(f"'{architecture}' is not a torchvision classification model; there are: {', '.join(names)}")


def _load(architecture: str, weights: str | None) -> "torch.nn.Module":
    import torchvision
    from torch import nn

    _check_name(architecture)
    if weights is None:
        network = _from_hub(architecture, torchvision.models.get_model_weights(architecture).DEFAULT)
        classifier = last_linear_layer(network, ignored=_TRAINING_HEADS)
    else:
        state = {_OLD_DENSENET.sub(r"\1\2", name): tensor for name, tensor in read_state(weights).items()}
        # Torchvision's weights of these two came from TensorFlow and expect their input scaled again.
        options = {"transform_input": True, "init_weights": False} if architecture in _FROM_TENSORFLOW else {}
        network = torchvision.models.get_model(architecture, weights=None, **options)
        classifier = last_linear_layer(network, ignored=_TRAINING_HEADS)
        fit_state(network, state, weights, free=(classifier, *_TRAINING_HEADS))
    parent, _, leaf = classifier.rpartition(".")
    setattr(network.get_submodule(parent), leaf, nn.Identity())
    for head in _TRAINING_HEADS:
        if hasattr(network, head):
            setattr(network, head, None)
    return network


def _from_hub(architecture: str, published: Any) -> "torch.nn.Module":
    import urllib.error

    import torchvision

    try:
        network: torch.nn.Module = torchvision.models.get_model(architecture, weights=published)
    except (urllib.error.URLError, OSError) as error:
        raise Refusal(
            f"The weights of torchvision/{architecture} are not in the cache and could not be downloaded ({error}). "
            f"Download {published.url} on a machine with internet access, and name the file in the option “weights”."
        ) from error
    return network
