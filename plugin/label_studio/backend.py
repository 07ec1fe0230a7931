"""Calls to the Labelscape backend, with its secret.

Nothing from the user's session is sent except the user's identity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings

_SECONDS = 60.0  # an answer may take a while if the backend is computing suggestions
_CONNECT_SECONDS = 3.0
_SECRET_HEADER = "X-Labelscape-Secret"
_OTHER_SECRET = (
    "The Labelscape backend has another secret than this Label Studio, so nothing was done. An administrator can fix "
    "it: restart Label Studio with “labelscape label-studio”, or with the LABELSCAPE_SECRET of the backend."
)
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
    def refusal(self) -> str:
        """Why it did not."""
        return str(self.document.get("detail") or f"The Labelscape backend answered with status {self.status}.")


def call(method: str, project: int, path: str, body: Mapping[str, Any] | None = None) -> Answer:
    """Call a route of the actions API; a backend that is down (503) or busy (504) is an answer, never an exception."""
    url = f"{settings.LABELSCAPE_SERVER}/v1/projects/{project}/{path}"
    try:
        answer = requests.request(
            method,
            url,
            json=body,
            headers={_SECRET_HEADER: settings.LABELSCAPE_SECRET},
            timeout=(_CONNECT_SECONDS, _SECONDS),
            allow_redirects=False,
        )
        document = answer.json()
    except requests.ReadTimeout:
        return Answer(504, {"detail": _BUSY})  # a dialog does not repeat its preview: the backend is still at work
    except requests.RequestException:  # includes an answer that is no JSON
        return Answer(503, {"detail": _away()})
    if answer.status_code == requests.codes.unauthorized:
        return Answer(502, {"detail": _OTHER_SECRET})
    if not isinstance(document, dict):
        return Answer(502, {"detail": _away()})
    return Answer(answer.status_code, document)


def _away() -> str:
    return "The Labelscape backend cannot be reached, so nothing was done. Is “labelscape serve” running?"
