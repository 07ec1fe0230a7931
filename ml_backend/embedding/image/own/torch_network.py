"""Trained networks as TorchScript, as `torch.export` archives (.pt2), or as a module created by Python code."""

import ast
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ....errors import Refusal
from ...inspection import Declared, Inspection, Layer
from ..device import choose_device, mixed_precision
from .network import OUTPUT, Compute, Floats, in_fixed_batches, pooled, read_declared

if TYPE_CHECKING:
    import torch

# Taps: values by layer name, as the network computes them for normalized images (b, 3, size, size).
Taps = Callable[["torch.Tensor", "tuple[str, ...]"], "dict[str, torch.Tensor]"]
_METADATA = ("labelscape.json", "config.txt")  # extra files of an archive; the second is Ultralytics'
# What a symbolic size may be made of; calls are of sympy's classes alone, such as Symbol('s0', integer=True).
_ARITHMETIC = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.keyword, ast.Name, ast.Constant, ast.Load,
    ast.operator, ast.unaryop, ast.cmpop,
)  # fmt: skip


class TorchNetwork:
    """A PyTorch network whose internal values can be tapped, whatever its file format.

    Args:
        layers: name → kind of the layers that can be named, in order.
        cut: name of the tap with the input of the last linear layer; None where there is no linear layer.
        scores: name of the tap with that layer's output.
        batch: the only batch size that it can run; 0 = any.
    """

    def __init__(
        self, kind: str, path: str, declared: Declared, taps: Taps, layers: Mapping[str, str], *,
        cut: str | None, scores: str | None, batch: int = 0,
    ) -> None:  # fmt: skip
        self.kind, self.declared = kind, declared
        self._path, self._taps, self._layers, self._batch = path, taps, dict(layers), batch
        self._cut, self._scores = cut, scores

    def inspect(self, size: int) -> Inspection:
        """See `OwnNetwork.inspect`."""
        import torch

        blank = torch.zeros((max(self._batch, 1), 3, size, size), device=choose_device())
        values = self._taps(blank, tuple(self._layers))
        layers = [
            Layer(name, kind, tuple(values[name].shape[1:]))
            for name, kind in self._layers.items()
            if name in values and values[name].ndim > 1
        ]
        _, scores = self.compute(None)(blank.cpu().numpy())
        n_classes = 0 if scores is None else scores.shape[1]
        return Inspection(self.kind, tuple(layers), self._cut, self.declared, n_classes)

    def compute(self, layer: str | None, *, half: bool = False) -> Compute:
        """See `OwnNetwork.compute`."""
        import torch

        if layer is not None and layer != OUTPUT and layer not in self._layers:
            listing = ", ".join(self._layers)
            raise Refusal(f"'{self._path}' has no layer '{layer}'; its layers are: {listing or 'none'}.")
        tapped = layer or self._cut or OUTPUT
        names = tuple(dict.fromkeys((tapped, OUTPUT, *((self._scores,) if self._scores else ()))))
        device = choose_device()

        def run(images: Floats) -> tuple[Floats, Floats | None]:
            with torch.inference_mode():
                with mixed_precision(device) if half else nullcontext():
                    values = self._taps(torch.from_numpy(images).to(device), names)
                arrays = {name: value.float().cpu().numpy() for name, value in values.items()}
            if tapped not in arrays:
                raise Refusal(
                    f"The layer '{tapped}' of '{self._path}' computes nothing for an image: choose another one."
                )
            return pooled(arrays[tapped]), None if layer == OUTPUT else self._logits(arrays)

        return in_fixed_batches(run, self._batch) if self._batch else run

    def _logits(self, values: Mapping[str, Any]) -> Floats | None:
        """The scores of the last linear layer, if the network ends with it."""
        output = values[OUTPUT]
        if self._scores is None or self._scores not in values or output.ndim != 2:
            return None
        scores = pooled(values[self._scores]) if values[self._scores].ndim > 2 else values[self._scores]
        return np.ascontiguousarray(scores, np.float32) if scores.shape == output.shape else None


def open_torchscript(path: str) -> TorchNetwork:
    """Open a TorchScript file.

    Raises:
        Refusal: it is not one.
    """
    import torch

    extra = dict.fromkeys(_METADATA, "")
    try:
        script = torch.jit.load(path, map_location="cpu", _extra_files=extra).eval().to(choose_device())
        graph = torch.jit.freeze(script).graph
    except Exception as error:  # libtorch raises RuntimeError for nearly everything
        raise Refusal(
            f"'{path}' cannot be read as TorchScript ({type(error).__name__}). Save it with "
            "torch.jit.trace(model, images).save(path), or export the model to ONNX."
        ) from error
    output = next(iter(graph.outputs()))
    if output.type().kind() != "TensorType":
        raise Refusal(f"'{path}' returns {output.type()}; it must return one tensor. Export only the classifier.")
    values = _script_values(graph)
    cut, scores = _last_linear(values)
    kinds = {name: value.node().kind().removeprefix("aten::") for name, value in values.items()}
    declared = _read_declared(extra)
    return TorchNetwork("TorchScript", path, declared, _ScriptTaps(graph), kinds, cut=cut, scores=scores)


