"""The device on which a network runs, and the fastest precision on it that does not lose neighbors."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def choose_device() -> "torch.device":
    """CUDA if available, else Apple's MPS, else the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def mixed_precision(device: "torch.device") -> AbstractContextManager[Any]:
    """Autocast to half precision on CUDA, to bfloat16 on CPUs that compute in it natively, else nothing."""
    import torch

    if device.type == "cuda":
        return torch.autocast("cuda", torch.float16)
    if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()
