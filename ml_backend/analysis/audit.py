"""Audit: a few random checks of accepted suggestions give a guaranteed lower bound on how many are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, hypergeom

from ..errors import Refusal
from ..wording import count, percent

CONFIDENCE = 0.95
_MOST_CHECKS = 100_000


@dataclass(frozen=True)
class Audit:
    """What random checks of a set of suggestions guarantee.

    Attributes:
        right: checked suggestions that were right.
        checked: suggestions checked.
        bound: lower bound, with this confidence, on the share of the whole set that is right, 0..1.
        confidence: how often such a bound holds when audits are repeated, 0..1.
    """

    right: int
    checked: int
    bound: float
    confidence: float

    def sentence(self) -> str:
        """Say what the checks guarantee, such as “at least 94% right with 95% confidence, from 50 checks”."""
        least = int(self.bound * 100 + 1e-9) / 100  # rounded down: a guarantee must not grow by rounding
        return (
            f"at least {percent(least)} right with {percent(self.confidence)} confidence, "
            f"from {count(self.checked, 'check')}"
        )


def audit(right: int, checked: int, *, population: int | None = None, confidence: float = CONFIDENCE) -> Audit:
    """Turn the outcome of random checks into a guarantee about the set that they were drawn from.

    Args:
        right: checked suggestions that were right.
        checked: suggestions checked, drawn at random without replacement.
        population: size of the set; None if it is far larger than the number of checks.
        confidence: how often the bound has to hold; at least 0.5 and below 1.

    Raises:
        Refusal: more right than checked, more checked than the population, or a confidence out of range.
    """
    return Audit(right, checked, lower_bound(right, checked, population=population, confidence=confidence), confidence)


def lower_bound(right: int, checked: int, *, population: int | None = None, confidence: float = CONFIDENCE) -> float:
    """Compute the exact one-sided lower bound on the share that is right, 0..1.

    Clopper and Pearson (1934) for a large set; with a population, the hypergeometric bound, which is higher because
    the checked suggestions are known.

    Raises:
        Refusal: as in `audit`.
    """
    _check_outcome(right, checked, population, confidence)
    if population is None:
        return float(beta.ppf(1 - confidence, right, checked - right + 1)) if right else 0.0
    if population == 0:
        return 1.0
    # The smallest number of right suggestions for which an outcome at least this good is not improbable.
    low, high = right, population - (checked - right)
    while low < high:
        middle = (low + high) // 2
        if hypergeom.sf(right - 1, population, middle, checked) > 1 - confidence:
            high = middle
        else:
            low = middle + 1
    return low / population


def checks_needed(
    bound: float, *, wrong: int = 0, population: int | None = None, confidence: float = CONFIDENCE
) -> int:
    """Compute how many random checks guarantee a share of right suggestions, if at most `wrong` checks turn out wrong.

    If none is wrong, .90 takes 29 checks, .95 takes 59, and .99 takes 299; fewer in a small population.

    Args:
        bound: share that has to be right, 0..1; exactly 1 needs a population, all of which is checked.
        wrong: the number of wrong checks that the guarantee must tolerate.
        population: size of the set that checks are drawn from; None if it is large.
        confidence: how often the bound has to hold.

    Raises:
        Refusal: a bound that no number of checks can guarantee.
    """
    if not 0 <= bound <= 1:
        raise Refusal(f"the bound must be between 0 and 1; got {bound}")
    _check_outcome(0, 0, population, confidence)
    low, high = wrong, _MOST_CHECKS if population is None else population
    if high < wrong or lower_bound(high - wrong, high, population=population, confidence=confidence) < bound:
        raise Refusal(f"no number of checks can guarantee that {percent(bound, 1)} are right if {wrong} may be wrong")
    while low < high:
        middle = (low + high) // 2
        if lower_bound(middle - wrong, middle, population=population, confidence=confidence) >= bound:
            high = middle
        else:
            low = middle + 1
    return low


def draw_checks(accepted: ArrayLike, checks: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Draw accepted suggestions to check, each with the same chance, without replacement.

    Args:
        accepted: (n,) bool.
        checks: how many to draw; all, if fewer are accepted.
        seed: the same seed gives the same draw, and a larger draw begins with the smaller one.

    Returns:
        (checks,) rows in the order in which they were drawn.

    Raises:
        Refusal: checks below 1.
    """
    if checks < 1:
        raise Refusal(f"the number of checks must be at least 1; got {checks}")
    rows = np.flatnonzero(np.asarray(accepted, dtype=bool))
    drawn: NDArray[np.int64] = np.random.default_rng(seed).permutation(rows)[:checks]
    return drawn


def _check_outcome(right: int, checked: int, population: int | None, confidence: float) -> None:
    if not 0 <= right <= checked:
        raise Refusal(f"of {count(checked, 'check')} {right} cannot be right")
    if population is not None and checked > population:
        raise Refusal(f"{count(checked, 'check')} cannot come from {count(population, 'suggestion')}")
    if not 0.5 <= confidence < 1:
        raise Refusal(f"the confidence must be at least 0.5 and below 1; got {confidence}")
