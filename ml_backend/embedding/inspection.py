"""What a look into the file of a network finds, before anything is embedded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """A layer of a network: its name, its kind, and the size of its output for one image, such as (512, 7, 7)."""

    name: str
    kind: str
    size: tuple[int, ...]


@dataclass(frozen=True)
class Declared:
    """What a file says about its input and its classes; None or empty where it says nothing."""

    size: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channels: str | None = None
    classes: tuple[str, ...] = ()
    raw: bool = False  # the network takes bytes and normalizes them itself


@dataclass(frozen=True)
class Inspection:
    """What is in a network's file: its kind, its layers in order, the layer that it is cut at, and what it declares."""

    kind: str
    layers: tuple[Layer, ...]
    cut: str | None
    declared: Declared
    n_classes: int
