"""The result of inspecting a network's file before anything is embedded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """A layer of a network: its name, its kind, and the size of its output for one image, such as (512, 7, 7)."""

    name: str
    kind: str
    size: tuple[int, ...]


@dataclass(frozen=True)
class Declared:
    """The input and the classes that a file declares; None or empty for what it does not declare."""

    size: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channels: str | None = None
    classes: tuple[str, ...] = ()
    raw: bool = False  # the network takes bytes and normalizes them itself


@dataclass(frozen=True)
class Inspection:
    """The content of a network's file: its kind, its layers in order, the cut layer, and its declarations.

    ``per_second``: images that it embedded per second on this machine, without reading them; None if not measured.
    """

    kind: str
    layers: tuple[Layer, ...]
    cut: str | None
    declared: Declared
    n_classes: int
    per_second: float | None = None

    @property
    def undeclared(self) -> tuple[str, ...]:
        """The input settings that the file does not declare, so that the user has to."""
        if self.declared.raw:
            return ()
        return tuple(name for name in ("size", "mean", "std") if getattr(self.declared, name) is None)

    @property
    def declared_settings(self) -> tuple[str, ...]:
        """The input settings that the file declares."""
        names = ("size", "mean", "std", "channels")
        return tuple(name for name in names if getattr(self.declared, name) is not None)
