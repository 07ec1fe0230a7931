"""How operators run for the App: progress while it works, a stop that stops, an ending that is read."""

import threading
import time
from types import SimpleNamespace

import pytest
from labelscape.ml_backend.errors import Cancelled
from labelscape.operators import running
from labelscape.operators.running import LabelscapeOperator, NextStep, Outcome


class Ops:
    """The App's side: what it is asked to show."""

    def __getattr__(self, name):
        return lambda *args, **params: (name, args, params)


@pytest.fixture
def ctx():
    return SimpleNamespace(delegated=False, request_params={"operator_uri": "x"}, ops=Ops())


def operator(work):
    made = LabelscapeOperator.__new__(LabelscapeOperator)
    made.operator_name = "test"
    made.run = lambda ctx, progress: work(progress)
    return made


def test_quick_work_ends_with_a_note_and_no_progress_window(ctx):
    said = list(operator(lambda progress: Outcome("Did 3 things.", reload_samples=True)).execute(ctx))
    assert [name for name, _, _ in said] == ["reload_samples", "notify"]
    assert said[-1][1] == ("Did 3 things.",)


def test_long_work_shows_its_progress_and_the_window_ends_with_the_message(ctx, monkeypatch):
    monkeypatch.setattr(running, "_SECONDS_WITHOUT_PROGRESS", 0.0)

    def work(progress):
        for step in range(5):
            progress(step / 5, f"step {step}")
            time.sleep(0.25)
        return Outcome("Did 5 steps.")

    said = list(operator(work).execute(ctx))
    shares = [params["progress"] for name, _, params in said if name == "set_progress"]
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert said[-1] == ("set_progress", (), {"progress": 1.0, "label": "Did 5 steps."})


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


def test_a_page_that_is_closed_stops_the_work(ctx, monkeypatch):
    monkeypatch.setattr(running, "_SECONDS_WITHOUT_PROGRESS", 0.0)
    stopped = threading.Event()

    def work(progress):
        try:
            while True:
                progress(0.5, "working")
                time.sleep(0.05)
        except Cancelled:
            stopped.set()
            raise

    stream = operator(work).execute(ctx)
    assert next(stream)[0] == "set_progress"
    stream.close()
    assert stopped.wait(5)


def test_an_error_to_mend_is_a_sentence_and_a_bug_is_raised_after_a_plain_one(ctx):
    def fail(error):
        def work(progress):
            raise error

        return operator(work)

    ((name, text, params),) = list(fail(ValueError("Label something first.")).execute(ctx))
    assert (name, text, params["variant"]) == ("notify", ("Label something first.",), "error")
    stream = fail(KeyError("bug")).execute(ctx)
    assert "Internal error" in next(stream)[1][0]
    with pytest.raises(KeyError):
        next(stream)


def test_a_script_gets_the_message_or_the_error_itself(ctx):
    ctx.request_params = {}
    ctx.set_progress = lambda **params: None
    ctx._delegated_operation_id = None
    assert operator(lambda progress: Outcome("Done 1.")).execute(ctx) == {"message": "Done 1."}
    with pytest.raises(ValueError, match="first"):
        operator(lambda progress: (_ for _ in ()).throw(ValueError("first"))).execute(ctx)
