"""The base of both panels: a component in the App, and functions that answer its calls."""

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import fiftyone.operators as foo
from fiftyone.operators import types

from ...ml_backend.errors import Refusal

_log = logging.getLogger(__name__)
Answer = dict[str, Any]
Method = Callable[[Any], Answer]  # takes FiftyOne's context, returns the answer for the front end


class ComponentPanel(foo.Panel):
    """A panel whose front end is a component of ours; its methods are functions of the call's context."""

    panel_name: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str]
    description: ClassVar[str]
    component: ClassVar[str]
    category: ClassVar[foo.Categories] = foo.Categories.CURATE
    methods: ClassVar[Mapping[str, Method]]

    @property
    def config(self) -> foo.PanelConfig:
        """How the App lists the panel."""
        config = foo.PanelConfig(
            name=self.panel_name,
            label=self.label,
            icon=self.icon,
            help_markdown=self.description,
            category=self.category,
            surfaces="grid",
        )
        # PanelConfig (1.22) accepts neither; without a risk level, the panel would count as dangerous.
        config.description = self.description
        config._risk_level = types.RiskLevel.MEDIUM
        return config

    def render(self, ctx: Any) -> types.Property:
        """The component, with the address of each method."""
        addresses = {name: self.method_to_uri(name) for name in self.methods}
        view = types.View(component=self.component, composite_view=True, **addresses)
        return types.Property(types.Object(), view=view)

    def __getattr__(self, name: str) -> Method:
        methods = type(self).__dict__.get("methods") or {}
        if name not in methods:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        method: Method = methods[name]
        return method


def answer_errors(work: Callable[..., Answer]) -> Callable[..., Answer]:
    """Answer ``{"error": sentence}`` if something goes wrong: a refusal as it is, a bug without its location."""

    @functools.wraps(work)
    def answer(*arguments: Any) -> Answer:
        try:
            return work(*arguments)
        except Refusal as refusal:
            return {"error": str(refusal)}
        except Exception as error:
            name = work.__name__.strip("_")
            _log.exception("The panel could not answer %s", name)
            return {"error": f"“{name}” failed with an internal error ({type(error).__name__}); see the server's log."}

    return answer


def open_dataset(ctx: Any) -> Any:
    """The dataset of a call.

    Raises:
        Refusal: none is open.
    """
    if ctx.dataset is None:
        raise Refusal("Open a dataset first.")
    return ctx.dataset
