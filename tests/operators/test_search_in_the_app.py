"""A search in the App: tick samples, search, look at the results, save the search as a function."""

from typing import Any

import fiftyone as fo
import pytest


@pytest.fixture
def dataset(make_digits_dataset: Any) -> Any:
    from labelscape.ml_backend.actions.embed import compute_embeddings

    dataset = make_digits_dataset(60)
    compute_embeddings(dataset, key="emb")
    return dataset


def open_entry(page: Any, name: str) -> Any:
    """The form of an entry of the menu."""
    page.keyboard.press("`")
    page.get_by_placeholder("Search operations").fill(f"Labelscape: {name}")
    page.get_by_text(f"Labelscape: {name}", exact=True).first.click()
    form = page.get_by_role("dialog").filter(has_text=f"Labelscape: {name}")
    form.wait_for(timeout=120_000)
    return form


def execute_named(form: Any, name: str) -> None:
    """Fill in the name and execute the form.

    The App (1.22) resolves a form again after each change, and loses a click meanwhile. Where the answers of two
    changes come in the wrong order, it disables the button until the next change. So does a user who sees that: type
    again.
    """
    from playwright.sync_api import expect

    button = form.get_by_role("button", name="Execute")
    for text in (name, f"{name}!", name, f"{name}!", name):
        form.get_by_role("textbox").first.fill(text)
        form.page.wait_for_timeout(3_000)
        if text != name:
            continue
        if button.is_enabled():
            button.click()
        try:
            expect(button).to_be_hidden(timeout=60_000)
            return
        except AssertionError:
            continue
    raise AssertionError(f"The form did not execute with the name {name}")


@pytest.mark.slow
def test_ticked_samples_are_searched_with_and_become_a_function(app: Any, dataset: Any, page: Any) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=120_000)
    page.goto(app.address(dataset.name))
    looker = page.locator("[data-cy='looker']")
    expect(looker.first).to_be_visible()
    for number in (0, 1):
        looker.nth(number).hover()
        # The App (1.22) draws its own box over the input, which is never visible itself.
        looker.nth(number).locator("input[type='checkbox']").dispatch_event("click")
    form = open_entry(page, "search similar")
    expect(form.get_by_text("The 2 selected are examples of")).to_be_visible()
    expect(form.get_by_text("Scored by similarity to the mean of the examples.")).to_be_visible()
    expect(form.locator("img").first).to_be_visible()
    form.get_by_role("button", name="Execute").click()
    closing = page.get_by_role("dialog").filter(has_text="Found 50 samples among 58")
    expect(closing).to_be_visible()
    expect(page.get_by_text("50 samples", exact=False).first).to_be_visible()
    closing.get_by_role("button", name="Save it as a function").click()
    form = page.get_by_role("dialog").filter(has_text="Labelscape: create function")
    expect(form.get_by_text("Just above the threshold")).to_be_visible()
    execute_named(form, "Like these two")
    expect(page.get_by_text("“Like these two” scored 60 new samples")).to_be_visible()
    fo.load_dataset(dataset.name).reload()
    assert None not in dataset.values("fn_like_these_two")
