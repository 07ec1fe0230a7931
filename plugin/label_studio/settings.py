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
LABELSCAPE_SERVER = os.environ.get("LABELSCAPE_SERVER", "http://127.0.0.1:9090").rstrip("/")
LABELSCAPE_SECRET = os.environ.get("LABELSCAPE_SECRET", "")

LABELSCAPE_STOCK = {
    "urls": _STOCK["ROOT_URLCONF"],
    "columns": _STOCK.get("DATA_MANAGER_GET_ALL_COLUMNS", ""),
    "filters": _STOCK.get("DATA_MANAGER_CUSTOM_FILTER_EXPRESSIONS", ""),
}
ROOT_URLCONF = f"{__package__}.urls"
if all(LABELSCAPE_STOCK.values()):  # else another version does this otherwise, and `hooks` says so
    DATA_MANAGER_GET_ALL_COLUMNS = f"{__package__}.columns.all_columns"
    DATA_MANAGER_CUSTOM_FILTER_EXPRESSIONS = f"{__package__}.columns.filter_expression"
