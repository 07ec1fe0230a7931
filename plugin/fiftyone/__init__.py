"""Panels of the FiftyOne App."""
