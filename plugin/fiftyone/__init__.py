"""What users see inside FiftyOne's App: the panels."""

from .explorer.panel import DataExplorer
from .metrics.panel import ModelMetrics

PANELS: list[type] = [DataExplorer, ModelMetrics]
