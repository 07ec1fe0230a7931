"""The Django app: checks at startup what it hooks into, and reports what is missing instead of failing."""

import logging

from django.apps import AppConfig

_log = logging.getLogger(__name__)


class LabelscapeConfig(AppConfig):
    """Labelscape inside Label Studio."""

    name = __package__ or "labelscape_label_studio"
    label = "labelscape"
    verbose_name = "Labelscape"

    def ready(self) -> None:
        """Add the actions to the Data Manager, as far as this Label Studio has what they need."""
        from .hooks import check_hooks
        from .menu import register_actions

        missing = check_hooks()
        for sentence in missing.values():
            _log.warning("Labelscape: %s", sentence)
        if missing.keys() & {"actions", "permissions"}:
            return
        try:
            register_actions()
        except Exception:  # whatever another version of Label Studio raises: it starts without our actions
            _log.exception("Labelscape: the actions are not in the Data Manager.")
