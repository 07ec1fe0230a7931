"""How every operator of the menu runs: target, live progress, cancellation, closing message, errors as sentences."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.errors import Cancelled, Refusal
from ..ml_backend.progress import Progress
from ..ml_backend.store.existence import refusing_if_deleted
from .jobs import Job, NextStep, Outcome, jobs_of

__all__ = [
    "PLUGIN",
    "LabelscapeOperator",
    "NextStep",
    "Outcome",
    "Progress",
    "chosen_target",
    "show_outcome",
    "target_view",
]

PLUGIN = "@labelscape/data-explorer"
PANEL = "data_explorer"
SECONDS_IN_THE_FORM = 1.5  # a shorter run finishes in the form; a longer one continues in the panel
_UNEXPECTED = "Internal error: the server's log has the details."
_SECONDS_BETWEEN_STOP_CHECKS = 2.0


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
    queued = True  # whether a long run takes its turn in the dataset's queue; quick actions never wait
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
        """The form, or why it cannot be shown."""
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
        """For the App, run in the dataset's queue; for a delegated run or a script, only return the message."""
        return self._run_for_app(ctx) if _asked_by_app(ctx) else self._run_plainly(ctx)

    def _run_here(self, ctx: Any, progress: Progress) -> Outcome:
        if ctx.dataset is None:
            raise Refusal("Open a dataset first.")
        with refusing_if_deleted(ctx.dataset):
            return self.run(ctx, progress)

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
            return {"message": self._run_here(ctx, progress).message}
        except Refusal as refusal:  # scripts and queued runs expect a plain ValueError
            raise ValueError(str(refusal)) from None

    def _run_for_app(self, ctx: Any) -> Iterator[Any]:
        """Run in the background: no dialog blocks the App, and a long run reports in the panel."""
        title = self.label.removeprefix("Labelscape: ").capitalize()

        def work(progress: Progress) -> Outcome:
            return self._run_here(ctx, progress)

        if not (self.delegable and self.queued):
            job = Job(title, work, by_operator=True, in_call=True)
            with nullcontext() if ctx.dataset is None else jobs_of(ctx.dataset).listed(job):
                job.run()
            yield from _close(ctx, job)
            return
        queue = jobs_of(ctx.dataset)
        job = queue.start(title, work, by_operator=True)
        if job.wait(SECONDS_IN_THE_FORM):
            if job.claim():
                yield from _close(ctx, job)
            return
        yield ctx.ops.open_panel(PANEL, layout="horizontal")
        watching = queue.watching()
        for panel_id in watching:
            yield ctx.ops.patch_panel_data({"job_started": job.id}, panel_id=panel_id)
        if watching:
            return  # they show it, and the App's own message would lie over its Stop button
        state = "is running" if job.status == "running" else "is waiting for the previous job"
        yield ctx.ops.notify(f"“{title}” {state}. Progress, Stop, and the result are in the Data explorer panel.")


def target_view(ctx: Any) -> fo.core.collections.SampleCollection:
    """The selection, else the view (a lasso in the Embeddings panel is the view), else the dataset."""
    if chosen_target(ctx) is None and ctx.selected:
        return ctx.view.select(ctx.selected)
    return ctx.target_view()


def chosen_target(ctx: Any) -> str | None:
    """The target chosen in the form; FiftyOne (1.22) moves it from the parameters to the request."""
    chosen = ctx.params.get("view_target") or ctx.request_params.get("view_target")
    return None if chosen is None else str(chosen)


def show_outcome(ctx: Any, outcome: Outcome) -> Iterator[Any]:
    """Make the App reload and show what a run has changed."""
    if outcome.reload_dataset:
        yield ctx.ops.reload_dataset()
    if outcome.reload_samples:
        yield ctx.ops.reload_samples()
    if outcome.view is not None:
        yield ctx.ops.set_view(view=outcome.view)
    if outcome.shown_fields:
        yield ctx.ops.set_active_fields([*dict.fromkeys([*(ctx.active_fields or []), *outcome.shown_fields])])


def _close(ctx: Any, job: Job) -> Iterator[Any]:
    """Show what a finished job did: its next steps in a dialog, or else its message in a notification."""
    if job.outcome is not None:
        yield from show_outcome(ctx, job.outcome)
        if job.outcome.next_steps:
            yield ctx.ops.show_output(*_closing_window(job.outcome))
        else:
            yield ctx.ops.notify(job.outcome.message, variant="success")
    elif job.status == "cancelled":
        yield ctx.ops.notify(f"“{job.title}” was stopped.", variant="info")
    elif isinstance(job.error, ValueError):  # not every action raises a Refusal for user errors yet
        yield ctx.ops.notify(str(job.error), variant="error")
    elif job.error is not None:
        yield ctx.ops.notify(_UNEXPECTED, variant="error")


def _closing_window(result: Outcome) -> tuple[dict[str, Any], dict[str, Any]]:
    """The App's form with the closing message and a button for each next step, and its (empty) data."""
    outputs = types.Object()
    outputs.view("message", types.Notice(label=result.message))
    for number, step in enumerate(result.next_steps):
        outputs.btn(
            f"step_{number}", step.label, on_click=f"{PLUGIN}/{step.operator}", prompt=True, params=dict(step.params)
        )
    return types.Property(outputs, view=types.View(label="What next?")).to_json(), {}


def _asked_by_app(ctx: Any) -> bool:
    """Whether the App is waiting for this run: only its HTTP requests contain the operator's URI (1.22)."""
    return not ctx.delegated and "operator_uri" in ctx.request_params


def _was_cancelled(ctx: Any) -> bool:
    """Whether the user marked this delegated run as failed on FiftyOne's Runs page."""
    from fiftyone.operators.delegated import DelegatedOperationService

    operation_id = ctx._delegated_operation_id
    if operation_id is None:
        return False
    return bool(DelegatedOperationService().get(operation_id).run_state == "failed")
