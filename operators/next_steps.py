"""Next steps after a ranking: buttons under its closing message."""

from collections.abc import Sequence

from ..ml_backend.actions.rank import Ranking
from .asking import next_step
from .running import NextStep, Outcome

_AT_ONCE = 100  # about as many as a person reviews before acting on all of them

RELABEL = ("Relabel {}", "relabel")
SET_LABEL = ("Label {}", "set_label")
SEND = ("Send {} to Label Studio", "send_to_label_studio")
SEGMENT = ("Create a segment from {}", "create_segment")
DELETE = ("Delete {}", "delete_items")


def next_steps(ranking: Ranking, *ways: tuple[str, str]) -> list[NextStep]:
    """Buttons for next steps (text and operator) with the first suspects of a ranking; none without suspects."""
    chosen = ranking.suspects[:_AT_ONCE]
    if not chosen:
        return []
    left = len(ranking.suspects) - len(chosen)
    which = f"the first {len(chosen):,} of {len(ranking.suspects):,}" if left else f"these {len(chosen):,}"
    return [next_step(f"{words.format(which)} …", operator, chosen, ranking.patches_field) for words, operator in ways]


def closing(ranking: Ranking, message: str, steps: Sequence[NextStep]) -> Outcome:
    """Show a ranking, with its score and reason on the thumbnails, and offer the next steps."""
    return Outcome(
        message,
        reload_dataset=True,
        view=ranking.view if ranking.ids else None,
        shown_fields=ranking.fields[:2] if ranking.patches_field is None else (),
        next_steps=steps,
        why=ranking.why,
    )
