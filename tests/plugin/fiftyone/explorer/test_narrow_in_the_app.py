"""The explorer in the App's default split of a small window: nothing is clipped, and nothing lies over a button."""

from typing import Any

import pytest

from ...shown import Shown

pytestmark = pytest.mark.slow

NARROW = {"width": 1024, "height": 768}


@pytest.fixture
def small(mapped_digits: Any, app: Any, request: pytest.FixtureRequest) -> Shown:
    """`mapped_digits` with suggestions, in halves of a small window."""
    import fiftyone as fo
    from labelscape.ml_backend.actions.suggest import suggest_labels

    suggest_labels(mapped_digits, embeddings="pixels", field="ground_truth")
    panels = [fo.Panel(type="Samples", pinned=True), fo.Panel(type="data_explorer")]
    halves = [fo.Space(children=[panel], active_child=panel.component_id) for panel in panels]
    mapped_digits.save_workspace(mapped_digits.name, fo.Space(children=halves, orientation="horizontal"))
    page = request.getfixturevalue("page")
    page.set_viewport_size(NARROW)
    return Shown(page, app.address(mapped_digits.name, workspace=mapped_digits.name), mapped_digits)


def overlap(one: Any, other: Any) -> bool:
    a, b = one.bounding_box(), other.bounding_box()
    return bool(
        a["x"] < b["x"] + b["width"]
        and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"]
        and b["y"] < a["y"] + a["height"]
    )


def test_pickers_and_bars_take_one_line_and_the_legend_lies_over_none_of_them(small: Shown) -> None:
    page, panel = small.page, small.panel
    small.open()
    small.map_says("2D map of 120 samples, 0 selected")
    pickers = panel.get_by_role("toolbar", name="Explorer").get_by_role("combobox")
    assert len({round(picker.bounding_box()["y"]) for picker in pickers.all()}) == 1
    small.map.hover()
    page.keyboard.press("v")
    small.map_says("2D map of 120 samples, 120 selected")
    bar = panel.get_by_role("toolbar", name="Selection")
    label = bar.get_by_role("button", name="Label", exact=True)
    close = bar.get_by_role("button", name="Clear the selection")
    assert abs(label.bounding_box()["y"] - close.bounding_box()["y"]) < 4
    page.keyboard.press("d")
    pending = panel.get_by_label("Pending changes")
    small.sees(pending)
    panel.get_by_role("button", name="Legend", exact=True).click()
    legend = panel.get_by_role("complementary", name="Legend and preview")
    small.sees(legend)
    small.both_shots("explorer-narrow-legend")
    assert not overlap(legend, bar)
    assert not overlap(legend, pending)
    edge = NARROW["width"]
    for button in panel.get_by_role("button").all():
        if button.is_visible():
            place = button.bounding_box()
            assert place["x"] + place["width"] <= edge, button.inner_text()
    assert small.errors == []


# How many thumbnails of the list stand whole in the window, without scrolling.
WHOLE = """() => {
    const place = (element) => element.getBoundingClientRect();
    const box = place(document.querySelector(".ls-review-grid"));
    const pictures = [...document.querySelectorAll(".ls-review-grid .ls-cell .ls-thumb")].map(place);
    return pictures.filter(({ bottom, right }) => bottom <= box.bottom && right <= box.right).length;
}"""


def test_a_list_to_review_has_room_for_two_lines_of_thumbnails(small: Shown) -> None:
    page, panel = small.page, small.panel
    small.open()
    small.map_says("2D map of 120 samples, 0 selected")
    panel.get_by_role("tab", name="Review").click()
    panel.get_by_role("button", name="Review: Suggestions").click()
    decide = panel.get_by_role("toolbar", name="Decide")
    small.sees(decide)
    page.wait_for_function(f"() => ({WHOLE})() >= 6")
    accept, reject = (decide.get_by_role("button", name=name) for name in ("Accept", "Reject"))
    assert abs(accept.bounding_box()["y"] - reject.bounding_box()["y"]) < 4
    small.both_shots("explorer-narrow-review")
    panel.get_by_role("button", name="Next steps").click()
    small.sees(page.get_by_role("menuitem", name="Create a segment"))
    assert small.errors == []
