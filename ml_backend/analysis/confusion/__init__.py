"""Match predictions to labels, count what is confused with what, and find the objects behind every count."""

from .matches import Matches
from .matching import Pairs, candidate_pairs, match
from .metrics import Metrics
from .types import Objects, Outcomes, top_classes

__all__ = ["Matches", "Metrics", "Objects", "Outcomes", "Pairs", "candidate_pairs", "match", "top_classes"]
