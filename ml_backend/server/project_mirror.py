"""The mirror of a served project, opened again when the project's label config or its label fields change."""

from collections.abc import Mapping
from typing import Any

import fiftyone as fo
import structlog

from ..label_studio.mirror import Mirror, open_mirror
from ..label_studio.settings import ServerSettings

_log = structlog.get_logger(__name__)


class ProjectMirror:
    """Opens the mirror of one project; ``opened`` is None before, and while it cannot be."""

    def __init__(self, project: int, settings: ServerSettings) -> None:
        self.opened: Mirror | None = None
        self._project = project
        self._settings = settings
        self._created_at = ""

    def open(self, info: Mapping[str, Any]) -> Mirror:
        """The mirror of the project as Label Studio describes it.

        Raises:
            Refusal: it cannot be opened, see `open_mirror`.
        """
        created_at = str(info.get("created_at") or "")
        if self.opened is not None and not (created_at == self._created_at and self._is_there(self.opened)):
            self.opened = None  # even where it cannot be opened again
        if self.opened is None or self.opened.label_config != info["label_config"]:
            settings = self._settings
            self.opened = open_mirror(
                settings.url,
                self._project,
                info["label_config"],
                settings.annotation,
                settings.cut,
                created_at=created_at,
            )
            self._created_at = created_at
            for notice in self.opened.notices:
                _log.warning("label_config_changed", project=self._project, notice=notice)
        return self.opened

    def is_current(self) -> bool:
        """Whether the mirror is open, and its label fields are where it looks for them."""
        return self.opened is not None and self._is_there(self.opened)

    def _is_there(self, mirror: Mirror) -> bool:
        if not fo.dataset_exists(mirror.dataset.name):
            return False
        if not mirror.is_in_place:
            mirror.dataset.reload()
            return False
        return True
