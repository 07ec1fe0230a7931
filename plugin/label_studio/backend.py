"""Calls to the Labelscape backend, with its secret.

Nothing from the user's session is sent except the user's identity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings
from urllib3.exceptions import MaxRetryError

_SECONDS = 60.0  # an answer may take a while if the backend is computing suggestions
_CONNECT_SECONDS = 3.0
_SECRET_HEADER = "X-Labelscape-Secret"
KEY_HEADER = "Idempotency-Key"  # makes a start safe to repeat: with the same key, it is the same job
_OTHER_SECRET = (
    "The Labelscape backend and this Label Studio have different secrets, so nothing was done. An administrator can "
    "fix it: restart Label Studio with “labelscape label-studio”, or with the LABELSCAPE_SECRET of the backend."
)
_LOST = "The connection to the Labelscape backend broke before it answered."
_BUSY = f"The Labelscape backend is busy: it has not answered for {_SECONDS:.0f} s. Try again in a minute."


@dataclass(frozen=True)
class Answer:
    """The status of the backend's answer, and the JSON object in it; a refusal has a “detail”."""

    status: int
    document: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the backend did what was requested."""
        return self.status < 400

    @property
    def lost(self) -> bool:
        """Whether the backend may have done what was requested although it did not answer, or may do it soon."""
        return self.status in (503, 504)

    @property
    def refusal(self) -> str:
        """Why it did not."""
        return str(self.document.get("detail") or f"The Labelscape backend answered with status {self.status}.")


def call(method: str, project: int, path: str, body: Mapping[str, Any] | None = None, *, key: str = "") -> Answer:
    """Call a route of the actions API; a backend that is down (503) or busy (504) is an answer, never an exception.

    ``key``: with it, a start that is repeated returns the job that it started first.
    """
    url = f"{settings.LABELSCAPE_SERVER}/v1/projects/{project}/{path}"
    headers = {_SECRET_HEADER: settings.LABELSCAPE_SECRET, **({KEY_HEADER: key} if key else {})}
    try:
        answer = requests.request(
            method,
            url,
            json=body,
            headers=headers,
            timeout=(_CONNECT_SECONDS, _SECONDS),
            allow_redirects=False,
        )
        document = answer.json()
    except requests.ReadTimeout:
        return Answer(504, {"detail": _BUSY})  # a dialog does not repeat its preview: the backend is still at work
    except requests.RequestException as error:  # includes an answer that is no JSON
        return Answer(503, {"detail": _away() if _never_connected(error) else _lost(key)})
    if answer.status_code == requests.codes.unauthorized:
        return Answer(502, {"detail": _OTHER_SECRET})
    if not isinstance(document, dict):
        return Answer(502, {"detail": _away()})
    return Answer(answer.status_code, document)


def _lost(key: str) -> str:
    return f"{_LOST} {'Check whether the action was done before you try again.' if key else 'Try again.'}"


def _never_connected(error: requests.RequestException) -> bool:
    return bool(error.args) and isinstance(error.args[0], MaxRetryError)


def _away() -> str:
    return "The Labelscape backend cannot be reached, so nothing was done. Is “labelscape serve” running?"
