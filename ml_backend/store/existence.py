"""Whether a dataset and its items still exist: another process may delete them at any moment."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

import fiftyone as fo
import numpy as np
from fiftyone.core.odm.database import get_db_conn

from ..errors import Refusal
from .embeddings import locate
from .items import Items, items_of, list_like
from .save_records import RECORDS

_FEW = 5_000  # items that are looked up one by one
_Options = ParamSpec("_Options")
_Result = TypeVar("_Result")


def is_gone(dataset: fo.Dataset) -> bool:
    """Whether the dataset was deleted."""
    return get_db_conn()["datasets"].find_one({"_id": dataset._doc.id}, {"_id": 1}) is None


def still_there(dataset: fo.Dataset, items: Items) -> np.ndarray:
    """(n,) bool: which items exist at this moment, and were not deleted since they were listed."""
    if not len(items):
        return np.zeros(0, bool)
    if len(items) <= _FEW:
        present = items_of(dataset, items.ids.tolist(), items.field)
    else:
        present = list_like(dataset, items.patches_field, items.parts)
    exists: np.ndarray = locate(items.ids, present.ids) >= 0
    return exists


def existence_stamp(dataset: fo.Dataset) -> str:
    """A value that changes when samples are added or deleted, in constant time; objects inside samples do not count."""
    found = get_db_conn()["datasets"].find_one({"_id": dataset._doc.id}, {"last_deletion_at": 1}) or {}
    return f"{found.get('last_deletion_at')} {dataset._sample_collection.estimated_document_count()}"


def deleted_meanwhile(dataset: fo.Dataset) -> Refusal:
    """The refusal to continue with a dataset that was deleted."""
    return Refusal(f"The dataset '{dataset._doc.name}' was deleted while this was running: nothing was kept.")


@contextmanager
def refusing_if_deleted(dataset: fo.Dataset) -> Iterator[None]:
    """Raise a Refusal if the dataset was deleted during a block, whether or not the block failed.

    What the block wrote for the dataset after it was deleted is deleted, too.
    """
    try:
        yield
    except Exception as error:
        if is_gone(dataset):
            _forget_records(dataset)
            raise deleted_meanwhile(dataset) from error
        raise
    if is_gone(dataset):
        _forget_records(dataset)
        raise deleted_meanwhile(dataset)


def ends_with_dataset(act: Callable[_Options, _Result]) -> Callable[_Options, _Result]:
    """An action on a dataset or view, its first argument, wrapped in `refusing_if_deleted`."""
    first = next(iter(signature(act).parameters))

    @wraps(act)
    def wrapped(*args: _Options.args, **options: _Options.kwargs) -> _Result:
        samples: Any = args[0] if args else options.get(first)
        if samples is None:
            return act(*args, **options)  # Python reports what is missing
        with refusing_if_deleted(samples._root_dataset):
            return act(*args, **options)

    return wrapped


def _forget_records(dataset: fo.Dataset) -> None:
    ours = {"dataset_id": dataset._doc.id, "store_name": {"$regex": r"^labelscape\."}}
    get_db_conn().execution_store.delete_many(ours)
    get_db_conn()[RECORDS].delete_many({"dataset": dataset._doc.id})
