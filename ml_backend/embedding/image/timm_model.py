"""Models `timm/<name>`: any backbone of timm, by name, from a local folder, or with local weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Refusal
from ..packages import require
from .device import choose_device
from .preparation import InputSettings, Preparation, override
from .torch_forward import TorchImageModel
from .weights import fit_state, read_state

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack


_COUNTER = "num_batches_tracked"  # of batch normalization, which not every file has


class TimmModel(TorchImageModel):
    """A timm network without its classifier.

    Args:
        name: a name of ``timm.list_models``, such as ``vit_small_patch14_dinov2.lvd142m``, or a folder with a
            ``config.json`` and weights, as timm's ``save_for_hf`` writes it.
        weights: a local file of weights; None takes the published ones, from the cache or the hub.
        preparation: how images are prepared, where a local file expects something else; see `Preparation`.

    Raises:
        Refusal: timm is not installed, an unknown name, weights that do not fit, or a hub that cannot be reached.
    """

    def __init__(
        self,
        name: str,
        *,
        weights: str | None = None,
        **preparation: "Unpack[Preparation]",
    ) -> None:
        import torch

        network = _load(name, weights)
        settings = override(_settings(network), **preparation)
        device = choose_device()
        network = network.eval().to(device).to(memory_format=torch.channels_last)
        super().__init__(f"timm/{name}", settings, network, self._embed, device)

    def _embed(self, pixels: "torch.Tensor") -> "torch.Tensor":
        network: Any = self.network
        vectors: torch.Tensor = network.forward_head(network.forward_features(pixels), pre_logits=True)
        return vectors


def _load(name: str, weights: str | None) -> Any:
    timm = require("timm", "models")
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _make(timm, f"local-dir:{folder}", pretrained=weights is None, weights=weights)
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('.')[0].split('_')[0]}*")[:10]
        raise Refusal(
            f"'{name}' is neither a timm model nor a folder with one"
            + (f"; names like it are: {', '.join(near)}." if near else "; timm.list_models() lists them.")
        )
    return _make(timm, name, pretrained=weights is None, weights=weights)


def _make(timm: Any, name: str, *, pretrained: bool, weights: str | None) -> Any:
    try:
        network = timm.create_model(name, pretrained=pretrained)
    except Exception as error:  # the hub's client and safetensors raise their own kinds of errors
        raise Refusal(
            f"The weights of timm/{name} could not be loaded ({type(error).__name__}: {error}). Where the hub cannot "
            "be reached, download them from https://huggingface.co/timm on a machine that is online, and name the file "
            "in the option “weights”, or the folder in place of the name."
        ) from error
    if weights is not None:
        state = _renamed(read_state(weights), network)
        fit_state(network, state, weights, free=_classifiers(network))
    return network


def _renamed(state: "dict[str, torch.Tensor]", network: Any) -> "dict[str, torch.Tensor]":
    """Tensors of EfficientNet-PyTorch under timm's names: the same layers in the same order, named otherwise."""
    if "_conv_stem.weight" not in state:
        return state
    theirs = [tensor for name, tensor in state.items() if not name.endswith(_COUNTER)]
    ours = [name for name in network.state_dict() if not name.endswith(_COUNTER)]
    return dict(zip(ours, theirs, strict=True)) if len(ours) == len(theirs) else state


def _classifiers(network: Any) -> tuple[str, ...]:
    named = network.default_cfg.get("classifier") or ()
    return (named,) if isinstance(named, str) else tuple(named)


def _settings(network: Any) -> InputSettings:
    config = require("timm", "models").data.resolve_model_data_config(network)
    size = int(config["input_size"][-1])
    return InputSettings(
        size=size,
        resize=max(size, int(size / config["crop_pct"])),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"] if config["interpolation"] in ("bilinear", "bicubic") else "bicubic",
        squash=config["crop_mode"] == "squash",
    )
