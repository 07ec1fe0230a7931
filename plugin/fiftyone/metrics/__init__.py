"""The panel `model_metrics`: labels against predictions, and from their confusions to segments."""
