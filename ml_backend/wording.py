"""Numbers and nouns as people read them: “1 label”, “3 patches”, “95%”, “a, b, and c”."""

from collections.abc import Sequence

_IRREGULAR = {"is": "are", "was": "were", "has": "have", "its": "their", "it": "they", "this": "these", "that": "those"}


def plural(noun: str) -> str:
    """The plural of a regular English noun, or of a noun phrase that ends in one: “patches”, “entries”, “tasks”."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def noun(number: int, singular: str) -> str:
    """The form of a noun that goes with a number: “label” for 1, “labels” for any other."""
    return singular if number == 1 else plural(singular)


def count(number: int, singular: str) -> str:
    """A number with its noun: “1 label”, “1,024 patches”, “0 labels”."""
    return f"{number:,} {noun(number, singular)}"


def agree(number: int, word: str) -> str:
    """The form of a verb or pronoun that goes with a number: “is” for 1 and “are” for any other; “has”, “was”, “its”.

    Raises:
        KeyError: the word is not one of those known here.
    """
    plural_form = _IRREGULAR[word]
    return word if number == 1 else plural_form


def listing(parts: Sequence[str], conjunction: str = "and") -> str:
    """Parts joined as in a sentence, empty ones left out: “a”, “a and b”, “a, b, and c”."""
    nonempty = [part for part in parts if part]
    if len(nonempty) <= 2:
        return f" {conjunction} ".join(nonempty)
    return f"{', '.join(nonempty[:-1])}, {conjunction} {nonempty[-1]}"


def percent(fraction: float, digits: int = 0) -> str:
    """A fraction as a percentage that never rounds up to “100%” or down to “0%” unless it is exactly that."""
    if 0 < fraction < 1:
        step = 10 ** -(digits + 2)
        fraction = min(max(fraction, step), 1 - step)
    return f"{fraction:.{digits}%}"


def rough_duration(seconds: float) -> str:
    """About how long something takes: "less than a minute", "about 1,200 min"."""
    return "less than a minute" if seconds < 60 else f"about {seconds / 60:,.0f} min"
