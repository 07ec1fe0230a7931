"""Principal component analysis that computes only the few axes that a map needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

_CHUNK = 65_536  # rows that products are summed over at a time
_EXACT_SIDE = 768  # up to this many rows or columns the full eigendecomposition takes less than a second
_OVERSAMPLING, _ROUNDS = 16, 12  # extra directions and passes; measured: angles to the exact axes below 1e-3


def pca(vectors: NDArray[np.float32], dims: int) -> NDArray[np.float32]:
    """Compute coordinates (n, dims) along the axes of largest variance; missing axes are 0.

    Exact, through the smaller side, if the vectors have few rows or few columns; else by randomized subspace
    iteration (Halko, Martinsson and Tropp 2011), deterministic.
    """
    import torch

    table = torch.from_numpy(vectors)
    n, d = table.shape
    points = torch.zeros((n, dims))
    if n == 0 or d == 0:
        return points.numpy()
    mean = table.double().mean(0).float() if n < _CHUNK else table.mean(0)
    if min(n, d) > _EXACT_SIDE:
        axes = _iterated_axes(table, mean, dims)
    elif n < d:
        axes = _axes_through_rows(table, mean, dims)
    else:
        axes = _axes_through_columns(table, mean, dims)
    largest = axes.abs().argmax(0, keepdim=True)
    axes *= torch.where(axes.gather(0, largest) < 0, -1.0, 1.0)  # the sign of an axis is arbitrary: fix it
    points[:, : axes.shape[1]] = table @ axes - mean @ axes
    return points.numpy()


def _axes_through_columns(table: Tensor, mean: Tensor, dims: int) -> Tensor:
    import torch

    covariance = torch.zeros((table.shape[1], table.shape[1]), dtype=torch.float64)
    for part in table.split(_CHUNK):
        centered = part - mean
        covariance += centered.T @ centered
    axes: Tensor = torch.linalg.eigh(covariance).eigenvectors[:, -dims:].flip(1).float()
    return axes


def _axes_through_rows(table: Tensor, mean: Tensor, dims: int) -> Tensor:
    """Axes (d, dims) from the (n, n) products of the rows: X'u / |X'u| for each leading eigenvector u."""
    import torch

    centered = (table - mean).double()
    vectors = torch.linalg.eigh(centered @ centered.T).eigenvectors[:, -dims:].flip(1)
    axes: Tensor = _orthonormal(centered.T @ vectors, centered).float()
    return axes


def _orthonormal(directions: Tensor, centered: Tensor) -> Tensor:
    """Scale columns to length 1; those without variance become 0."""
    import torch

    lengths = torch.linalg.vector_norm(directions, dim=0)
    present = lengths > 1e-9 * torch.linalg.matrix_norm(centered)
    scaled: Tensor = torch.where(present, directions / lengths.clamp_min(1e-300), 0.0)
    return scaled


def _iterated_axes(table: Tensor, mean: Tensor, dims: int) -> Tensor:
    import torch

    generator = torch.Generator().manual_seed(0)
    basis = torch.randn((table.shape[1], dims + _OVERSAMPLING), generator=generator)
    for _ in range(_ROUNDS):
        basis = torch.linalg.qr(basis).Q
        basis = _covariance_times(table, mean, basis)
    basis = torch.linalg.qr(basis).Q
    inside = basis.double().T @ _covariance_times(table, mean, basis).double()
    rotation = torch.linalg.eigh((inside + inside.T) / 2).eigenvectors[:, -dims:].flip(1)
    axes: Tensor = basis @ rotation.float()
    return axes


def _covariance_times(table: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """X'X B for the centered rows X, without a centered copy of the table."""
    import torch

    product = torch.zeros_like(basis)
    shift = mean @ basis
    for part in table.split(_CHUNK):
        scores = part @ basis - shift
        product += part.T @ scores - torch.outer(mean, scores.sum(0))
    return product
