"""Projects that samples were sent to are remembered, and only one send runs at a time."""

import time
from dataclasses import replace

import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.projects import (
    SentProject,
    forget_project,
    hold_project,
    remember_project,
    sent_projects,
)

URL = "http://label-studio.test"
SENT = SentProject(URL, 7, "Digits", "ground_truth", "2026-05-01T12:00:00", {"from_name": "kind"})


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(1)


def test_projects_of_a_server_are_listed_latest_first_and_those_of_others_are_not(dataset):
    later = replace(SENT, project=8, sent_at="2026-05-02T12:00:00")
    for sent in (SENT, later, replace(SENT, url="http://label-studio.test2", project=9)):
        remember_project(dataset, sent)

    assert sent_projects(dataset, URL) == [later, SENT]


def test_a_project_sent_to_again_is_one_and_a_forgotten_one_is_gone(dataset):
    again = replace(SENT, sent_at="2026-06-01T12:00:00")
    remember_project(dataset, SENT)
    remember_project(dataset, again)

    assert sent_projects(dataset, URL) == [again]
    forget_project(dataset, SENT)
    assert sent_projects(dataset, URL) == []


def test_while_samples_are_sent_another_sending_is_refused_and_afterwards_not(dataset):
    with hold_project(dataset, SENT.key) as go_on:
        go_on()
        with (
            pytest.raises(Refusal, match=r"are being sent there right now.* up to 10 minutes"),
            hold_project(dataset, SENT.key),
        ):
            pytest.fail("two sendings at once")
        with hold_project(dataset, f"{URL}#8"):
            pass  # another project is free
    with hold_project(dataset, SENT.key):
        pass


def test_a_sending_that_failed_or_was_killed_does_not_block_the_next(dataset, monkeypatch):
    with pytest.raises(RuntimeError), hold_project(dataset, SENT.key):
        raise RuntimeError
    holding = hold_project(dataset, SENT.key)
    go_on = holding.__enter__()  # and then its process is killed
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 601)

    with hold_project(dataset, SENT.key), pytest.raises(Refusal, match="another process took over"):
        go_on()
