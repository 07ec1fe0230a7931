"""What was sent to Label Studio and what was left out, in numbers and as the closing message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..report import Report
from ..wording import agree, count, listing

_NAMED = 3  # files or classes that a message lists


@dataclass(frozen=True, repr=False)
class SendReport(Report):
    """What was sent: ``labeled`` of the new tasks have their sample's label, ``suggested`` a suggestion.

    ``already_sent`` samples were tasks before; ``again`` had a task that was deleted in Label Studio; ``left_out`` are
    files that are missing or that Label Studio does not accept; ``unknown`` counts labels of classes the project does
    not have; ``notices`` contains sentences on what changed in the label config.
    """

    address: str
    title: str
    version: str
    shown_version: str
    already_sent: int = 0
    again: int = 0
    left_out: tuple[str, ...] = ()
    sent: int = 0
    labeled: int = 0
    suggested: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The closing message."""
        parts = [
            f"Sent {count(self.sent, 'sample')} to “{self.title}” ({self.address}){self._filled_in()}."
            if self.sent
            else f"Nothing new to send to “{self.title}” ({self.address}).",
        ]
        if self.already_sent:
            parts.append(f"{count(self.already_sent, 'sample')} {agree(self.already_sent, 'was')} sent before.")
        if self.again:
            verb = "replaces one that was" if self.again == 1 else "replace ones that were"
            parts.append(f"{self.again:,} of the new tasks {verb} deleted there.")
        if self.left_out:
            parts.append(
                f"Left out {count(len(self.left_out), 'file')} that cannot be found, are empty or too large, or are of "
                f"a kind that Label Studio does not accept: {named(self.left_out)}."
            )
        parts += self.notices
        if self.unknown:
            labels = count(sum(self.unknown.values()), "label")
            parts.append(f"Left out {labels} of classes that the project does not have: {named(list(self.unknown))}.")
        if self.sent and self.shown_version != self.version:
            parts.append(
                f"The project shows the predictions of “{self.shown_version}”: to see these, choose “{self.version}” "
                "in its settings, under Annotation."
            )
        if self.sent:
            parts.append("“Pull from Label Studio” imports the annotations.")
        return " ".join(parts)

    def _filled_in(self) -> str:
        ways = ((self.labeled, "the existing label"), (self.suggested, "a suggestion"))
        prefilled = " and ".join(f"{number:,} with {what}" for number, what in ways if number)
        return f", {prefilled} as pre-annotation" if prefilled else ", none with a pre-annotation"


def named(names: Sequence[str]) -> str:
    """The first few names, in quotation marks, and the number of others."""
    more = [f"{len(names) - _NAMED:,} more"] if len(names) > _NAMED else []
    return listing([*(f"“{name}”" for name in names[:_NAMED]), *more])
