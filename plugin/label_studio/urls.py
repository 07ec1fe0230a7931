"""Label Studio's own addresses, and ours below /labelscape/."""

from importlib import import_module

from django.conf import settings
from django.urls import path

from . import bulk, views

_HERE = "labelscape/api/projects/<int:number>"

urlpatterns = [
    path("labelscape/labelscape.js", views.script, name="labelscape-script"),
    path(f"{_HERE}/description", views.description),
    path(f"{_HERE}/map", views.project_map),
    path(f"{_HERE}/next", views.next_best),
    path(f"{_HERE}/tasks/<int:task>/neighbors", views.neighbors),
    path(f"{_HERE}/jobs/<str:job>", views.job),
    path(f"{_HERE}/actions/<str:name>", views.start),
    path(f"{_HERE}/actions/<str:name>/preview", views.preview),
    path(f"{_HERE}/bulk", bulk.hello),
    path(f"{_HERE}/bulk/predictions", bulk.predictions),
    path(f"{_HERE}/bulk/data", bulk.data),
    *import_module(settings.LABELSCAPE_STOCK["urls"]).urlpatterns,
]
