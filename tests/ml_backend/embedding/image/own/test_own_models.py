"""A user's own network: automatically cut before its classifier, with its predictions, from any kind of file."""

import json
import sys
import zipfile

import cv2
import numpy as np
import onnx
import pytest
import torch
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.image.own.model import inspect_network
from labelscape.ml_backend.errors import Refusal
from torch import nn

SIDE = 32
INPUT = {"size": SIDE, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}


class Net(nn.Module):
    """Convolution, pooling, a hidden linear layer, and a classifier of 4 classes."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.mid = nn.Linear(8, 16)
        self.head = nn.Linear(16, 4)

    def forward(self, images):
        return self.head(torch.relu(self.mid(self.body(images).flatten(1))))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    paths = []
    for number in range(5):
        paths.append(str(folder / f"{number}.png"))
        cv2.imwrite(paths[-1], rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8))
    return paths


@pytest.fixture(scope="module")
def expected(net, images):
    """Embedding and logits as PyTorch computes them from the files."""
    pixels = np.stack([cv2.imread(path)[..., ::-1] for path in images]).astype(np.float32) / 255
    batch = torch.from_numpy(((pixels - INPUT["mean"]) / INPUT["std"]).transpose(0, 3, 1, 2).astype(np.float32))
    with torch.inference_mode():
        hidden = torch.relu(net.mid(net.body(batch).flatten(1)))
        return hidden.numpy(), net.head(hidden).numpy()


def save(net, folder, kind):
    """The reference of the network, saved as a kind of file."""
    batch = torch.zeros(2, 3, SIDE, SIDE)
    path = folder / {"onnx": "net.onnx", "onnx_fixed": "fixed.onnx", "trace": "net.pt", "script": "script.ts"}.get(
        kind, f"{kind}.pt2"
    )
    if kind == "onnx":
        dynamic = {"images": {0: "batch"}}
        torch.onnx.export(net, (batch,), path, dynamo=False, input_names=["images"], dynamic_axes=dynamic)
    elif kind == "onnx_fixed":
        torch.onnx.export(net, (batch,), path, dynamo=False)
    elif kind == "trace":
        torch.jit.trace(net, batch).save(str(path))
    elif kind == "script":
        torch.jit.script(net).save(str(path))
    else:
        shapes = ({0: torch.export.Dim("batch")},) if kind == "exported" else None
        torch.export.save(torch.export.export(net, (batch,), dynamic_shapes=shapes), path)
    return str(path)


@pytest.mark.parametrize("kind", ["onnx", "onnx_fixed", "trace", "script", "exported", "exported_fixed"])
def test_any_kind_of_file_is_cut_before_its_last_linear_layer_and_predicts(tmp_path, net, images, expected, kind):
    model = load(f"own/{save(net, tmp_path, kind)}", classes="ant, bee, cat, dog", **INPUT)
    embedded = model.embed(images, batch_size=4)
    assert (model.dim, model.classes) == (16, ("ant", "bee", "cat", "dog"))
    np.testing.assert_allclose(embedded.vectors, expected[0], atol=1e-4)
    np.testing.assert_allclose(embedded.logits, expected[1], atol=1e-4)


@pytest.mark.parametrize("kind", ["trace", "script", "exported"])
def test_half_precision_gives_nearly_the_same_vectors_and_classes(tmp_path, net, images, expected, kind):
    embedded = load(f"own/{save(net, tmp_path, kind)}", precision="half", **INPUT).embed(images)
    np.testing.assert_allclose(embedded.vectors, expected[0], atol=0.02)
    np.testing.assert_allclose(embedded.logits, expected[1], atol=0.02)


def test_a_precision_that_a_network_cannot_have_is_refused(tmp_path, net):
    with pytest.raises(Refusal, match="runs in the precision of its file.*labelscape model quantize"):
        load(f"own/{save(net, tmp_path, 'onnx')}", precision="half", **INPUT)
    with pytest.raises(Refusal, match="“precision”.*full, half"):
        load(f"own/{save(net, tmp_path, 'trace')}", precision="double", **INPUT)


def test_python_code_can_make_the_network_or_a_function(tmp_path, net, images, expected, monkeypatch):
    (tmp_path / "my_networks.py").write_text("network = function = text = None")
    monkeypatch.syspath_prepend(tmp_path)
    import my_networks

    monkeypatch.setattr(my_networks, "network", lambda: net)
    monkeypatch.setattr(my_networks, "function", lambda: lambda batch: batch.mean((2, 3)))
    monkeypatch.setattr(my_networks, "text", lambda: "text")
    embedded = load("own/my_networks:network", **INPUT).embed(images)
    np.testing.assert_allclose(embedded.vectors, expected[0], atol=1e-4)
    np.testing.assert_allclose(embedded.logits, expected[1], atol=1e-4)
    plain = load("own/my_networks:function", **INPUT).embed(images)
    assert plain.vectors.shape == (5, 3)
    assert plain.logits is None
    with pytest.raises(Refusal, match="returned str; it must return a torch module or a callable"):
        load("own/my_networks:text", **INPUT)
    with pytest.raises(Refusal, match="'my_networks' has no 'nothing'"):
        load("own/my_networks:nothing", **INPUT)
    with pytest.raises(Refusal, match="'no_such_module' cannot be imported"):
        load("own/no_such_module:nothing", **INPUT)
    sys.modules.pop("my_networks")


@pytest.mark.parametrize("kind", ["onnx", "trace", "exported"])
def test_another_layer_can_be_named_and_the_layers_are_listed_with_their_sizes(tmp_path, net, images, kind):
    reference = save(net, tmp_path, kind)
    inspection = inspect_network(reference, SIDE)
    sizes = [layer.size for layer in inspection.layers]
    assert (8, SIDE // 2, SIDE // 2) in sizes
    assert sizes[-1] == (4,)
    assert inspection.n_classes == 4
    convolution = next(layer for layer in inspection.layers if layer.size == (8, SIDE // 2, SIDE // 2))
    model = load(f"own/{reference}", layer=convolution.name, **INPUT)
    assert model.embed(images).vectors.shape == (5, 8)  # feature maps are averaged over their places
    assert load(f"own/{reference}", layer="output", **INPUT).dim == 4
    with pytest.raises(Refusal, match="has no layer 'nothing'"):
        load(f"own/{reference}", layer="nothing", **INPUT)


def test_what_a_file_says_about_its_input_need_not_be_given(tmp_path, net, images, expected):
    path = save(net, tmp_path, "onnx")
    model = onnx.load(path)
    said = {"mean": "[0.5, 0.4, 0.3]", "std": "[0.2, 0.3, 0.4]", "names": "{0: 'ant', 1: 'bee', 2: 'cat', 3: 'dog'}"}
    for key, value in said.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, path)
    loaded = load(f"own/{path}")
    assert loaded.classes == ("ant", "bee", "cat", "dog")
    np.testing.assert_allclose(loaded.embed(images).vectors, expected[0], atol=1e-4)
    script = tmp_path / "said.pt"
    extra = {"labelscape.json": json.dumps({"size": SIDE, "mean": INPUT["mean"], "std": INPUT["std"]})}
    torch.jit.trace(net, torch.zeros(1, 3, SIDE, SIDE)).save(str(script), _extra_files=extra)
    np.testing.assert_allclose(load(f"own/{script}").embed(images).vectors, expected[0], atol=1e-4)


def test_an_unknown_normalization_is_asked_for_and_never_guessed(tmp_path, net):
    with pytest.raises(Refusal, match=r"does not specify how to prepare images.*set size, mean, std"):
        load(f"own/{save(net, tmp_path, 'trace')}")
    with pytest.raises(Refusal, match="set mean, std"):
        load(f"own/{save(net, tmp_path, 'onnx')}")


def test_a_network_that_ends_with_softmax_gives_the_scores_before_it(tmp_path, net, images, expected):
    path = tmp_path / "softmax.onnx"
    torch.onnx.export(nn.Sequential(net, nn.Softmax(1)), (torch.zeros(1, 3, SIDE, SIDE),), path, dynamo=False)
    np.testing.assert_allclose(load(f"own/{path}", **INPUT).embed(images).logits, expected[1], atol=1e-4)


def test_a_network_that_takes_bytes_normalizes_them_itself(tmp_path, net, images, expected):
    class Bytes(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net
            self.register_buffer("mean", torch.tensor(INPUT["mean"]).view(1, 3, 1, 1))
            self.register_buffer("std", torch.tensor(INPUT["std"]).view(1, 3, 1, 1))

        def forward(self, images):
            return self.net((images.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std)

    path = tmp_path / "bytes.onnx"
    torch.onnx.export(Bytes().eval(), (torch.zeros((1, SIDE, SIDE, 3), dtype=torch.uint8),), path, dynamo=False)
    np.testing.assert_allclose(load(f"own/{path}").embed(images).vectors, expected[0], atol=1e-3)


def test_a_wrong_file_says_what_does_not_fit(tmp_path, net):
    torch.save(net, tmp_path / "pickle.pt")
    torch.save(net.state_dict(), tmp_path / "state.pt")
    (tmp_path / "text.onnx").write_text("no network")
    (tmp_path / "text.pt2").write_text("no network")
    (tmp_path / "model.h5").write_text("no network")
    torch.onnx.export(nn.Linear(4, 2), (torch.zeros(1, 4),), tmp_path / "table.onnx", dynamo=False)
    for name, message in {
        "nothing.onnx": "There is no file",
        "pickle.pt": "is a pickle or a bare state dict",
        "state.pt": "is a pickle or a bare state dict",
        "text.onnx": "cannot be read as an ONNX model",
        "text.pt2": "not an archive of torch.export",
        "model.h5": "not a kind of network that can be loaded",
        "table.onnx": "takes input of 1 x 4; it must be a batch of images",
    }.items():
        with pytest.raises(Refusal, match=message):
            load(f"own/{tmp_path / name}", **INPUT)
    with pytest.raises(Refusal, match="names 2 classes; the network has 4"):
        load(f"own/{save(net, tmp_path, 'onnx')}", classes="a, b", **INPUT)
    with pytest.raises(Refusal, match=r"cannot run on images of 48 x 48 pixels .*“size”"):
        load(f"own/{save(net, tmp_path, 'onnx_fixed')}", **{**INPUT, "size": 48})


def test_an_exported_archive_with_a_pickle_is_refused_and_its_code_not_run(tmp_path, net):
    import pickle

    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w').close()",))

    path = save(net, tmp_path, "exported")
    evil = tmp_path / "evil.pt2"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            content = pickle.dumps(Evil()) if name.endswith("sample_inputs/model.pt") else source.read(name)
            target.writestr(name, content)
    with pytest.raises(Refusal, match="pickled objects or code"):
        load(f"own/{evil}", **INPUT)
    assert not (tmp_path / "ran").exists()
