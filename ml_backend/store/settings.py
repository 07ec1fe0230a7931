"""Where Labelscape keeps what does not fit into MongoDB, and how FiftyOne is told about it."""

import functools
import inspect
import json
import os
from pathlib import Path
from typing import Any

import fiftyone.brain as fob
import fiftyone.constants as foc
from fiftyone.brain.config import locate_brain_config

DEFAULT_BACKEND = "lancedb"
DIRECTORY_VARIABLE = "LABELSCAPE_DIR"
_ALL_TABLES = 2**31 - 1


def data_directory() -> Path:
    """Folder of the vector tables, trained heads and neighbor tables.

    ``$LABELSCAPE_DIR``, or ``labelscape`` inside FiftyOne's own configuration folder.
    """
    return Path(os.environ.get(DIRECTORY_VARIABLE) or Path(foc.FIFTYONE_CONFIG_DIR) / "labelscape")


def lancedb_uri() -> str | None:
    """The folder of LanceDB tables in this process; None = FiftyOne's default, which is in ``/tmp``."""
    uri: str | None = fob.brain_config.similarity_backends["lancedb"].get("uri")
    return uri


def adopt_lancedb_uri() -> str:
    """Give LanceDB in this process a folder that survives a reboot, unless the user chose one; return it."""
    _list_every_lancedb_table()
    uri = lancedb_uri() or _saved_lancedb_uri() or str(data_directory() / "lancedb")
    fob.brain_config.similarity_backends["lancedb"]["uri"] = uri
    return uri


def persist_lancedb_uri() -> str:
    """As `adopt_lancedb_uri`, for every later process too, through FiftyOne's brain configuration file.

    A similarity run does not store its URI: without the setting, another process would look for the vectors
    in FiftyOne's default folder and find none.
    """
    uri = adopt_lancedb_uri()
    if _saved_lancedb_uri() is None and "FIFTYONE_BRAIN_SIMILARITY_LANCEDB_URI" not in os.environ:
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
    """Make LanceDB name more than ten tables to FiftyOne.

    FiftyOne's adapter looks a table up in `table_names()`, which stops at ten unless told otherwise (lancedb issue
    3914): from the eleventh embeddings on, FiftyOne would find none (fiftyone-brain 0.25; mended after it).
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
