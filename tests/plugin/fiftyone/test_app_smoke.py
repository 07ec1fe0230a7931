"""The App itself, in a browser."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
def test_the_app_opens_the_dataset_and_shows_its_samples(
    app: Any, make_digits_dataset: Callable[..., Any], page: Any
) -> None:
    from playwright.sync_api import expect

    dataset = make_digits_dataset(40)
    page.goto(app.address(dataset.name))
    expect(page.get_by_text("40 samples")).to_be_visible(timeout=60_000)
    expect(page.locator("[data-cy='looker']").first).to_be_visible(timeout=60_000)
