"""The Data Manager's tabs: the one with the backend's state."""

from typing import Any

import pytest
from labelscape.ml_backend.server.status import ProjectStatus
from labelscape.ml_backend.server.tabs import STATUS_SUFFIX, StatusTab, state_of


class Studio:
    """Stands for the client: the tabs of one project, and the requests that change them."""

    def __init__(self, *titles: str) -> None:
        self.tabs = dict(enumerate(titles))
        self.requests = 0

    def views(self, project: int) -> list[dict[str, Any]]:
        return [{"id": number, "data": {"title": title}} for number, title in self.tabs.items()]

    def create_view(self, project: int, data: dict[str, Any]) -> int:
        self.requests += 1
        number = len(self.tabs)
        self.tabs[number] = data["title"]
        return number

    def update_view(self, view: int, project: int, data: dict[str, Any]) -> None:
        self.requests += 1
        self.tabs[view] = data["title"]

    def delete_view(self, view: int) -> None:
        self.requests += 1
        del self.tabs[view]


def test_the_state_is_a_tab_beside_the_default_one() -> None:
    studio = Studio()
    StatusTab(studio, 3).show("up to date")  # type: ignore[arg-type]
    assert list(studio.tabs.values()) == ["Default", "Up to date · Labelscape"]


def test_the_tab_is_found_again_after_a_restart_and_doubles_go() -> None:
    studio = Studio("Mine", "Up to date · Labelscape", "Labelscape: old")
    StatusTab(studio, 3).show("the database does not respond")  # type: ignore[arg-type]
    assert list(studio.tabs.values()) == ["Mine", "The database does not respond · Labelscape"]


def test_an_unchanged_state_costs_no_request() -> None:
    studio = Studio("Mine")
    tab = StatusTab(studio, 3)  # type: ignore[arg-type]
    tab.show("up to date")
    done = studio.requests
    tab.show("up to date")
    assert studio.requests == done


def test_a_long_reason_is_cut_to_a_title() -> None:
    studio = Studio("Mine")
    StatusTab(studio, 3).show("x" * 500)  # type: ignore[arg-type]
    assert len(studio.tabs[1]) < 100
    assert studio.tabs[1].endswith(STATUS_SUFFIX)


@pytest.mark.parametrize(
    ("status", "without_medium", "words"),
    [
        (ProjectStatus(problem="The token has expired.", note="too few labels"), 3, "The token has expired."),
        (ProjectStatus(note="too few labels"), 1, "1 task without a medium"),
        (ProjectStatus(note="too few labels"), 0, "too few labels"),
        (ProjectStatus(), 0, "up to date"),
    ],
)
def test_the_state_is_what_matters_most(status: ProjectStatus, without_medium: int, words: str) -> None:
    assert state_of(status, without_medium) == words
