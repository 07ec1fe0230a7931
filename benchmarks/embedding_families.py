"""What an image costs with every family of models, beside FiftyOne on the same network; see benchmarks/embedding.py.

The networks have random weights, made here: they change nothing about time, and nothing is downloaded. FiftyOne gets
each network as its users load it: its zoo model, its wrapper for transformers or open_clip, else `TorchImageModel`.
It has no way of its own to run ONNX, TorchScript or torch.export files, so it gets the module that they were made from.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from embedding import BATCH, SIDE, fiftyone_model, fiftyone_samples, read, read_all, unit

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
ZOO = "resnet18-imagenet-torch"
ZOO_WEIGHTS = "resnet18-f37072fd.pth"  # where torchvision looks for weights before it downloads them


@dataclass(frozen=True)
class Case:
    """A model of ours, FiftyOne's of the same network, and how FiftyOne runs that network on float images."""

    ours: Any
    theirs: Any
    network: Callable[[Any], Any]


@dataclass(frozen=True)
class Cost:
    """What an image costs: wall milliseconds, and CPU milliseconds of this process and of those it started."""

    wall: float
    cpu: float


def report(paths: list[str], only: list[str], repeats: int, scratch: Path) -> None:
    import torch

    bfloat16 = "with" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "without"
    print(f"{len(paths):,} images, {os.cpu_count()} cores {bfloat16} native bfloat16, best of {repeats}")
    print(
        "Milliseconds per image: wall/CPU. The ratio in CPU time is the one that other work on the cores spoils least."
    )
    for name, make in CASES.items():
        if not only or name in only:
            torch.manual_seed(0)
            home = scratch / name
            home.mkdir()
            measure(name, make(home), paths, repeats)


def measure(name: str, case: Case, paths: list[str], repeats: int) -> None:
    samples = fiftyone_samples(paths)
    vectors: dict[str, Any] = {}

    def ours() -> None:
        vectors["ours"] = case.ours.embed(paths, batch_size=BATCH).vectors

    def theirs() -> None:
        vectors["theirs"] = samples.compute_embeddings(case.theirs, batch_size=BATCH)

    case.ours.embed(paths[:8])
    costs = best_costs({"ours": ours, "theirs": theirs, **alone(case, paths)}, len(paths), repeats)
    shown = "   ".join(f"{way} {cost.wall:.1f}/{cost.cpu:.1f}" for way, cost in costs.items())
    cosine = float(np.median((unit(vectors["ours"]) * unit(vectors["theirs"])).sum(axis=1)))
    wall, cpu = costs["theirs"].wall / costs["ours"].wall, costs["theirs"].cpu / costs["ours"].cpu
    print(f"{name}: {wall:.1f}x ({cpu:.1f}x in CPU time), cosine {cosine:.4f}   {shown}")
    print(
        f"    The network takes {costs['their network'].cpu / costs['theirs'].cpu:.0%} of FiftyOne's CPU time and "
        f"{costs['our network'].cpu / costs['ours'].cpu:.0%} of ours; without any cost of reading we would be "
        f"{costs['theirs'].cpu / costs['our network'].cpu:.1f}x as fast.",
        flush=True,
    )
    samples.delete()


def alone(case: Case, paths: list[str]) -> dict[str, Callable[[], None]]:
    """Our reading, our network on prepared images, and FiftyOne's network, each for as many images."""
    import torch

    square = case.ours.prepare(read(paths[0]))
    # FiftyOne's own model takes floats of each image's own shape, one by one; ours take squares of bytes.
    squares = square.dtype == np.uint8
    step, shape = (BATCH, (3, SIDE, SIDE)) if squares else (1, square.shape)
    prepared, floats = np.stack([square] * step), torch.rand(step, *shape)
    starts = range(0, len(paths), step)

    def ours() -> None:
        for start in starts:
            case.ours.forward(prepared[: len(paths) - start])

    def theirs() -> None:
        with torch.no_grad():
            for start in starts:
                case.network(floats[: len(paths) - start])

    return {
        "our reading": lambda: read_all(case.ours.prepare, paths),
        "our network": ours,
        "their network": theirs,
    }


