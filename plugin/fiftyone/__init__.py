"""What people see inside FiftyOne's App: the panels."""

from .model_metrics import ModelMetrics
from .panel import DataExplorer

PANELS: list[type] = [DataExplorer, ModelMetrics]
