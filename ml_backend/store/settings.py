"""Where Labelscape keeps what does not fit into MongoDB, and how FiftyOne is told about it."""

import json
import os
from pathlib import Path

import fiftyone.brain as fob
import fiftyone.constants as foc
from fiftyone.brain.config import locate_brain_config

DEFAULT_BACKEND = "lancedb"
DIRECTORY_VARIABLE = "LABELSCAPE_DIR"


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
