"""Weights of a network from a local file, read without running code; a message says what does not fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Refusal

if TYPE_CHECKING:
    import torch

_SHOWN = 5


def read_state(path: str) -> "dict[str, torch.Tensor]":
    """The tensors of a PyTorch or safetensors file as float32; wrappers such as ``state_dict`` are taken off.

    Raises:
        Refusal: no such file, or no plain tensors in it.
    """
    import torch

    file = Path(path)
    if not file.is_file():
        raise Refusal(f"There is no weights file '{path}': give the path of a .pt, .pth, or .safetensors file.")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both libraries raise many kinds of errors for a file that is not what it claims to be
        raise Refusal(
            f"'{path}' cannot be read as plain weights ({type(error).__name__}): save a state dict with "
            "torch.save(model.state_dict(), path)."
        ) from error
    while isinstance(state, dict) and "state_dict" in state:
        state = state["state_dict"]
    if not isinstance(state, dict) or not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise Refusal(f"'{path}' does not contain a state dict (names and tensors): save model.state_dict() into it.")
    return {
        name.removeprefix("module."): tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }


def fit_state(
    network: "torch.nn.Module", state: "dict[str, torch.Tensor]", path: str, *, free: Sequence[str] = ()
) -> None:
    """Copy tensors into a network; those of the layers ``free`` (classifiers) may be missing or of another size.

    Raises:
        Refusal: tensors are missing, too many or of another shape; the first are listed.
    """
    expected = network.state_dict()
    free_names = tuple(f"{layer}." for layer in free)

    def is_free(name: str) -> bool:
        return name.startswith(free_names)

    # Files saved by PyTorch before 0.4.1 lack the counters of batch normalization, which inference does not need.
    counter = "num_batches_tracked"
    missing = [name for name in expected if name not in state and not is_free(name) and not name.endswith(counter)]
    surplus = [name for name in state if name not in expected and not is_free(name)]
    other = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in state and not is_free(name) and state[name].shape != expected[name].shape
    ]
    if missing or surplus or other:
        parts = [
            f"{len(names)} {what} ({', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''})"
            for what, names in (("missing", missing), ("unknown", surplus), ("of another shape", other))
            if names
        ]
        raise Refusal(f"The weights in '{path}' do not fit this model: {'; '.join(parts)}.")
    # Not `load_state_dict`: some networks (MNASNet) look for the file's version there, which safetensors cannot hold.
    for name, tensor in expected.items():
        if name in state and tensor.shape == state[name].shape:
            tensor.copy_(state[name])
