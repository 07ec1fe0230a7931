"""The status of the backend in sentences and as JSON."""

import pytest
from labelscape.ml_backend.server.status import BackendStatus, ProjectStatus, iso_time, project_document


def test_every_problem_is_a_sentence_that_names_its_project() -> None:
    projects = {3: ProjectStatus(problem="The token has expired."), 4: ProjectStatus(note="too few labels")}
    status = BackendStatus(database="MongoDB does not respond.", projects=projects)
    assert status.problems == ["MongoDB does not respond.", "Project 3: The token has expired."]


@pytest.mark.parametrize(("database", "up"), [("", True), ("MongoDB does not respond.", False)])
def test_the_backend_is_up_while_its_database_is_whatever_its_projects_lack(database: str, up: bool) -> None:
    assert BackendStatus(database, "wrong", {3: ProjectStatus(problem="gone")}).up == up


def test_times_are_in_utc_to_the_second_and_may_be_missing() -> None:
    assert iso_time(1_767_225_600.9) == "2026-01-01T00:00:00Z"
    assert iso_time(None) is None
    assert project_document(ProjectStatus()) == {"last_success": None, "problem": "", "retry_at": None, "note": ""}
