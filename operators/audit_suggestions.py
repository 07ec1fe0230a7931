"""Menu entry “Audit suggestions”: check a few confident ones to learn how many of all are right."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.audit import accept_audited, audit_result, start_audit
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from ..ml_backend.store.audits import load_audit
from .asking import ask_label_field, ask_patches, chosen_label_field, chosen_patches
from .running import LabelscapeOperator, Outcome

_TARGET = 0.9
_STEPS = {
    "result": "Show the result so far, and what is left to check",
    "accept": "Accept all audited suggestions",
    "begin": "Start a new audit and drop the one in progress",
}


class AuditSuggestions(LabelscapeOperator):
    """Check suggestions at random."""

    operator_name = "audit_suggestions"
    label = "Labelscape: audit suggestions"
    description = (
        "Check a few confident suggestions drawn at random to get a guarantee of how many of all of them are right"
    )
    icon = "fact_check"
    delegable = False
    queued = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the target of a new audit, or for the next step of the one in progress."""
        if load_audit(ctx.dataset) is None:
            _ask_target(ctx, inputs)
            return
        inputs.view("so_far", types.Notice(label=audit_result(ctx.dataset).sentence()))
        steps = types.RadioGroup()
        for name, text in _STEPS.items():
            steps.add_choice(name, label=text)
        inputs.enum("step", steps.values(), view=steps, default="result", label="Next step")
        if ctx.params.get("step") == "begin":
            _ask_target(ctx, inputs)
        elif ctx.params.get("step") == "accept" and not audit_result(ctx.dataset).reached:
            raise Refusal("The target is not guaranteed yet: check what is left, or start a new audit.")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Start an audit, or continue the one in progress."""
        step = ctx.params.get("step", "begin" if load_audit(ctx.dataset) is None else "result")
        if step == "begin":
            patches_field = chosen_patches(ctx)
            field = chosen_label_field(ctx, patches_field).name
            target = float(ctx.params.get("target", _TARGET))
            started = start_audit(ctx.dataset, target=target, field=field, patches_field=patches_field)
            return Outcome(started.sentence(), view=started.view, shown_fields=["suggested_label"])
        if step == "accept":
            return Outcome(accept_audited(ctx.dataset).sentence())
        result = audit_result(ctx.dataset)
        return Outcome(result.sentence(), view=result.view if result.left else None)


def _ask_target(ctx: Any, inputs: types.Object) -> None:
    patches_field = ask_patches(ctx, inputs, "Suggestions for")
    ask_label_field(ctx, inputs, patches_field)
    inputs.float(
        "target",
        default=_TARGET,
        min=0.5,
        max=0.99,
        label="Share that must be right",
        description="Draws 20 to 60 suggestions; for example, 0.9 is guaranteed if at most one of 46 is wrong",
    )
