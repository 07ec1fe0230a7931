"""Progress reports of long work, through which it can also be stopped."""

from typing import Protocol


class Progress(Protocol):
    """A callback for long work: ``fraction`` runs from 0 to 1 and never falls, ``message`` says what is being done.

    It may raise `Cancelled` (or anything else) to stop the work, which must not catch it.
    """

    def __call__(self, fraction: float, message: str, /) -> object:
        """Report the fraction done and the current step."""


def no_progress(fraction: float, message: str, /) -> None:
    """Ignore the report."""


def part_of(progress: Progress | None, start: float, stop: float) -> Progress:
    """The progress of one stage of longer work: its 0 to 1 becomes ``start`` to ``stop`` of the whole."""
    if progress is None:
        return no_progress

    def report(fraction: float, message: str, /) -> None:
        progress(start + (stop - start) * fraction, message)

    return report


def step_of(progress: Progress | None, step: int, n_steps: int) -> Progress:
    """The progress of step number ``step``, counted from 0, of ``n_steps`` equal steps."""
    return part_of(progress, step / n_steps, (step + 1) / n_steps)
