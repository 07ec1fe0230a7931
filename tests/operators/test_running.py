"""How operators run for the App: with progress, a Stop button that works, and a closing message that is shown."""

import threading
import time
from types import SimpleNamespace

import fiftyone as fo
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.operators import running
from labelscape.operators.jobs import jobs_of
from labelscape.operators.running import LabelscapeOperator, NextStep, Outcome


class Ops:
    """The App's side: what it is asked to show."""

    def __getattr__(self, name):
        return lambda *args, **params: (name, args, params)


@pytest.fixture
def ctx(make_digits_dataset):
    request = {"operator_uri": "x"}
    return SimpleNamespace(delegated=False, request_params=request, ops=Ops(), dataset=make_digits_dataset(1))


def operator(work):
    made = LabelscapeOperator.__new__(LabelscapeOperator)
    made.operator_name, made.label = "test", "Labelscape: do things"
    made.run = lambda ctx, progress: work(progress)
    return made


def test_quick_work_ends_with_a_note(ctx):
    said = list(operator(lambda progress: Outcome("Did 3 things.", reload_samples=True)).execute(ctx))
    assert [name for name, _, _ in said] == ["reload_samples", "notify"]
    assert said[-1][1] == ("Did 3 things.",)


def ended(job, seconds=10):
    assert job.wait(seconds)
    return job


def test_long_work_leaves_the_app_free_and_reports_in_the_panel(ctx, monkeypatch):
    monkeypatch.setattr(running, "SECONDS_IN_THE_FORM", 0.05)
    reported, go_on = threading.Event(), threading.Event()

    def work(progress):
        progress(0.5, "halfway")
        reported.set()
        go_on.wait(120)
        return Outcome("Did 5 steps.", next_steps=[NextStep("Do more …", "more")])

    queue = jobs_of(ctx.dataset)
    queue.watch("panel-7")
    said = list(operator(work).execute(ctx))
    assert [name for name, _, _ in said] == ["open_panel", "patch_panel_data"]  # no message over its Stop button
    assert said[1][2] == {"panel_id": "panel-7"}
    assert reported.wait(60)
    (job,) = queue.listing()
    assert job.describe() | {"id": "", "steps": []} == {
        "id": "",
        "title": "Do things",
        "progress": 0.5,
        "status": "running",
        "message": "halfway",
        "cancellable": True,
        "steps": [],
        "by_operator": True,
        "in_call": False,
        "why": "",
    }
    go_on.set()
    described = ended(job).describe()
    assert (described["status"], described["message"], described["steps"]) == ("done", "Did 5 steps.", ["Do more …"])
    assert job.claim()
    assert not job.claim()  # its outcome is shown in the App once


def test_long_work_that_no_panel_shows_yet_is_announced(ctx, monkeypatch):
    monkeypatch.setattr(running, "SECONDS_IN_THE_FORM", 0.05)
    go_on = threading.Event()
    said = list(operator(lambda progress: Outcome(str(go_on.wait(120)))).execute(ctx))
    go_on.set()
    assert [name for name, _, _ in said] == ["open_panel", "notify"]
    assert "“Do things” is running" in said[1][1][0]


def test_work_waits_for_the_run_before_it_but_a_quick_act_does_not(ctx, monkeypatch):
    monkeypatch.setattr(running, "SECONDS_IN_THE_FORM", 0.05)
    go_on = threading.Event()
    jobs_of(ctx.dataset).start("Embed", lambda progress: Outcome(str(go_on.wait(120))))
    waiting = list(operator(lambda progress: Outcome("Second.")).execute(ctx))
    assert "is waiting for the previous job" in waiting[-1][1][0]
    quick = operator(lambda progress: Outcome("Saved."))
    quick.queued = False
    assert [said[1] for said in quick.execute(ctx)] == [("Saved.",)]
    go_on.set()
    assert [ended(job).message for job in jobs_of(ctx.dataset).listing()] == ["True", "Second."]


def test_next_steps_are_buttons_that_open_another_entry_with_its_form_filled_in(ctx):
    ctx.active_fields = ["ground_truth"]
    step = NextStep("Delete these 2 …", "delete_items", {"items": ["a", "b"]})
    outcome = Outcome("Ranked 9.", shown_fields=["score"], next_steps=[step])
    said = list(operator(lambda progress: outcome).execute(ctx))
    assert said[0] == ("set_active_fields", (["ground_truth", "score"],), {})
    name, (outputs, _), _ = said[-1]
    shown = outputs["type"]["properties"]
    assert name == "show_output"
    assert shown["message"]["view"]["label"] == "Ranked 9."
    button = shown["step_0"]["view"]
    assert (button["label"], button["operator"]) == (step.label, "@labelscape/data-explorer/delete_items")
    assert button["prompt"]
    assert button["params"] == {"items": ["a", "b"]}


def test_stop_in_the_panel_stops_the_work(ctx, monkeypatch):
    monkeypatch.setattr(running, "SECONDS_IN_THE_FORM", 0.05)

    def work(progress):
        while True:
            progress(0.5, "working")
            time.sleep(0.02)

    list(operator(work).execute(ctx))
    queue = jobs_of(ctx.dataset)
    (job,) = queue.listing()
    queue.cancel(job.id)
    assert ended(job).status == "cancelled"
    with pytest.raises(Refusal, match="already finished"):
        queue.cancel(job.id)


def test_an_error_to_fix_is_a_sentence_and_a_bug_is_an_internal_error(ctx):
    def fail(error):
        def work(progress):
            raise error

        return operator(work)

    ((name, text, params),) = list(fail(ValueError("Label something first.")).execute(ctx))
    assert (name, text, params["variant"]) == ("notify", ("Label something first.",), "error")
    ((name, (text,), params),) = list(fail(KeyError("bug")).execute(ctx))
    assert (name, params["variant"]) == ("notify", "error")
    assert "Internal error" in text


def test_a_dataset_that_is_deleted_in_the_meantime_ends_the_work_in_words(ctx):
    name = ctx.dataset.name

    def work(progress):
        fo.delete_dataset(name)
        ctx.dataset.reload()  # as whatever comes next would
        return Outcome("Ranked 1.")

    ((kind, (text,), params),) = list(operator(work).execute(ctx))
    assert (kind, params["variant"]) == ("notify", "error")
    assert text == f"The dataset '{name}' was deleted while this was running: nothing was kept."


def test_a_script_gets_the_message_or_the_error_itself(ctx):
    ctx.request_params = {}
    ctx.set_progress = lambda **params: None
    ctx._delegated_operation_id = None
    assert operator(lambda progress: Outcome("Done 1.")).execute(ctx) == {"message": "Done 1."}
    with pytest.raises(ValueError, match="first"):
        operator(lambda progress: (_ for _ in ()).throw(ValueError("first"))).execute(ctx)
