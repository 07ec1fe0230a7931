"""Attention layers give the same with their inputs folded, and never take transposed inputs to their weights."""

import copy

import pytest
import torch
from labelscape.ml_backend.embedding.image.attention import fold_attention_inputs
from torch import nn


class Attention(nn.Module):
    """Attention as networks call it: to itself or to something else, with names or without."""

    def __init__(self, *, itself: bool, named: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.itself, self.named = itself, named

    def forward(self, one: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        other = one if self.itself else other
        if self.named:
            return self.attention(query=one, key=other, value=other)
        return self.attention(one, other, other)


@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_folded_attention_gives_the_same_from_inputs_in_memory_order(itself, named, monkeypatch):
    network = Attention(itself=itself, named=named).eval()
    folded = copy.deepcopy(network)
    fold_attention_inputs(folded)
    one, other = torch.rand(3, 5, 16), torch.rand(3, 7, 16)
    expected = network(one, other)
    ordered = []
    linear = nn.functional.linear

    def watched(values, *weights):
        ordered.append(values.is_contiguous())
        return linear(values, *weights)

    monkeypatch.setattr(nn.functional, "linear", watched)
    given = folded(one, other)
    for ours, theirs in zip(given, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert ordered
    assert all(ordered)
