"""The panel's state is newer the later it was asked for, whatever happened in between."""

from types import SimpleNamespace
from typing import Any

import pytest
from labelscape.operators.jobs import Job, Outcome
from labelscape.plugin.fiftyone.explorer.board import board_of
from labelscape.plugin.fiftyone.explorer.panel import sync


@pytest.fixture
def ctx(mapped_digits: Any) -> Any:
    """A panel on the digits that knows nothing yet."""
    asked: dict[str, Any] = {"params": {}, "request_params": {}}
    return SimpleNamespace(dataset=mapped_digits, view=mapped_digits.view(), panel_id="panel-1", ops=None, **asked)


def test_after_a_save_that_wrote_nothing_the_state_is_newer_than_during_it(ctx: Any) -> None:
    jobs = board_of(ctx.dataset).jobs
    before = sync(ctx)["state"]
    save = Job("Save", lambda progress: Outcome("Saved nothing."), in_call=True)
    save.listed_from = 0.0  # it has taken more than two seconds
    with jobs.listed(save):
        during = sync(ctx)["state"]
        ctx.params = {"revision": during["revision"]}
        assert sync(ctx) == {"unchanged": True}
    after = sync(ctx)["state"]
    assert [state["jobs"] for state in (before, after)] == [[], []]
    assert [job["title"] for job in during["jobs"]] == ["Save"]
    assert before["revision"] < during["revision"] < after["revision"]
