"""What an act reports: its closing message, which is also what Python and a notebook show of it."""

from html import escape


class Report:
    """The result of an act; its ``repr`` is its closing message, however many ids it holds."""

    def sentence(self) -> str:
        """Say in numbers what happened."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.sentence()

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.sentence())}</p>"
