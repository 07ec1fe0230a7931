"""The entries of the FiftyOne operator menu, one file an action."""

OPERATORS: list[type] = []
