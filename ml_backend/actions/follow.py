"""Keep suggestions up to date: after each save they are recomputed in the background."""

import logging
import threading

import fiftyone as fo

from ..errors import Refusal
from ..store.embeddings import list_embeddings
from ..store.suggestions import load_settings
from .suggest import suggest_labels

_logger = logging.getLogger(__name__)
_running: dict[str, threading.Thread] = {}
_again: set[str] = set()
_lock = threading.Lock()


def follow_labels(dataset: fo.Dataset) -> threading.Thread | None:
    """Update the suggestions of a dataset in a thread, with the settings last used; None without settings."""
    settings = load_settings(dataset)
    if settings is None or not settings.whole or settings.embeddings not in list_embeddings(dataset):
        return None
    with _lock:
        running = _running.get(dataset.name)
        if running is not None:
            _again.add(dataset.name)  # labels changed in the meantime: run once more after this run
            return running
        thread = threading.Thread(target=_follow, args=(dataset,), name="labelscape-follow", daemon=True)
        _running[dataset.name] = thread
        thread.start()
        return thread


def _follow(dataset: fo.Dataset) -> None:
    while True:
        _suggest_again(dataset)
        with _lock:
            if dataset.name not in _again:
                del _running[dataset.name]  # under the lock: the next call starts a new thread
                return
            _again.discard(dataset.name)


def _suggest_again(dataset: fo.Dataset) -> None:
    settings = load_settings(dataset)
    if settings is None or not settings.whole:
        return
    try:
        suggest_labels(
            dataset,
            embeddings=settings.embeddings,
            field=settings.field,
            precision=settings.precision,
            follow=False,
        )
    except Refusal as error:
        _logger.info("Suggestions of %s are not updated: %s", dataset.name, error)
    except Exception:
        _logger.exception("Suggestions of %s could not be updated", dataset.name)
