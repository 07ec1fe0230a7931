"""Trained networks as ONNX files, run by onnxruntime; nothing in such a file can run code."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import Refusal
from ...inspection import Declared, Inspection, Layer
from ...packages import require
from .network import OUTPUT, Compute, Floats, in_fixed_batches, pooled, read_declared

_LINEAR = ("Gemm", "MatMul", "Conv")
_LISTED = (*_LINEAR, "GlobalAveragePool", "ReduceMean", "Flatten", "Relu", "LayerNormalization", "Add", "Concat")
_RAW, _HALF = 2, 10  # ONNX's numbers for uint8 and float16


class OnnxNetwork:
    """An ONNX model that takes one batch of images."""

    kind = "ONNX"

    def __init__(self, path: str) -> None:
        onnx = require("onnx", "models")
        try:
            self._model = onnx.load(path)
        except Exception as error:  # protobuf has its own exception types
            raise Refusal(f"'{path}' cannot be read as an ONNX model ({type(error).__name__}: {error}).") from error
        self._path = path
        self._constants = _constants(self._model.graph)
        image = _image_input(self._model.graph, path, self._constants)
        self._input = image.name
        self._type = image.type.tensor_type.elem_type
        dims = [dim.dim_value for dim in image.type.tensor_type.shape.dim]  # 0 = any
        self._channels_last = dims[3] == 3 and dims[1] != 3
        self.batch = dims[0]
        declared = read_declared({entry.key: entry.value for entry in self._model.metadata_props})
        side = dims[1] if self._channels_last else dims[2]
        self.declared: Declared = replace(declared, size=side or declared.size, raw=self._type == _RAW)
        self._linear = _last_linear(self._model.graph, self._constants)

    def inspect(self, size: int) -> Inspection:
        """See `OwnNetwork.inspect`."""
        nodes = [node for node in self._model.graph.node if node.op_type in _LISTED and not self._is_constant(node)]
        names = [node.output[0] for node in nodes]
        blank = np.zeros((max(self.batch, 1), 3, size, size), np.float32)
        values = self._session(names).run(names, self.feed(blank)) if names else []
        layers = [
            Layer(name, node.op_type, tuple(value.shape[1:]))
            for name, node, value in zip(names, nodes, values, strict=True)
            if value.ndim > 1
        ]
        _, scores = self.compute(None)(blank)
        n_classes = 0 if scores is None else scores.shape[1]
        return Inspection(self.kind, tuple(layers), self._cut(), self.declared, n_classes)

    def compute(self, layer: str | None, *, half: bool = False) -> Compute:
        """See `OwnNetwork.compute`."""
        if half:
            raise Refusal(
                "An ONNX network runs in the precision of its file: leave “precision” at full, and make a faster copy "
                "with “labelscape model quantize”."
            )
        output = self._model.graph.output[0].name
        if layer == OUTPUT or (layer is None and self._linear is None):
            return self._run(output, None)
        if layer is None:
            return self._run(self._activation(self._linear), self._scores())
        known = [name for node in self._model.graph.node for name in node.output]
        if layer not in known:
            shown = ", ".join(node.output[0] for node in self._model.graph.node if node.op_type in _LINEAR)
            raise Refusal(f"'{self._path}' has no layer '{layer}'; layers with weights are: {shown or 'none'}.")
        return self._run(layer, self._scores() if self._linear is not None else None)

    def _run(self, vectors: str, scores: str | None) -> Compute:
        names = [vectors] if scores is None else [vectors, scores]
        session = self._session(names)

        def compute(images: Floats) -> tuple[Floats, Floats | None]:
            values = session.run(names, self.feed(images))
            logits = None if scores is None else np.asarray(values[1], np.float32)
            return pooled(values[0]), logits if logits is None or logits.ndim == 2 else pooled(logits)

        return in_fixed_batches(compute, self.batch) if self.batch else compute

    def _scores(self) -> str | None:
        """The output of the last linear layer, after its bias, if the network ends with it."""
        graph = self._model.graph
        name = str(self._linear.output[0])
        after = next((node for node in graph.node if name in node.input), None)
        if after is not None and after.op_type == "Add" and any(part in self._constants for part in after.input):
            name = str(after.output[0])
        final = {output.name for output in graph.output}
        todo, seen = [name], set()
        while todo:  # whether only reshaping or a softmax follows
            current = todo.pop()
            seen.add(current)
            if current in final:
                return name
            todo += [
                out
                for node in graph.node
                if current in node.input
                and node.op_type
                in (
                    "QuantizeLinear",
                    "DequantizeLinear",
                    "Softmax",
                    "LogSoftmax",
                    "Sigmoid",
                    "Flatten",
                    "Reshape",
                    "Squeeze",
                    "GlobalAveragePool",
                    "ReduceMean",
                    "Identity",
                )
                for out in node.output
                if out not in seen
            ]
        return None

    def _cut(self) -> str | None:
        return None if self._linear is None else self._activation(self._linear)

    def _activation(self, node: Any) -> str:
        return next(str(name) for name in node.input if name not in self._constants)

    def _is_constant(self, node: Any) -> bool:
        return all(name in self._constants for name in node.output)

    def feed(self, images: Floats) -> dict[str, NDArray[Any]]:
        """Convert normalized images (b, 3, size, size) to the network's input: its name, layout, and type."""
        ordered = images.transpose(0, 2, 3, 1) if self._channels_last else images
        if self._type == _RAW:
            return {self._input: np.ascontiguousarray(ordered.round().clip(0, 255), np.uint8)}
        return {self._input: np.ascontiguousarray(ordered, np.float16 if self._type == _HALF else np.float32)}

    def _session(self, outputs: Sequence[str]) -> Any:
        onnx, runtime = require("onnx", "models"), require("onnxruntime", "models")
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        present = {output.name for output in model.graph.output}
        model.graph.output.extend(
            onnx.helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(outputs) if name not in present
        )
        return open_session(runtime, model.SerializeToString(), self._path)