class _ScriptTaps:
    """Computes values of a frozen TorchScript graph: a function for each set of them, compiled once."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._functions: dict[tuple[str, ...], Any] = {}

    def __call__(self, images: "torch.Tensor", names: tuple[str, ...]) -> "dict[str, torch.Tensor]":
        if names not in self._functions:
            self._functions[names] = self._compiled(names)
        computed = self._functions[names](images)
        computed = computed if isinstance(computed, tuple) else (computed,)
        return dict(zip(names, computed, strict=True))

    def _compiled(self, names: tuple[str, ...]) -> Any:
        import torch

        copy = self._graph.copy()  # which renames its values, but keeps their order
        by_name = {**_script_values(copy), OUTPUT: next(iter(copy.outputs()))}
        copy.eraseOutput(0)
        for name in names:
            copy.registerOutput(by_name[name])
        copy.makeMultiOutputIntoTuple()
        copy.eraseInput(0)  # the module itself: its weights are constants of the graph by now
        return torch._C._create_function_from_graph("forward", copy)


def _last_linear(values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The names of the last linear layer's input and output in a TorchScript graph, if it has such a layer."""
    linear = [value for value in values.values() if value.node().kind() in ("aten::linear", "aten::addmm")]
    if not linear:
        return None, None
    position = 1 if linear[-1].node().kind() == "aten::addmm" else 0
    before = list(linear[-1].node().inputs())[position].debugName()
    names = {value.debugName(): name for name, value in values.items()}
    return names.get(before), names[linear[-1].debugName()]


def open_exported(path: str) -> TorchNetwork:
    """Open an archive that `torch.export.save` wrote (.pt2).

    Raises:
        Refusal: it is not one, or holds pickled objects, which could run code.
    """
    import torch

    _check_archive(path)
    extra = dict.fromkeys(_METADATA, "")
    try:
        program = torch.export.load(path, extra_files=extra)
    except Exception as error:  # the loader raises many exception types for a file of another version
        raise Refusal(
            f"'{path}' cannot be read by this PyTorch ({type(error).__name__}: {error}). Save it again with "
            "torch.export.save(torch.export.export(model, (images,)), path)."
        ) from error
    module = program.module().to(choose_device())
    shape, final = _exported_input_and_output(module, path)
    nodes = {str(node.name): node for node in module.graph.nodes if node.op == "call_function"}
    linear = [node for node in nodes.values() if _is_linear(node)]

    def taps(images: "torch.Tensor", names: tuple[str, ...]) -> "dict[str, torch.Tensor]":
        node_of = {name: final if name == OUTPUT else name for name in names}
        kept = _values_of(module, set(node_of.values()), images)
        return {name: kept[node] for name, node in node_of.items()}

    declared = _read_declared(extra)
    fixed_side = shape[2] if isinstance(shape[2], int) else None
    return TorchNetwork(
        "torch.export",
        path,
        replace(declared, size=fixed_side or declared.size),
        taps,
        {name: str(node.target).removeprefix("aten.") for name, node in nodes.items()},
        cut=linear[-1].args[1 if "addmm" in str(linear[-1].target) else 0].name if linear else None,
        scores=linear[-1].name if linear else None,
        batch=shape[0] if isinstance(shape[0], int) else 0,
    )


def _exported_input_and_output(module: Any, path: str) -> tuple[tuple[Any, ...], str]:
    """The shape of an exported program's images, and the name of the node with its output.

    Raises:
        Refusal: it takes or returns something else.
    """
    import torch

    (result,) = (node for node in module.graph.nodes if node.op == "output")
    final = [node for node in result.all_input_nodes if isinstance(node, torch.fx.Node)]
    if len(final) != 1:
        raise Refusal(f"'{path}' returns {len(final)} values; it must return one tensor.")
    (image,) = (node for node in module.graph.nodes if node.op == "placeholder")
    shape = tuple(image.meta["val"].shape)
    if len(shape) != 4:
        raise Refusal(f"'{path}' takes input of shape {shape}; it must be a batch of images with 3 channels.")
    return shape, str(final[0].name)


