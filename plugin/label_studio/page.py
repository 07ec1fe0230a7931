"""The middleware that adds the panel script to the pages of projects, and leaves every other page as it is."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

_END = b"</body>"
_log = logging.getLogger(__name__)


class PanelScript:
    """Adds one ``<script>`` to HTML pages below /projects/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; whatever goes wrong here, the page is Label Studio's own."""
        response = self._get_response(request)
        try:
            self._add(request, response)
        except Exception:
            _log.exception("Labelscape: its script was not added to the page.")
        return response

    def _add(self, request: HttpRequest, response: HttpResponse) -> None:
        if not request.path_info.startswith("/projects") or response.streaming or response.status_code != 200:
            return
        if not response.headers.get("Content-Type", "").startswith("text/html") or response.has_header(
            "Content-Encoding"
        ):
            return
        place = response.content.rfind(_END)
        if place < 0 or not request.user.is_authenticated:
            return
        nonce = getattr(request, "csp_nonce", None) or ""
        address = reverse("labelscape-script")
        tag = format_html('<script defer src="{}" data-labelscape nonce="{}"></script>', address, nonce)
        response.content = response.content[:place] + str(tag).encode() + response.content[place:]
        if response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
