"""Where Labelscape stores data that does not fit into MongoDB, and how FiftyOne is configured for it."""

import functools
import inspect
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone.brain as fob
import fiftyone.constants as foc
from fiftyone.brain.config import locate_brain_config

from ..errors import Refusal

DEFAULT_BACKEND = "lancedb"
DIRECTORY_VARIABLE = "LABELSCAPE_DIR"
LANCEDB_VARIABLE = "FIFTYONE_BRAIN_SIMILARITY_LANCEDB_URI"
_ALL_TABLES = 2**31 - 1
_adopted: set[str] = set()  # values that Labelscape itself set in FiftyOne's configuration in this process


@dataclass(frozen=True)
class VectorFolder:
    """The folder (or address) of the LanceDB tables, and what decided it, in words."""

    uri: str
    decided_by: str


def data_directory() -> Path:
    """Folder of the vector tables, trained heads, and neighbor tables.

    ``$LABELSCAPE_DIR``, or ``labelscape`` inside FiftyOne's own configuration folder; absolute, because it is
    remembered for processes that run elsewhere.
    """
    folder = Path(os.environ.get(DIRECTORY_VARIABLE) or Path(foc.FIFTYONE_CONFIG_DIR) / "labelscape")
    return folder.expanduser().absolute()


def lancedb_uri() -> str | None:
    """The folder of LanceDB tables in this process; None = FiftyOne's default, which is in ``/tmp``."""
    uri: str | None = fob.brain_config.similarity_backends["lancedb"].get("uri")
    return uri


def vector_folder() -> VectorFolder:
    """Where this process stores vectors: set by the environment, else FiftyOne's configuration, else the default.

    What a program chose by hand (``fiftyone.brain.brain_config``) comes before all. FiftyOne's own default is in
    ``/tmp``, which the next reboot may empty: it is never used.
    """
    settled, chosen = _settled_vector_folder(), lancedb_uri()
    if chosen and chosen not in (*_adopted, settled.uri, _saved_lancedb_uri()):
        return VectorFolder(chosen, "this program, through fiftyone.brain.brain_config")
    return settled


def elsewhere_hint(folder: str | None) -> str:
    """A hint if vectors were stored in a different folder from the one that this process uses; None = in no folder."""
    if folder is None or folder == vector_folder().uri:
        return ""
    return (
        f" They were stored in {folder}, but {vector_folder().decided_by} says {vector_folder().uri}: use the same "
        "setting for every process."
    )


def _settled_vector_folder() -> VectorFolder:
    """As `vector_folder`, but ignoring what this program chose by hand."""
    if uri := os.environ.get(LANCEDB_VARIABLE):
        return VectorFolder(uri, f"the environment variable {LANCEDB_VARIABLE}")
    if os.environ.get(DIRECTORY_VARIABLE):
        return VectorFolder(str(data_directory() / "lancedb"), f"the environment variable {DIRECTORY_VARIABLE}")
    if uri := _saved_lancedb_uri():
        return VectorFolder(uri, f"FiftyOne's brain configuration {locate_brain_config()}")
    return VectorFolder(str(data_directory() / "lancedb"), "Labelscape's default")


def adopt_lancedb_uri() -> str:
    """Make LanceDB in this process use `vector_folder`; return its address."""
    _list_every_lancedb_table()
    folder = vector_folder()
    _adopted.add(folder.uri)
    fob.brain_config.similarity_backends["lancedb"]["uri"] = folder.uri
    return folder.uri


def check_vector_folder() -> None:
    """Raise a Refusal if a file has the path of the folder of vectors."""
    folder = vector_folder()
    if "://" not in folder.uri and Path(folder.uri).exists() and not Path(folder.uri).is_dir():
        raise Refusal(
            f"The embeddings cannot be read or stored: {folder.uri} is a file, not a folder. Move it away, or choose "
            f"another folder with {DIRECTORY_VARIABLE} (this one was decided by {folder.decided_by})."
        )


def persist_lancedb_uri() -> str:
    """As `adopt_lancedb_uri`, for every later process too, through FiftyOne's brain configuration file.

    A similarity run does not store its URI: without the setting, another process would look for the vectors
    in FiftyOne's default folder and find none. A folder that is written there already stays.
    """
    uri = adopt_lancedb_uri()
    if _saved_lancedb_uri() is None and LANCEDB_VARIABLE not in os.environ:
        path = Path(locate_brain_config())
        config = json.loads(path.read_text()) if path.is_file() else {}
        config.setdefault("similarity_backends", {}).setdefault("lancedb", {})["uri"] = uri
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}.tmp")
        scratch.write_text(json.dumps(config, indent=4))
        scratch.replace(path)
    return uri


def _saved_lancedb_uri() -> str | None:
    path = Path(locate_brain_config())
    config = json.loads(path.read_text()) if path.is_file() else {}
    uri: str | None = config.get("similarity_backends", {}).get("lancedb", {}).get("uri")
    return uri


def _list_every_lancedb_table() -> None:
    """Make LanceDB list more than ten tables to FiftyOne.

    FiftyOne's adapter looks a table up in `table_names()`, which returns only ten by default (lancedb issue
    3914): from the eleventh embeddings on, FiftyOne would find none (fiftyone-brain 0.25; fixed after it).
    """
    from lancedb.db import LanceDBConnection

    table_names = LanceDBConnection.table_names
    if inspect.signature(table_names).parameters["limit"].default is None:
        return

    @functools.wraps(table_names)
    def every_table_name(
        self: Any, page_token: str | None = None, limit: int | None = None, **options: Any
    ) -> list[str]:
        return list(table_names(self, page_token, _ALL_TABLES if limit is None else limit, **options))

    every_table_name.__signature__ = inspect.signature(table_names).replace(  # type: ignore[attr-defined]
        parameters=[
            parameter.replace(default=None) if parameter.name == "limit" else parameter
            for parameter in inspect.signature(table_names).parameters.values()
        ]
    )
    LanceDBConnection.table_names = every_table_name
