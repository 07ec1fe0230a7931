"""The vector databases that Labelscape drives itself, and the setting that chooses one for new embeddings."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import eta.core.utils as etau
import fiftyone.brain as fob

from ..errors import Refusal
from ..wording import listing
from . import milvus_table, pgvector_table, qdrant_table
from .backend_table import BackendTable
from .lance_table import LanceTable, LanceTables
from .milvus_table import MilvusTable, MilvusTables
from .pgvector_table import PgvectorTable, PgvectorTables
from .qdrant_table import QdrantTable, QdrantTables
from .settings import DEFAULT_BACKEND
from .vector_table import VectorTable

BACKEND_VARIABLE = "LABELSCAPE_VECTORS"
_NAME_LIMIT = 63  # bytes of a name in PostgreSQL


class Tables(Protocol):
    """The tables of one database, no matter which dataset they belong to."""

    def names(self) -> list[str]:
        """The names of all tables."""

    def copy(self, name: str, fresh: str) -> None:
        """Copy a table to a new name, if it exists."""

    def drop(self, name: str) -> None:
        """Drop a table."""


@dataclass(frozen=True)
class Backend:
    """A FiftyOne similarity backend that Labelscape drives itself.

    Attributes:
        place: what the configuration of its runs calls the table of vectors.
        table: the table behind FiftyOne's index.
        tables: connects to the database that FiftyOne's configuration names.
        address: FiftyOne's environment variable for its address; empty if it needs no server.
        separator: of the parts of a table's name.
    """

    place: str
    table: Callable[[Any], VectorTable]
    tables: Callable[[], Tables]
    address: str = ""
    separator: str = "-"


BACKENDS = {
    "lancedb": Backend("table_name", LanceTable, LanceTables),
    "pgvector": Backend("table_name", PgvectorTable, PgvectorTables, pgvector_table.ADDRESS),
    "milvus": Backend("collection_name", MilvusTable, MilvusTables, milvus_table.ADDRESS, "_"),
    "qdrant": Backend("collection_name", QdrantTable, QdrantTables, qdrant_table.ADDRESS),
}


def default_backend() -> str:
    """The backend for new embeddings: ``$LABELSCAPE_VECTORS``, else LanceDB.

    Raises:
        Refusal: the setting names no similarity backend of FiftyOne.
    """
    return check_backend(os.environ.get(BACKEND_VARIABLE) or DEFAULT_BACKEND)


def configured_backends() -> list[str]:
    """The backends to offer: the default, LanceDB, and those whose address FiftyOne's settings give.

    Those whose client is not installed are left out, except the default: its error says what to install.
    """
    known = fob.brain_config.similarity_backends
    placed = [name for name, settings in known.items() if _has_place(settings) and _has_client(settings)]
    chosen = os.environ.get(BACKEND_VARIABLE)
    # A setting that names no backend is refused when embeddings are computed, not when a form is shown.
    first = [chosen] if chosen in known else []
    usual = [DEFAULT_BACKEND] if DEFAULT_BACKEND in known else []
    return list(dict.fromkeys([*first, *usual, *sorted(placed)]))


def _has_place(settings: Mapping[str, Any]) -> bool:
    return any(value for name, value in settings.items() if name != "config_cls")


def _has_client(settings: Mapping[str, Any]) -> bool:
    try:
        backend = etau.get_class(str(settings.get("config_cls", "")).removesuffix("Config"))
        backend.ensure_requirements(object.__new__(backend))  # FiftyOne's own check, which looks at packages only
    except (ImportError, AttributeError, ValueError):  # no class is named, or none that exists
        return False
    return True


def check_backend(name: str) -> str:
    """Return the name if FiftyOne has a similarity backend of that name; raise a Refusal otherwise."""
    known = fob.brain_config.similarity_backends
    if name not in known:
        raise Refusal(f"'{name}' is not a similarity backend; choose one of: {listing(sorted(known))}")
    return name


def open_table(index: Any) -> VectorTable:
    """The table behind a FiftyOne similarity index."""
    backend = BACKENDS.get(index.config.method)
    return BackendTable(index) if backend is None else backend.table(index)


def place_of(backend: str, name: str) -> dict[str, str]:
    """The options of a new run that say where its vectors are; empty for a backend that FiftyOne drives."""
    if backend not in BACKENDS:
        return {}
    options = {BACKENDS[backend].place: name}
    if backend == "pgvector":  # names of indexes are unique in a schema, and FiftyOne's default is not
        options["index_name"] = f"{name}-i"[-_NAME_LIMIT:]
    return options


def no_server(backend: str, error: Exception) -> Refusal:
    """The refusal for a backend whose client or server cannot be reached."""
    known = BACKENDS.get(backend)
    if known is None or not known.address:
        return Refusal(f"The backend '{backend}' cannot be used: {error}")
    if isinstance(error, ImportError):
        return Refusal(f"The backend '{backend}' needs its client: pip install 'labelscape[{backend}]'.")
    return Refusal(
        f"The backend '{backend}' does not respond: start its server, and set {known.address} to its address."
    )
