"""On a GPU (CUDA, or Apple's MPS), networks give the vectors that they give on the CPU. Skipped where there is none."""

import numpy as np
import pytest
import torch
import torchvision
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.image.device import choose_device
from labelscape.testing.pictures import write_smooth_images

timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")

SIDE = 64
INPUT = {"size": SIDE, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}

pytestmark = pytest.mark.skipif(choose_device().type == "cpu", reason="this machine has no GPU that PyTorch can use")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_smooth_images(tmp_path_factory.mktemp("images"), [(90, 80)] * 6)


def torchvision_model(folder):
    torch.save(torchvision.models.resnet18().state_dict(), folder / "weights.pt")
    return "torchvision/resnet18", {"weights": str(folder / "weights.pt"), "size": SIDE}


def timm_model(folder):
    torch.save(timm.create_model("test_vit").state_dict(), folder / "weights.pt")
    return "timm/test_vit", {"weights": str(folder / "weights.pt")}


def transformers_model(folder):
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": SIDE}
    transformers.Dinov2Model(transformers.Dinov2Config(**small)).save_pretrained(folder)
    transformers.BitImageProcessor(size={"shortest_edge": SIDE}, crop_size=SIDE).save_pretrained(folder)
    return f"hf/{folder}", {}


def onnx_model(folder):
    net, batch = torchvision.models.resnet18().eval(), torch.zeros(2, 3, SIDE, SIDE)
    torch.onnx.export(net, (batch,), folder / "net.onnx", dynamo=False)
    return f"own/{folder / 'net.onnx'}", INPUT


def torchscript_model(folder):
    torch.jit.trace(torchvision.models.resnet18().eval(), torch.zeros(2, 3, SIDE, SIDE)).save(str(folder / "net.pt"))
    return f"own/{folder / 'net.pt'}", INPUT


def exported_model(folder):
    net, batch = torchvision.models.resnet18().eval(), torch.zeros(2, 3, SIDE, SIDE)
    torch.export.save(torch.export.export(net, (batch,)), folder / "net.pt2")
    return f"own/{folder / 'net.pt2'}", INPUT


@pytest.mark.parametrize(
    "make", [torchvision_model, timm_model, transformers_model, onnx_model, torchscript_model, exported_model]
)
def test_a_gpu_gives_the_vectors_of_the_cpu(tmp_path, images, monkeypatch, make):
    torch.manual_seed(0)
    name, options = make(tmp_path)
    on_gpu = load(name, **options).embed(images).vectors
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    on_cpu = load(name, **options).embed(images).vectors
    cosines = (on_gpu * on_cpu).sum(1) / np.linalg.norm(on_gpu, axis=1) / np.linalg.norm(on_cpu, axis=1)
    assert cosines.min() > 0.99
