"""Our columns in the Data Manager, in a browser: their cells show what is stored, and they sort and filter."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ...ml_backend.server.projects import eventually
from .browsing import ROW, open_tasks
from .conftest import Desk

pytestmark = pytest.mark.slow
NUMBERS = {
    "Outlier score": "ls_outlier",
    "Mislabel score": "ls_mislabel",
    "Confidence": "ls_confidence",
    "Cluster": "ls_cluster",
}
COLUMNS = {**NUMBERS, "Suggested label": "ls_label"}
OTHERS = (
    "inner_id", "completed_at", "total_annotations", "cancelled_annotations", "total_predictions", "annotators",
    "annotations_results", "annotations_ids", "predictions_score", "predictions_model_versions", "predictions_results",
    "file_upload", "storage_filename", "created_at", "updated_at", "updated_by", "avg_lead_time", "draft_exists",
    "data.image", "data.digit", "data.ls_map",
)  # fmt: skip
SHOWN = 6  # rows, which the list draws without scrolling


@pytest.fixture
def data(desk: Desk) -> dict[int, dict[str, Any]]:
    """What is stored for each task, once every column has been written."""

    def written() -> dict[int, dict[str, Any]] | None:
        now = desk.project.data()
        there = {column for values in now.values() for column, value in values.items() if value}
        return now if there >= set(COLUMNS.values()) else None

    return eventually("all columns", written)


@pytest.fixture
def tab(desk: Desk) -> Iterator[int]:
    """A tab in which our columns are visible without scrolling."""
    hidden = [f"tasks:{name}" for name in OTHERS]
    view = {"title": f"Columns {uuid.uuid4().hex[:6]}", "hiddenColumns": {"explore": hidden, "labeling": hidden}}
    made = desk.owner.ask("POST", "api/dm/views/", {"project": desk.project.id, "data": view}).json()["id"]
    yield made
    desk.owner.ask("DELETE", f"api/dm/views/{made}/")


class Listing:
    """The list of tasks in a browser, of which the first rows are read."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def column(self, title: str) -> list[str]:
        """What the cells of a column show; nothing while the list is drawn anew."""
        texts = self._page.locator(".lsf-table-head .lsf-table__cell").all_inner_texts()
        heads = [text.strip().split("\n")[0] for text in texts]
        if title not in heads:
            return []
        place = heads.index(title)
        rows = self._page.locator(ROW)
        return [rows.nth(row).locator(".lsf-table__cell").nth(place).inner_text().strip() for row in range(SHOWN)]

    def order_by(self, title: str) -> None:
        self._button_after_filters(1).click()
        self._page.get_by_text(title, exact=True).last.click()

    def reverse(self) -> None:
        self._button_after_filters(2).click()

    def filter(self, title: str, operator: str, value: str) -> None:
        self._page.get_by_role("button", name="Filters").click()
        self._page.get_by_text("Add Filter").first.click()
        line = self._page.locator(".lsf-filterLine").first
        line.locator(".lsf-field button").click()
        self._page.get_by_role("option").filter(has_text=title).first.click()
        line.locator(".lsf-operation button").click()
        self._page.get_by_role("option", name=operator, exact=True).click()
        line.locator(".lsf-value input").fill(value)

    def _button_after_filters(self, place: int) -> Any:
        return self._page.get_by_role("button", name="Filters").locator(f"xpath=following::button[{place}]")


def as_shown(value: Any) -> str:
    """A value as Label Studio (1.23) shows it: numbers with three decimals, if any; nothing where there is none."""
    if isinstance(value, float | int):
        return f"{value:.0f}" if float(value).is_integer() else f"{value:.3f}"
    return str(value or "")


def test_cells_show_what_is_stored_and_columns_sort(
    desk: Desk, data: dict[int, dict[str, Any]], tab: int, page: Any, tmp_path: Any
) -> None:
    open_tasks(desk, desk.owner, page, f"?tab={tab}")
    listing = Listing(page)
    for title, column in COLUMNS.items():
        listing.order_by(title)
        values = [row[column] for row in data.values() if column in row]
        for descending in (False, True):
            if descending:
                listing.reverse()
            expected = sorted(values, reverse=descending)[:SHOWN]
            eventually(
                f"{title} in order", lambda e=expected, t=title: listing.column(t) == [as_shown(value) for value in e]
            )
            for other, name in COLUMNS.items():
                eventually(
                    f"stored values of {other} ordered by {title}",
                    lambda n=name, o=other: (
                        listing.column(o) == [as_shown(data[int(task)].get(n)) for task in listing.column("ID")]
                    ),
                )
        page.screenshot(path=tmp_path / f"{column}.png")


@pytest.mark.parametrize("title", [*COLUMNS])
def test_columns_filter(desk: Desk, data: dict[int, dict[str, Any]], tab: int, page: Any, title: str) -> None:
    column = COLUMNS[title]
    values = sorted(value for row in data.values() if (value := row.get(column)))
    middle = values[len(values) // 2]
    if title in NUMBERS:
        operator, kept = "≥", [task for task, row in data.items() if row.get(column, 0) >= middle]
    else:
        operator, kept = "equal", [task for task, row in data.items() if row.get(column) == middle]
    open_tasks(desk, desk.owner, page, f"?tab={tab}")
    Listing(page).filter(title, operator, str(middle))
    page.get_by_text(f"Tasks: {len(kept)} / {len(data)}").first.wait_for()
