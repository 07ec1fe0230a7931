"""Watch FiftyOne's MongoDB: whether it answers, and reconnect when it does not."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import fiftyone as fo
import fiftyone.core.odm.database as odm
import pymongo
import structlog
from mongoengine.connection import ConnectionFailure as NotConnected
from pymongo.errors import ConnectionFailure, InvalidOperation, PyMongoError

_LOOK_SECONDS = 2.0
_ANSWER_SECONDS = 3.0
_PORT_VARIABLE = "FIFTYONE_PRIVATE_DATABASE_PORT"

# Errors that occur while MongoDB is unavailable or being reconnected; other errors are the work's own.
DATABASE_AWAY = (ConnectionFailure, InvalidOperation, NotConnected)

_log = structlog.get_logger(__name__)


class Database:
    """Watches MongoDB from a separate thread, and reconnects after it was unavailable.

    All other threads ask `available` before they touch FiftyOne: only one thread may connect, because FiftyOne (1.22)
    remembers a failed start of its own MongoDB as “localhost:27017”, which may be somebody else's.
    """

    def __init__(self, check: Callable[[], None] | None = None) -> None:
        """Set up the watch.

        Args:
            check: raises where MongoDB does not answer; by default connects FiftyOne and pings its MongoDB.
        """
        self._check = check or FiftyOneConnection().check
        self._problem = "MongoDB has not responded yet."
        self._since = time.time()
        self._known = threading.Event()
        self._look_now = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="labelscape-database", daemon=True)

    @property
    def available(self) -> bool:
        """Whether MongoDB answered the last check, a few seconds ago at most."""
        return not self._problem

    @property
    def problem(self) -> str:
        """Why MongoDB cannot be used, in a sentence; "" if it can."""
        return self._problem

    @property
    def since(self) -> float:
        """When MongoDB last became available or unavailable, in Unix time."""
        return self._since

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; returns at once."""
        self._stopping.set()
        self._look_now.set()

    def wait_until_known(self, seconds: float) -> bool:
        """Wait until MongoDB has responded or failed for the first time; False if that takes longer."""
        return self._known.wait(seconds)

    def suspect(self) -> None:
        """Work failed with an error from MongoDB: it counts as unavailable until it responds again."""
        self._note("The connection to MongoDB was lost during work.")
        self._look_now.set()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._look_now.clear()
            try:
                self._check()
            except Exception as error:  # whatever FiftyOne, its service, or pymongo raises: check again later
                self._note(_sentence(error))
            else:
                self._note("")
            self._known.set()
            self._look_now.wait(_LOOK_SECONDS)

    def _note(self, problem: str) -> None:
        before, self._problem = self._problem, problem
        if bool(before) == bool(problem) and self._known.is_set():
            return
        self._since = time.time()
        if problem:
            _log.error("database_away", reason=problem)
        else:
            _log.info("database_answers")


class FiftyOneConnection:
    """Connects FiftyOne to its MongoDB, and reconnects when FiftyOne (1.22) itself would not."""

    def __init__(self) -> None:
        self._complete = False

    def check(self) -> None:
        """Connect if there is no connection, and ping MongoDB.

        Raises:
            Exception: MongoDB cannot be started or does not answer.
        """
        # FiftyOne (1.22) waits 30 s for a MongoDB that does not answer; there is no public setting for this.
        odm._connection_kwargs.setdefault("serverSelectionTimeoutMS", int(_ANSWER_SECONDS * 1000))
        try:
            client = odm.get_db_conn().client
            with pymongo.timeout(_ANSWER_SECONDS):
                client.admin.command("ping")
            self._complete = True
        except Exception:
            self._begin_anew()
            raise

    def _begin_anew(self) -> None:
        """Make the next `check` connect from scratch, because the client cannot reconnect by itself.

        It can where an address was given and connecting was completed once. FiftyOne's own MongoDB comes back at
        another port, if it is started at all; and a first connection that failed leaves FiftyOne half connected.
        """
        own = fo.config.database_uri is None
        if self._complete and not own:
            return
        self._complete = False
        odm._disconnect()
        if not own:
            return
        if odm._db_service is not None:
            with suppress(OSError):
                odm._db_service.stop()
        odm._db_service = None
        odm._connection_kwargs.pop("port", None)
        os.environ.pop(_PORT_VARIABLE, None)


def _sentence(error: Exception) -> str:
    where = "FiftyOne's own MongoDB" if fo.config.database_uri is None else "The MongoDB of FIFTYONE_DATABASE_URI"
    kind = type(error).__name__ if isinstance(error, PyMongoError) else f"{type(error).__name__}: {error}"
    return f"{where} does not respond ({kind}). Events are kept, and processed when it is back."
