"""Settings with which Label Studio (1.23) loads the app: its own, and ours on top of them.

``DJANGO_SETTINGS_MODULE`` names this module. The order of the two star imports is Label Studio's own.
"""

import os
from typing import Any

from core.settings.base import *  # noqa: F403
from core.settings.label_studio import *  # noqa: F403

_STOCK: dict[str, Any] = globals()

INSTALLED_APPS = [*_STOCK["INSTALLED_APPS"], f"{__package__}.apps.LabelscapeConfig"]
MIDDLEWARE = [*_STOCK["MIDDLEWARE"], f"{__package__}.page.PanelScript"]
ROOT_URLCONF = f"{__package__}.urls"

LABELSCAPE_SERVER = os.environ.get("LABELSCAPE_SERVER", "http://127.0.0.1:9090").rstrip("/")
LABELSCAPE_SECRET = os.environ.get("LABELSCAPE_SECRET", "")
