"""The report of an action: its closing message, which Python and notebooks also show."""

from html import escape


class Report:
    """The result of an action; its ``repr`` is the closing message, however many IDs it contains."""

    def sentence(self) -> str:
        """Say what happened, in numbers."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.sentence()

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.sentence())}</p>"