def open_module(module: "torch.nn.Module", source: str) -> TorchNetwork:
    """Open a network that Python code has made.

    Raises:
        Refusal: it has no layers.
    """
    import torch
    from torch import nn

    device = choose_device()
    network = module.eval().to(device)
    layers = {name: type(layer).__name__ for name, layer in network.named_modules() if name}
    linear = [
        name
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1))
    ]
    cut = f"input of {linear[-1]}" if linear else None

    def taps(images: "torch.Tensor", names: tuple[str, ...]) -> "dict[str, torch.Tensor]":
        values: dict[str, torch.Tensor] = {}
        with _hooks(network, names, cut, linear[-1] if linear else "", values):
            values[OUTPUT] = network(images)
        return {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}

    declared = read_declared(dict(getattr(module, "labelscape", {}) or {}))
    return TorchNetwork("Python", source, declared, taps, layers, cut=cut, scores=linear[-1] if linear else None)


class _hooks:
    """While entered, stores the outputs of the named layers, and the input of the last linear one, in ``values``."""

    def __init__(
        self, network: "torch.nn.Module", names: tuple[str, ...], cut: str | None, linear: str, values: dict[str, Any]
    ) -> None:
        modules = dict(network.named_modules())
        self._handles = [
            modules[name].register_forward_hook(lambda _m, _i, out, name=name: values.__setitem__(name, out))
            for name in names
            if name in modules and name
        ]
        if cut in names:
            self._handles.append(
                modules[linear].register_forward_pre_hook(lambda _m, inputs: values.__setitem__(str(cut), inputs[0]))
            )

    def __enter__(self) -> None:
        """Nothing to do: the hooks are on from the start."""

    def __exit__(self, *_error: object) -> None:
        for handle in self._handles:
            handle.remove()


def _values_of(module: Any, nodes: set[str], images: "torch.Tensor") -> "dict[str, torch.Tensor]":
    """Run a traced graph and keep the values of some of its nodes."""
    import torch

    kept: dict[str, torch.Tensor] = {}

    class Interpreter(torch.fx.Interpreter):
        def run_node(self, n: Any) -> Any:
            value = super().run_node(n)
            if n.name in nodes:
                kept[n.name] = value
            return value

    Interpreter(module).run(images)
    return kept


def _script_values(graph: Any) -> dict[str, Any]:
    """Tensors that the layers at the top of a TorchScript graph compute, by names such as ``linear_1``, in order."""
    values: dict[str, Any] = {}
    counts: Counter[str] = Counter()
    for node in graph.nodes():
        kind = node.kind().removeprefix("aten::")
        for value in node.outputs():
            if node.kind().startswith("aten::") and value.type().kind() == "TensorType":
                values[f"{kind}_{counts[kind]}"] = value
                counts[kind] += 1
    return values


def _is_linear(node: Any) -> bool:
    return str(node.target) in ("aten.linear.default", "aten.addmm.default")


def _read_declared(texts: Mapping[str, str | bytes]) -> Declared:
    """What the extra files of an archive say about the network's input and classes."""
    merged: dict[str, Any] = {}
    for text in texts.values():
        try:
            content = json.loads(text)
        except ValueError:
            continue
        merged.update(content if isinstance(content, dict) else {})
    return read_declared(merged)


def _check_archive(path: str) -> None:
    """Refuse an archive in which the loader would unpickle an object or evaluate an expression that is not arithmetic.

    The loader of PyTorch 2.15 falls back to plain pickle for sample inputs, and evaluates symbolic sizes.
    """
    import torch

    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                content = archive.read(name)
                if name.endswith(".pt"):
                    torch.load(io.BytesIO(content), weights_only=True)
                elif name.endswith(".json"):
                    _check_plain(json.loads(content))
                elif Path(name).name.startswith(("custom_obj", "opaque_obj")):
                    raise ValueError("it holds objects that are not tensors")
    except zipfile.BadZipFile:
        raise Refusal(f"'{path}' is not an archive of torch.export: save it with torch.export.save.") from None
    except Exception as error:  # an archive that cannot be checked is not safe to load
        raise Refusal(
            f"'{path}' holds pickled objects or code ({error}); loading them could run anything. Export the model to "
            "ONNX, or with torch.export.save from plain tensors."
        ) from error


def _is_arithmetic(expression: str) -> bool:
    """Whether evaluating a symbolic size can do nothing but arithmetic."""
    return all(
        isinstance(node, _ARITHMETIC)
        and (not isinstance(node, ast.Call) or (isinstance(node.func, ast.Name) and node.func.id[:1].isupper()))
        for node in ast.walk(ast.parse(expression, mode="eval"))
    )


def _check_plain(content: Any) -> None:
    if isinstance(content, dict):
        if content.get("use_pickle"):
            raise ValueError("it says use_pickle")
        expression = content.get("expr_str")
        if isinstance(expression, str) and not _is_arithmetic(expression):
            raise ValueError(f"the expression '{expression[:60]}'")
        for value in content.values():
            _check_plain(value)
    elif isinstance(content, list):
        for value in content:
            _check_plain(value)