def best_costs(ways: dict[str, Callable[[], None]], count: int, repeats: int) -> dict[str, Cost]:
    """The least wall and CPU time of each way; the ways take turns."""
    runs: dict[str, list[Cost]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, run in ways.items():
            wall, cpu = time.perf_counter(), cpu_seconds()
            run()
            runs[way].append(Cost(1000 * (time.perf_counter() - wall) / count, 1000 * (cpu_seconds() - cpu) / count))
    return {way: Cost(min(c.wall for c in costs), min(c.cpu for c in costs)) for way, costs in runs.items()}


def cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def zoo(home: Path) -> Case:
    import fiftyone as fo
    import fiftyone.zoo as foz
    import torch
    import torchvision
    from labelscape.ml_backend.actions.models import load

    torch.hub.set_dir(str(home))
    fo.config.model_zoo_dir = str(home)
    (home / "checkpoints").mkdir()
    torch.save(torchvision.models.resnet18().state_dict(), home / "checkpoints" / ZOO_WEIGHTS)
    (home / foz.get_zoo_model(ZOO).base_filename).symlink_to(home / "checkpoints" / ZOO_WEIGHTS)
    theirs = foz.load_zoo_model(ZOO)
    return Case(load(f"fiftyone/{ZOO}"), theirs, theirs._model)


def timm(home: Path) -> Case:
    import timm
    import torch

    network = timm.create_model("tf_efficientnet_lite0").eval()
    torch.save(network.state_dict(), home / "weights.pt")
    ours = loaded("timm/tf_efficientnet_lite0", weights=str(home / "weights.pt"), size=SIDE)
    network.reset_classifier(0)
    return Case(ours, fiftyone_model(network, ours.input), network)


def hf(home: Path) -> Case:
    import transformers
    from fiftyone.utils.transformers import convert_transformers_model

    config = transformers.Dinov2Config(hidden_size=384, num_attention_heads=6, image_size=SIDE, patch_size=14)
    transformers.Dinov2Model(config).eval().save_pretrained(home)
    transformers.BitImageProcessor(
        size={"shortest_edge": 256}, crop_size={"height": SIDE, "width": SIDE}, image_mean=MEAN, image_std=STD
    ).save_pretrained(home)
    network = transformers.AutoModel.from_pretrained(home).eval()
    theirs = convert_transformers_model(network)
    return Case(loaded(f"hf/{home}"), theirs, lambda images: network(pixel_values=images))


def open_clip(home: Path) -> Case:
    import open_clip
    import torch
    from fiftyone.utils.open_clip import TorchOpenClipModel, TorchOpenClipModelConfig

    weights = str(home / "weights.pt")
    torch.save(open_clip.create_model("ViT-B-32").state_dict(), weights)
    theirs = TorchOpenClipModel(
        TorchOpenClipModelConfig(
            {
                "clip_model": "ViT-B-32",
                "pretrained": weights,
                "embeddings_layer": "visual",
                "classes": ["cat", "dog"],
                "output_processor_cls": "fiftyone.utils.torch.ClassifierOutputProcessor",
                "text_prompt": "A photo of",
            }
        )
    )
    return Case(loaded("open_clip/ViT-B-32", weights=weights), theirs, theirs._model.encode_image)


def torchvision(home: Path) -> Case:
    import torch

    network = resnet()
    torch.save(network.state_dict(), home / "weights.pt")
    ours = loaded("torchvision/resnet18", weights=str(home / "weights.pt"), size=SIDE)
    return headless(ours, network)


def own(kind: str) -> Callable[[Path], Case]:
    def make(home: Path) -> Case:
        import torch

        network, images = resnet(), torch.zeros(2, 3, SIDE, SIDE)
        path = home / {"ONNX": "net.onnx", "TorchScript": "net.pt"}.get(kind.partition(",")[0], "net.pt2")
        if kind == "ONNX":
            dynamic = {"images": {0: "batch"}}
            torch.onnx.export(network, (images,), path, dynamo=False, input_names=["images"], dynamic_axes=dynamic)
        elif kind.startswith("TorchScript"):
            torch.jit.trace(network, images).save(path)
        else:
            batch = torch.export.Dim("batch", min=1, max=4096)
            torch.export.save(torch.export.export(network, (images,), dynamic_shapes=({0: batch},)), path)
        half = {"precision": "half"} if kind.endswith("half") else {}
        ours = loaded(f"own/{path}", size=SIDE, mean=MEAN, std=STD, **half)
        return headless(ours, network)

    return make


def headless(ours: Any, network: Any) -> Case:
    import torch

    network.fc = torch.nn.Identity()
    return Case(ours, fiftyone_model(network, ours.input), network)


def resnet() -> Any:
    import torchvision

    return torchvision.models.resnet18().eval()


def loaded(name: str, **options: Any) -> Any:
    from labelscape.ml_backend.embedding import load

    return load(name, **options)


CASES: dict[str, Callable[[Path], Case]] = {
    "fiftyone": zoo,
    "timm": timm,
    "hf": hf,
    "open_clip": open_clip,
    "torchvision": torchvision,
    "own ONNX": own("ONNX"),
    "own TorchScript": own("TorchScript"),
    "own TorchScript, half": own("TorchScript, half"),
    "own pt2": own("pt2"),
    "own pt2, half": own("pt2, half"),
}
