"""`labelscape model`: the available models, and what is in a network's file."""

import pytest
import torch
from labelscape.cli import app
from torch import nn
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6), nn.Linear(6, 2))
    path = tmp_path_factory.mktemp("network") / "net.onnx"
    torch.onnx.export(net.eval(), (torch.zeros(1, 3, 20, 20),), path, dynamo=False)
    return str(path)


def run(*arguments):
    return CliRunner().invoke(app, ["model", *arguments])


def test_inspect_lists_the_layers_with_their_sizes_and_marks_the_embedding(network):
    result = run("inspect", network)
    assert result.exit_code == 0
    assert "ONNX network" in result.output
    (marked,) = (line for line in result.output.splitlines() if line.endswith("← the embedding"))
    assert " 6 " in marked
    assert "4 x 18 x 18" in result.output
    assert "It predicts 2 classes, without names." in result.output
    assert "size: 20" in result.output
    assert "mean: not in the file" in result.output


def test_inspect_refuses_what_is_no_network_in_words(tmp_path):
    result = run("inspect", str(tmp_path / "nothing.onnx"))
    assert result.exit_code == 1
    assert "There is no file" in result.output


def test_options_of_an_unknown_family_name_those_there_are():
    result = run("options", "magic")
    assert result.exit_code == 1
    assert "'magic' is not a family; there are: preprocessing, torchvision" in result.output
    assert "three numbers, such as 0.5, 0.5, 0.5" in run("options", "torchvision/resnet18").output
