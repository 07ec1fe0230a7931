"""Open a user's own network: an ONNX, TorchScript, or .pt2 file, or Python code that creates one."""

import re
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import Refusal
from ...inspection import Declared, Inspection
from .network import Compute, Floats, OwnNetwork, pooled, read_declared
from .onnx_network import OnnxNetwork
from .torch_network import open_exported, open_module, open_torchscript

_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_KINDS = "an ONNX file (.onnx), a TorchScript file (.pt, .ts), a torch.export archive (.pt2), or package.module:factory"


def open_network(reference: str) -> OwnNetwork:
    """Open a trained network: the path of a file, or ``package.module:factory``.

    Raises:
        Refusal: no such file or code, a kind of file that cannot be loaded, or a pickle.
    """
    if _ENTRY.fullmatch(reference):
        return _open_entry(reference)
    path = Path(reference).expanduser()
    if not path.is_file():
        raise Refusal(f"There is no file '{reference}': name {_KINDS}.")
    if path.suffix == ".onnx":
        return OnnxNetwork(str(path))
    if path.suffix == ".pt2":
        return open_exported(str(path))
    if path.suffix in (".pt", ".pth", ".ts", ".torchscript"):
        if not _is_torchscript(path):
            raise Refusal(
                f"'{reference}' is a pickle or a bare state dict, not a network: a pickle can run any code, and "
                "weights alone do not say what to compute. Save it with torch.jit.trace(model, images).save(path), "
                "export it to ONNX, or name the weights in the option “weights” of torchvision/… or timm/…."
            )
        return open_torchscript(str(path))
    raise Refusal(f"'{reference}' is not a kind of network that can be loaded: name {_KINDS}.")


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _open_entry(reference: str) -> OwnNetwork:
    from torch import nn

    module_name, _, factory_name = reference.partition(":")
    try:
        factory = getattr(import_module(module_name), factory_name)
    except ImportError as error:
        raise Refusal(f"The Python module '{module_name}' cannot be imported ({error}).") from error
    except AttributeError as error:
        raise Refusal(f"The Python module '{module_name}' has no '{factory_name}'.") from error
    made = factory()
    if isinstance(made, nn.Module):
        return open_module(made, reference)
    if not callable(made):
        raise Refusal(f"'{reference}' returned {type(made).__name__}; it must return a torch module or a callable.")
    return _CallableNetwork(made, reference)


class _CallableNetwork:
    """A callable that takes normalized images (b, 3, size, size) float32 and returns vectors (b, dim)."""

    kind = "Python"

    def __init__(self, function: Callable[[Floats], Any], reference: str) -> None:
        self.declared: Declared = read_declared(dict(getattr(function, "labelscape", {}) or {}))
        self._function, self._reference = function, reference

    def inspect(self, size: int) -> Inspection:
        """See `OwnNetwork.inspect`: a callable shows no layers."""
        return Inspection(self.kind, (), None, self.declared, 0)

    def compute(self, layer: str | None, *, half: bool = False) -> Compute:
        """See `OwnNetwork.compute`."""
        if half:
            raise Refusal(f"'{self._reference}' is a function, which chooses its own precision: leave it at full.")
        if layer is not None:
            raise Refusal(f"'{self._reference}' is a function, which has no layers to choose from: leave out “layer”.")

        def run(images: Floats) -> tuple[Floats, Floats | None]:
            vectors = np.asarray(self._function(images))
            if len(vectors) != len(images):
                raise Refusal(f"'{self._reference}' returned {len(vectors)} vectors for {len(images)} images.")
            return pooled(vectors), None

        return run