def open_session(runtime: Any, model: bytes | str, path: str) -> Any:
    """A session of onnxruntime on CUDA if available, else on all cores.

    Raises:
        Refusal: onnxruntime cannot run the model.
    """
    options = runtime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    options.log_severity_level = 3
    offered = runtime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in offered]
    try:
        return runtime.InferenceSession(model, options, providers=providers)
    except Exception as error:  # onnxruntime raises kinds of its own
        raise Refusal(f"onnxruntime cannot run '{Path(path).name}': {error}") from error


def _constants(graph: Any) -> set[str]:
    """Names of values that are the same for every image: weights, and values computed only from weights."""
    constants = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        if all(name in constants or not name for name in node.input):  # also a Constant, which has no input
            constants.update(node.output)
    return constants


def _image_input(graph: Any, path: str, constants: set[str]) -> Any:
    inputs = [value for value in graph.input if value.name not in constants]
    shapes: Mapping[str, list[int]] = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in inputs
    }
    if len(inputs) != 1:
        raise Refusal(f"'{path}' takes {len(inputs)} inputs ({', '.join(shapes)}); an image network takes one.")
    (shape,) = shapes.values()
    if len(shape) != 4 or not (shape[1] in (0, 3) or shape[3] == 3):
        dims = " x ".join(str(dim) if dim else "any" for dim in shape) or "a single number"
        raise Refusal(f"'{path}' takes input of {dims}; it must be a batch of images with 3 channels.")
    return inputs[0]


def _last_linear(graph: Any, constants: set[str]) -> Any:
    """The last layer with weights that mixes features only: Gemm, MatMul, or a 1 x 1 convolution."""
    sizes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    last_linear = None
    for node in graph.node:
        if node.op_type not in _LINEAR or set(node.output) <= constants:
            continue
        weighted = [name for name in node.input if name in constants]
        varying = [name for name in node.input if name not in constants]
        if len(varying) != 1 or not weighted:
            continue
        if node.op_type == "Conv" and sizes.get(weighted[0], ())[2:] != (1, 1):
            continue
        last_linear = node
    return last_linear
