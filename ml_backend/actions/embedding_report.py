"""The result of computing or importing embeddings, in numbers and in a sentence."""

from dataclasses import dataclass

from ..embedding.equal_vectors import EqualVectors
from ..report import Report
from ..store.embedding_errors import ERROR_FIELD
from ..wording import agree, count, noun, plural


@dataclass(frozen=True, repr=False)
class EmbeddingReport(Report):
    """The result of a run: counts of items ``embedded`` now, ``reused`` unchanged, ``removed``, and ``failed``.

    The files of ``unavailable`` items cannot be read at the moment, and their vectors stay. ``restarted``: the stored
    vectors were damaged.
    """

    key: str
    model: str
    dim: int
    embedded: int
    reused: int
    removed: int
    failed: int
    first_failure: str | None
    noun: str
    equal: EqualVectors | None = None
    unavailable: int = 0
    first_unavailable: str | None = None
    error_field: str = ERROR_FIELD
    restarted: bool = False
    predictions: str | None = None
    prepared: str | None = None

    def sentence(self) -> str:
        """The closing message."""
        text = self._about_unavailable()
        if self.restarted:
            text += "The stored vectors were damaged, so all of them were recomputed. "
        text += (
            f"Embedded {count(self.embedded, self.noun)} with {self.model} ({self.dim} numbers each) in '{self.key}'"
        )
        if self.reused:
            text += f"; {self.reused:,} {agree(self.reused, 'was')} up to date"
        if self.removed:
            text += f"; removed {count(self.removed, 'vector')} of deleted or changed {plural(self.noun)}"
        if self.failed:
            text += (
                f"; {self.failed:,} could not be read and {agree(self.failed, 'was')} skipped: "
                f"“{self.error_field}” says why (first: {self.first_failure})"
            )
        text += "."
        if self.predictions:
            text += f" The classes that it predicts are in the field '{self.predictions}'."
        if self.prepared:
            text += f" The network got {self.prepared}."
        if self.equal:
            first, second = self.equal.examples
            text += (
                f" Warning: at least {self.equal.count:,} different {plural(self.noun)} have the same vector, such as "
                f"{first} and {second}: {self.model} cannot tell them apart. Look at these files, or choose another "
                "model."
            )
        return text

    def _about_unavailable(self) -> str:
        """Report first what could not be checked: an unavailable disk or share."""
        if not self.unavailable:
            return ""
        return (
            f"The files of {count(self.unavailable, self.noun)} cannot be read now (first: {self.first_unavailable}); "
            f"{agree(self.unavailable, 'its')} {noun(self.unavailable, 'vector')} "
            f"{agree(self.unavailable, 'was')} kept. If a disk or share is missing, mount it. "
        )
