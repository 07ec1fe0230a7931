"""Methods of the functions section: saved searches with their new matches; run, rename, duplicate, delete, restore."""

import fiftyone as fo
import numpy as np

from ....ml_backend.actions import functions
from ....ml_backend.actions.new_data import update_dataset
from ....ml_backend.actions.search import with_marks
from ....ml_backend.errors import Refusal
from ....ml_backend.progress import Progress
from ....ml_backend.store.functions import deleted_functions, load_function
from ....ml_backend.store.searches import Query, last_search
from ....operators.jobs import Outcome
from ....operators.running import PLUGIN
from ..component_panel import Answer, Method
from .calls import Call, answers
from .long_runs import start_run
from .selection import checked_rows

FUNCTIONS: dict[str, Method] = {}


@answers(FUNCTIONS, changes=True)
def create_function(call: Call) -> Answer:
    """Save the last search, with what was marked in its results, as a function, and score everything with it."""
    search = last_search(call.dataset)
    if search is None:
        raise Refusal("There is no search to save: select examples, and press “Similar” first.")
    name, threshold = str(call.params["name"]), float(call.params["threshold"])
    query = _marked(call, search.query)

    def work(dataset: fo.Dataset, progress: Progress) -> Outcome:
        run = functions.create_function(dataset, query, name=name, threshold=threshold, progress=progress)
        return Outcome(run.sentence())

    return start_run(call, f"Creating function “{name}”", work)


@answers(FUNCTIONS, changes=True)
def run_functions(call: Call) -> Answer:
    """Embed what is new, place it on the maps, and score it with every function."""
    return start_run(
        call,
        "Running functions",
        lambda dataset, progress: Outcome(update_dataset(dataset, progress=progress).sentence()),
    )


@answers(FUNCTIONS, changes=True)
def edit_function(call: Call) -> Answer:
    """Change the threshold, the note, or the examples; a stale function is rebuilt from its examples."""
    slug = str(call.params["slug"])
    old = load_function(call.dataset, slug)
    query = _marked(call, old.query)
    threshold, note = call.params.get("threshold"), call.params.get("note")

    def work(dataset: fo.Dataset, progress: Progress) -> Outcome:
        run = functions.edit_function(
            dataset,
            slug,
            query=query,
            threshold=None if threshold is None else float(threshold),
            note=None if note is None else str(note),
            progress=progress,
        )
        return Outcome(run.sentence())

    return start_run(call, f"Scoring with “{old.name}”", work)


@answers(FUNCTIONS)
def open_function_form(call: Call) -> Answer:
    """Open the operator's form, which shows the samples around the threshold."""
    call.ctx.prompt(f"{PLUGIN}/edit_function", params={"function": str(call.params["slug"])})
    return {}


@answers(FUNCTIONS, changes=True)
def rename_function(call: Call) -> Answer:
    """Rename a function; the score field follows."""
    renamed = functions.rename_function(call.dataset, str(call.params["slug"]), str(call.params["name"]))
    return _changed(call, f"It is now called “{renamed.name}”, and its scores are in “{renamed.field}”.")


@answers(FUNCTIONS, changes=True)
def duplicate_function(call: Call) -> Answer:
    """A copy under another name, to be edited separately."""
    slug, name = str(call.params["slug"]), str(call.params["name"])
    return start_run(
        call,
        f"Duplicating function “{load_function(call.dataset, slug).name}”",
        lambda dataset, progress: Outcome(
            functions.duplicate_function(dataset, slug, name, progress=progress).sentence()
        ),
    )


@answers(FUNCTIONS, changes=True)
def delete_function(call: Call) -> Answer:
    """Delete a function with its scores; it can be restored for seven days."""
    deleted = functions.delete_function(call.dataset, str(call.params["slug"]))
    return _changed(call, f"Deleted the function “{deleted.name}”. It can be restored for seven days.")


@answers(FUNCTIONS, changes=True)
def restore_function(call: Call) -> Answer:
    """Restore a deleted function."""
    key = str(call.params["key"])
    chosen = next((candidate for candidate in deleted_functions(call.dataset) if candidate.key == key), None)
    restored = functions.restore_function(call.dataset, chosen)
    return _changed(call, f"Restored the function “{restored.name}”.")


def _marked(call: Call, query: Query) -> Query:
    """The query with the rows that the call marks as examples of what to find, and of what not to find."""
    if not call.params.get("map"):
        return query
    rows = call.rows()
    liked, disliked = (
        rows.names(checked_rows(np.asarray(call.params.get(side) or [], np.int64), len(rows)))
        for side in ("liked", "disliked")
    )
    return with_marks(query, positives=liked, negatives=disliked)


def _changed(call: Call, done: str) -> Answer:
    call.ctx.ops.reload_dataset()
    return {"done": done}
