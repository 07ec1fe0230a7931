"""An 8-bit copy is kept only where it is faster and its vectors are the same."""

import numpy as np
import pytest
import torch
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.image.own.quantization import measure_rate, quantize
from labelscape.ml_backend.errors import Refusal
from labelscape.testing.pictures import write_smooth_images
from torch import nn

OPTIONS = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 16), nn.ReLU(), nn.Linear(16, 4),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("network") / "net.onnx"
    torch.onnx.export(net.eval(), (torch.zeros(1, 3, 32, 32),), path, dynamo=False)
    return str(path)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_smooth_images(tmp_path_factory.mktemp("images"), [(32, 32)] * 24, (5, 5, 3))


def measure(rates, change=0.0):
    """Measures vectors and claims rates, whatever else runs on this machine; ``change`` distorts the second vectors."""
    rates, distortions = iter(rates), iter([0.0, change])

    def measured(model, squares):
        _, vectors = measure_rate(model, squares)
        noise = np.random.default_rng(0).normal(size=vectors.shape).astype(np.float32)
        return next(rates), vectors + next(distortions) * noise * np.abs(vectors).mean()

    return measured


def test_the_8_bit_copy_is_cut_at_the_same_layer_and_its_vectors_agree(network, images, tmp_path):
    result = quantize(network, str(tmp_path / "small.onnx"), images, OPTIONS, measure=measure([1.0, 2.0]))
    assert result.kept
    assert result.cosine >= 0.99
    small, large = load(f"own/{tmp_path / 'small.onnx'}", **OPTIONS), load(f"own/{network}", **OPTIONS)
    assert (small.dim, len(small.classes)) == (large.dim, len(large.classes)) == (16, 4)
    ours, theirs = small.embed(images).vectors, large.embed(images).vectors
    cosine = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert np.median(cosine) >= 0.99


@pytest.mark.parametrize("measured", [measure([2.0, 1.0]), measure([1.0, 2.0], change=5.0)], ids=["slower", "other"])
def test_a_copy_that_is_slower_or_sees_something_else_is_not_written(network, images, tmp_path, measured):
    result = quantize(network, str(tmp_path / "small.onnx"), images, OPTIONS, measure=measured)
    assert not result.kept
    assert list(tmp_path.iterdir()) == []
    assert "Nothing was written, because 8 bits do not pay here" in result.sentence("small.onnx")


def test_too_few_images_or_another_kind_of_file_are_refused(network, images, tmp_path):
    with pytest.raises(Refusal, match="3 images can be read; at least 16 are needed"):
        quantize(network, str(tmp_path / "small.onnx"), images[:3], OPTIONS)
    with pytest.raises(Refusal, match="not an .onnx file"):
        quantize("network.pt", str(tmp_path / "small.onnx"), images, OPTIONS)
