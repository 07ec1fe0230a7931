"""Identify the process that holds a claim which only one may hold at a time, and whether it still runs."""

import os
import socket
from collections.abc import Mapping
from typing import Any


def this_process() -> dict[str, Any]:
    """What identifies this process, as JSON."""
    return {"host": socket.gethostname(), "process": os.getpid()}


def is_this_process(holder: Mapping[str, Any]) -> bool:
    """Whether a holder is this very process."""
    return holder.get("host") == socket.gethostname() and holder.get("process") == os.getpid()


def has_ended(holder: Mapping[str, Any]) -> bool:
    """Whether a holder is a process of this machine that no longer runs; of other machines that is unknown."""
    if holder.get("host") != socket.gethostname():
        return False
    try:
        os.kill(holder["process"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
