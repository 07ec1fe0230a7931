"""The layer that gives the classes is found in networks of every kind, or its lack is refused."""

from collections import OrderedDict

import pytest
import torch
from labelscape.ml_backend.embedding.image.torch_layers import last_linear_layer
from labelscape.ml_backend.errors import Refusal


def network(**layers):
    return torch.nn.Sequential(OrderedDict(layers))


def test_the_last_linear_layer_or_convolution_is_named():
    convolutions = network(body=torch.nn.Conv2d(3, 8, 3), head=torch.nn.Conv2d(8, 10, 1), act=torch.nn.Softmax())
    linear = network(body=torch.nn.Conv2d(3, 8, 3), head=network(out=torch.nn.Linear(8, 10)))
    assert (last_linear_layer(convolutions), last_linear_layer(linear)) == ("head", "head.out")


def test_auxiliary_heads_are_passed_over():
    both = network(head=torch.nn.Linear(8, 10), aux=torch.nn.Linear(8, 10))
    assert last_linear_layer(both, ignored=("aux",)) == "head"


def test_a_network_without_one_is_refused_with_what_to_do():
    with pytest.raises(Refusal, match="name the layer whose output is the embedding"):
        last_linear_layer(network(act=torch.nn.ReLU()))
