"""Saved views of segments, without the datasets of patches that FiftyOne generates for them."""

import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any

import fiftyone as fo
import fiftyone.core.stages as fos
from bson import json_util
from fiftyone.core.odm.database import get_db_conn

from .generated_views import GENERATED


def is_saved_view(dataset: fo.Dataset, name: str, view: fo.DatasetView, more: Sequence[fos.ViewStage]) -> bool:
    """Whether a saved view has the stages of ``view`` and these ``more``, which are not run."""
    now = [*view._serialize(include_uuids=False), *(stage._serialize(include_uuid=False) for stage in more)]
    expected = [json.loads(json_util.dumps(stage)) for stage in now]
    return [_plain(stage) for stage in _stages_of(dataset, name)] == [_plain(stage) for stage in expected]


def describe_saved_view(dataset: fo.Dataset, name: str, description: str) -> None:
    """Change the description of a saved view."""
    if dataset.get_saved_view_info(name)["description"] != description:
        dataset.update_saved_view_info(name, {"description": description})


@contextmanager
def leaving_nothing_generated(dataset: fo.Dataset, saved_view: str) -> Iterator[None]:
    """Delete what FiftyOne generates for a saved view that is saved or deleted in the block, and what it had before.

    Otherwise each save would leave a copy of its patches behind: FiftyOne (1.22) keeps the dataset of a view that was
    replaced, and of one that could not be saved. It generates one again when the view is opened. Where the block fails,
    one that another process generated meanwhile goes too, and comes back in the same way.
    """
    mine = _generated_for(dataset, saved_view)
    before = _generated_names()
    try:
        yield
    except BaseException:
        mine |= _generated_names() - before
        raise
    else:
        mine |= _generated_for(dataset, saved_view)
    finally:
        _delete_generated(mine)


def _generated_for(dataset: fo.Dataset, saved_view: str) -> set[str]:
    """Names of the datasets that FiftyOne generated for a saved view; they stand in the state of its stages."""
    states = [dict(stage["kwargs"]).get("_state") for stage in _stages_of(dataset, saved_view)]
    return {str(state["name"]) for state in states if isinstance(state, dict) and state.get("name")}


def _delete_generated(names: AbstractSet[str]) -> None:
    try:
        for name in names & _generated_names():
            fo.delete_dataset(name)
    except BaseException:
        for name in names & _generated_names():  # what a lost connection left half deleted
            fo.delete_dataset(name)
        raise


def _generated_names() -> set[str]:
    return set(get_db_conn().datasets.distinct("name", {"sample_collection_name": GENERATED}))


def _stages_of(dataset: fo.Dataset, saved_view: str) -> list[dict[str, Any]]:
    if not dataset.has_saved_view(saved_view):
        return []
    return [json.loads(stage) for stage in dataset._get_saved_view_doc(saved_view).view_stages]


def _plain(stage: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return stage["_cls"], {name: value for name, value in stage["kwargs"] if name != "_state"}
