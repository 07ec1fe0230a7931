"""What a browser shows, frame by frame, and when an element shows its result: for `benchmarks/panel.py`."""

import base64
import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np

WIDTH, HEIGHT = 1600, 1000  # of the browser's window, pixels
_DIFFERENT = 24  # of 255: more than a JPEG's noise


class Cast:
    """The browser's screencast: what the user sees of an element, frame by frame, with the time of each."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        self._frames: list[tuple[float, str]] = []
        self._session.on("Page.screencastFrame", self._keep)

    def _keep(self, event: dict[str, Any]) -> None:
        self._frames.append((event["metadata"]["timestamp"], event["data"]))
        self._session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record while the block runs."""
        self._frames.clear()
        # At half the size, because encoding takes processor time; every frame, because the one with the result may be
        # the last for a while.
        settings = {"format": "jpeg", "quality": 90, "maxWidth": WIDTH // 2, "maxHeight": HEIGHT // 2}
        self._session.send("Page.startScreencast", settings)
        self._page.wait_for_timeout(500)
        yield
        self._session.send("Page.stopScreencast")

    def pictures(self, selector: str) -> list[tuple[float, np.ndarray]]:
        """Time and pixels of an element in each frame."""
        box = self._page.locator(selector).bounding_box()
        left, top, width, height = (round(box[side] / 2) for side in ("x", "y", "width", "height"))
        area = np.s_[top : top + height, left : left + width]
        found = []
        for moment, data in sorted(self._frames):
            whole = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
            found.append((moment, whole[area].astype(np.int16)))
        return found


def points_visible(pictures: list[tuple[float, np.ndarray]]) -> float:
    """When half of the pixels that show points in the end first show points to stay; NaN if never.

    Before, half of them showed the background, or another panel or map.
    """
    ground = np.median(pictures[-1][1], axis=(0, 1))
    points = np.abs(pictures[-1][1] - ground).max(-1) > _DIFFERENT
    shares = [(at, (np.abs(picture[points] - ground).max(-1) > _DIFFERENT).mean()) for at, picture in pictures]
    away = itertools.dropwhile(lambda frame: frame[1] > 0.5, shares)
    return next((at for at, share in away if share > 0.5), math.nan)


def at_rest(pictures: list[tuple[float, np.ndarray]]) -> float:
    """Since when the picture looks as it does in the end, except for one pixel in fifty."""
    moment = pictures[-1][0]
    for at, picture in reversed(pictures):
        if (np.abs(picture - pictures[-1][1]).max(-1) > _DIFFERENT).mean() > 0.02:
            break
        moment = at
    return moment
