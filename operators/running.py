"""How every operator of the menu runs: target, live progress, cancellation, closing message, errors as sentences."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.errors import Cancelled, Refusal

Progress = Callable[[float, str], None]  # narrower than `progress.Progress`, for actions that still require it
_log = logging.getLogger(__name__)
PLUGIN = "@labelscape/data-explorer"
_SECONDS_BETWEEN_REPORTS = 0.2
_SECONDS_WITHOUT_PROGRESS = 1.0  # a run shorter than this shows no progress window
_UNEXPECTED = "Internal error: the server's log has the details."
_SECONDS_BETWEEN_STOP_CHECKS = 2.0


@dataclass(frozen=True)
class NextStep:
    """A button under the closing message that opens another entry of the menu, its form filled in with ``params``."""

    label: str
    operator: str
    params: Mapping[str, Any] = dataclass_field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What an operator did: a closing sentence, what the App should reload and show, and possible next steps.

    ``shown_fields`` are added to the fields that the App shows on the thumbnails.
    """

    message: str
    reload_dataset: bool = False
    reload_samples: bool = False
    view: fo.DatasetView | None = None
    shown_fields: Sequence[str] = ()
    next_steps: Sequence[NextStep] = ()


class LabelscapeOperator(foo.Operator):
    """An operator that shows a form, runs one action, and closes with a message in numbers.

    A subclass has ``name``, ``label``, ``description``, ``icon`` and ``risk``; it defines `form` and `run`.
    A `Refusal` is shown as a sentence; any other error is logged and answered with “internal error”.
    """

    label: str
    description: str
    icon: str
    risk: RiskLevel = RiskLevel.MEDIUM
    operator_name: str
    delegable = True
    on_grid = False  # also a button above the samples grid

    @property
    def config(self) -> foo.OperatorConfig:
        """What FiftyOne shows of this operator in its menu."""
        return foo.OperatorConfig(
            name=self.operator_name,
            label=self.label,
            description=self.description,
            icon=self.icon,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=self.delegable,
            risk_level=self.risk,
        )

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Add the inputs to the form; a Refusal becomes a notice in it that blocks the run."""
        raise NotImplementedError

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Run the action."""
        raise NotImplementedError

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form, or the reason why it cannot be shown."""
        inputs = types.Object()
        try:
            if ctx.dataset is None:
                raise Refusal("Open a dataset first.")
            self.form(ctx, inputs)
        except ValueError as error:
            blocked = inputs.view("blocked", types.Error(label=self.label, description=str(error)))
            blocked.invalid = True
            blocked.error_message = str(error)
        return types.Property(inputs, view=types.View(label=self.label))

    def resolve_placement(self, ctx: Any) -> types.Placement | None:
        """A button above the samples grid, for actions on selected samples."""
        if not self.on_grid:
            return None
        button = types.Button(label=self.label, icon=self.icon, prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def execute(self, ctx: Any) -> Any:
        """Run with live progress for the App; for a queue worker or a script, only return the message."""
        return self._run_live(ctx) if _asked_by_app(ctx) else self._run_plainly(ctx)

    def _run_plainly(self, ctx: Any) -> dict[str, str]:
        last_report = 0.0

        def progress(fraction: float, message: str, /) -> None:
            nonlocal last_report
            now = time.monotonic()
            if now - last_report > _SECONDS_BETWEEN_STOP_CHECKS or fraction >= 1:
                last_report = now
                ctx.set_progress(progress=fraction, label=message)
                if _was_cancelled(ctx):
                    raise Cancelled

        try:
            return {"message": self.run(ctx, progress).message}
        except Refusal as refusal:  # scripts and queued runs expect a plain ValueError
            raise ValueError(str(refusal)) from None

    def _run_live(self, ctx: Any) -> Iterator[Any]:
        reports: queue.Queue[tuple[float, str]] = queue.Queue()
        stop = threading.Event()
        result: list[Outcome | BaseException] = []

        def progress(fraction: float, message: str, /) -> None:
            if stop.is_set():
                raise Cancelled
            reports.put((fraction, message))

        def work() -> None:
            try:
                result.append(self.run(ctx, progress))
            except BaseException as error:  # handed over to the generator's thread
                result.append(error)

        worker = threading.Thread(target=work, name=f"labelscape-{self.operator_name}", daemon=True)
        worker.start()
        begun = time.monotonic()
        shown = False
        try:
            while worker.is_alive():
                worker.join(_SECONDS_BETWEEN_REPORTS)
                latest = _drain(reports)
                if latest is not None and time.monotonic() - begun > _SECONDS_WITHOUT_PROGRESS:
                    yield ctx.ops.set_progress(progress=min(latest[0], 0.99), label=latest[1])
                    shown = True
        finally:
            stop.set()
        yield from _close(ctx, result[0], shown)


def target_view(ctx: Any) -> fo.core.collections.SampleCollection:
    """The selection, else the view (a lasso in the Embeddings panel is the view), else the dataset."""
    if ctx.params.get("view_target") is None and ctx.selected:
        return ctx.view.select(ctx.selected)
    return ctx.target_view()


def _close(ctx: Any, result: Outcome | BaseException, shown: bool) -> Iterator[Any]:
    """Show the result in the progress window if there is one, which stays until it is closed, else in a note."""
    if isinstance(result, Cancelled):
        return
    if isinstance(result, ValueError):  # not every action raises a Refusal for user errors yet
        if not isinstance(result, Refusal):
            _log.error("An operator failed", exc_info=result)
        yield from _say(ctx, str(result), "error", shown)
        return
    if isinstance(result, BaseException):
        yield from _say(ctx, _UNEXPECTED, "error", shown)
        raise result
    if result.reload_dataset:
        yield ctx.ops.reload_dataset()
    if result.reload_samples:
        yield ctx.ops.reload_samples()
    if result.view is not None:
        yield ctx.ops.set_view(view=result.view)
    if result.shown_fields:
        yield ctx.ops.set_active_fields([*dict.fromkeys([*(ctx.active_fields or []), *result.shown_fields])])
    if result.next_steps:
        yield ctx.ops.show_output(*_closing_window(result))
    else:
        yield from _say(ctx, result.message, "success", shown)


def _closing_window(result: Outcome) -> tuple[dict[str, Any], dict[str, Any]]:
    """The App's view of the closing message with a button for each next step, and the view's (empty) data."""
    outputs = types.Object()
    outputs.view("message", types.Notice(label=result.message))
    for number, step in enumerate(result.next_steps):
        outputs.btn(
            f"step_{number}", step.label, on_click=f"{PLUGIN}/{step.operator}", prompt=True, params=dict(step.params)
        )
    return types.Property(outputs, view=types.View(label="What next?")).to_json(), {}


def _say(ctx: Any, message: str, variant: str, shown: bool) -> Iterator[Any]:
    if shown:
        yield ctx.ops.set_progress(progress=1.0, label=message)
    else:
        yield ctx.ops.notify(message, variant=variant)


def _asked_by_app(ctx: Any) -> bool:
    """Whether the App is waiting for this run: only its HTTP requests contain the operator's URI (1.22)."""
    return not ctx.delegated and "operator_uri" in ctx.request_params


def _drain(reports: "queue.Queue[tuple[float, str]]") -> tuple[float, str] | None:
    latest = None
    while not reports.empty():
        latest = reports.get_nowait()
    return latest


def _was_cancelled(ctx: Any) -> bool:
    """Whether the user marked this delegated run as failed on FiftyOne's Runs page."""
    from fiftyone.operators.delegated import DelegatedOperationService

    operation_id = ctx._delegated_operation_id
    if operation_id is None:
        return False
    return bool(DelegatedOperationService().get(operation_id).run_state == "failed")
