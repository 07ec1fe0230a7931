"""The examples of a search in a Label Studio project: its selected tasks, or the regions in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import Refusal
from ..label_studio.mirror import EMBEDDINGS, Mirror
from ..store.search_tables import open_search_table
from ..store.searches import Query
from ..wording import agree, count, listing
from .project_regions import labels_of, regions_of_samples
from .requests import ActionRequest
from .selected_tasks import check_embedded, records_of, selected_tasks
from .sync import ProjectSync


@dataclass(frozen=True)
class SearchExamples:
    """The query that the examples make; ``left_out`` of them have no embedding yet. ``noun``: what one of them is."""

    query: Query
    noun: str
    left_out: int

    def in_words(self) -> str:
        """The examples in numbers: “2 positive tasks, 1 negative task, and the text “night””."""
        query, number = self.query, self.left_out
        counted = [
            count(len(query.positives), f"positive {self.noun}"),
            count(len(query.negatives), f"negative {self.noun}") if query.negatives else "",
            f"the text “{query.text}”" if query.text else "",
        ]
        rest = f" ({number:,} more {agree(number, 'has')} no embedding yet)" if number else ""
        return f"{listing(counted)}{rest}"


def read_examples(project: ProjectSync, request: ActionRequest) -> SearchExamples:
    """The examples that a request names.

    Raises:
        Refusal: it names none, a label in a project of whole tasks, or only what has no embedding yet
    """
    mirror, label = project.opened(), str(request.values["label"])
    check_embedded(mirror)
    if label and mirror.patches_field is None:
        raise Refusal("“label” chooses among the regions of tasks, but this project labels whole tasks: leave it out.")
    named = request.values["negatives"]
    disliked = records_of(mirror, named).samples if named else []
    negative = set(disliked)
    liked = [sample for sample in selected_tasks(project, request).samples if sample not in negative]
    if not liked:
        raise Refusal("All of the selected tasks are negative examples: select at least one positive example.")
    noun = "task"
    if mirror.patches_field is not None:
        noun = "region"
        liked = _regions(mirror, liked, label, "positive", others=False)
        disliked = _regions(mirror, disliked, label, "negative", others=True) if disliked else []
    table = open_search_table(mirror.dataset, EMBEDDINGS)
    positives, negatives = (table.items.ids[table.rows_of(items)].tolist() for items in (liked, disliked))
    if not positives:
        raise Refusal("None of the examples has an embedding yet: the backend embeds new ones soon; try again then.")
    query = Query(EMBEDDINGS, tuple(positives), tuple(negatives), text=str(request.values["text"]))
    return SearchExamples(query, noun, len(liked) + len(disliked) - len(positives) - len(negatives))


def _regions(mirror: Mirror, samples: Sequence[str], label: str, role: str, *, others: bool) -> list[str]:
    """The regions of these samples with this label, any if it is ""; ``others``: of a sample without one, all."""
    items = regions_of_samples(mirror, samples)
    meant = np.ones(len(items), bool)
    if label:
        meant = np.asarray([known == label for known in labels_of(mirror, items)], bool)
        if others:
            meant |= ~np.isin(items.sample_ids, items.sample_ids[meant])
    regions: list[str] = items.ids[meant].tolist()
    if not regions:
        kind = f"region labeled “{label}”" if label and not others else "region"
        number = count(len(samples), f"{role} task")
        raise Refusal(f"The {number} {agree(len(samples), 'has')} no {kind}: choose other tasks.")
    return regions
