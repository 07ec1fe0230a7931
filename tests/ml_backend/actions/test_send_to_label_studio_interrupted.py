"""However a sending is interrupted or repeated, every sample becomes one task. Uses a stand-in."""

import signal
import subprocess
import sys
import time

import pytest
from labelscape.ml_backend.actions.send_to_label_studio import send, sent_before
from labelscape.ml_backend.label_studio.client import LabelStudioDown
from labelscape.ml_backend.label_studio.projects import hold_project, sent_projects

from ..label_studio.stand_in import URL, StandIn
from .sent_datasets import new_project, send_all


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(12, labeled=8)


def test_a_second_sending_sends_nothing_twice_and_says_so(dataset, studio):
    project = new_project(dataset, studio)
    send(dataset, dataset.values("id")[:5], studio=studio, project=project, field="ground_truth")
    assert send_all(dataset, studio, project).sent == 7
    uploads = studio.requests.count("upload")
    report = send_all(dataset, studio, project)
    assert report.sent == 0
    assert report.already_sent == 12
    assert "Nothing new to send" in report.sentence()
    assert len(studio.tasks_of[project]) == 12
    assert studio.requests.count("upload") == uploads


def test_a_sending_that_was_stopped_continues_where_it_was(make_digits_dataset, studio):
    dataset = make_digits_dataset(250)
    project = new_project(dataset, studio)

    class Stop(Exception):
        pass

    def stop_in_the_middle(fraction, message):
        if fraction > 0.3:
            raise Stop

    with pytest.raises(Stop):
        send_all(dataset, studio, project, progress=stop_in_the_middle)
    assert len(studio.tasks_of[project]) == 100
    assert send_all(dataset, studio, project).sent == 150
    named = [task["data"]["fiftyone_id"] for task in studio.tasks_of[project]]
    assert named == dataset.values("id")


def test_of_two_sendings_at_once_the_second_is_told_to_wait(dataset, studio):
    project = new_project(dataset, studio)
    refused = []

    def send_in_another_tab(fraction, message):
        with pytest.raises(ValueError, match="being sent there right now") as error:
            send_all(dataset, studio, project)
        refused.append(error)

    assert send_all(dataset, studio, project, progress=send_in_another_tab).sent == 12
    assert refused
    assert len(studio.tasks_of[project]) == 12
    assert send_all(dataset, studio, project).already_sent == 12


def test_a_project_is_made_once_by_two_who_ask_at_once(dataset, studio, monkeypatch):
    make = StandIn.create_project

    def make_while_another_asks(self, *args, **options):
        with pytest.raises(ValueError, match="wait until that is finished"):
            new_project(dataset, studio)
        return make(self, *args, **options)

    monkeypatch.setattr(StandIn, "create_project", make_while_another_asks)
    project = new_project(dataset, studio)
    assert list(studio.project_data) == [project]


def test_a_sending_that_was_killed_is_not_in_the_way(dataset, studio):
    project = new_project(dataset, studio)
    hold = (
        "import os, sys, fiftyone as fo\n"
        "from labelscape.ml_backend.label_studio.projects import hold_project\n"
        "with hold_project(fo.load_dataset(sys.argv[1]), sys.argv[2]):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    arguments = [sys.executable, "-c", hold, dataset.name, f"{URL}#{project}"]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert send_all(dataset, studio, project).sent == 12


def test_a_sending_that_hangs_is_in_the_way_for_ten_minutes(dataset, studio, monkeypatch):
    project = new_project(dataset, studio)
    hanging = hold_project(dataset, f"{URL}#{project}")
    go_on = hanging.__enter__()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 9 * 60)
    with pytest.raises(ValueError, match="up to 10 minutes"):
        send_all(dataset, studio, project)
    go_on()
    monkeypatch.setattr(time, "time", lambda: now + 11 * 60)
    with pytest.raises(ValueError, match="right now"):
        send_all(dataset, studio, project)
    monkeypatch.setattr(time, "time", lambda: now + 20 * 60)
    assert send_all(dataset, studio, project).sent == 12
    with pytest.raises(ValueError, match="took too long"):
        go_on()


def test_tasks_whose_import_was_never_answered_are_found_again(dataset, studio):
    project = new_project(dataset, studio)
    studio.fails_at = "answer of import_tasks"
    with pytest.raises(LabelStudioDown):
        send_all(dataset, studio, project)
    studio.fails_at = ""
    report = send_all(dataset, studio, project)
    assert (report.sent, report.already_sent) == (0, 12)
    assert len(studio.tasks_of[project]) == 12
    assert sent_before(dataset, studio, project, dataset.values("id")) == 12


def test_tasks_of_the_dataset_that_this_one_was_cloned_from_are_not_taken_for_its_own(dataset, studio):
    project = new_project(dataset, studio)
    send_all(dataset, studio, project)
    clone = dataset.clone()
    try:
        assert clone.values("id") == dataset.values("id")
        assert send_all(clone, studio, project).sent == 12
    finally:
        clone.delete()


def test_a_project_of_the_same_title_is_made_once(dataset, studio):
    project = new_project(dataset, studio)
    assert new_project(dataset, studio) == project
    del studio.project_data[project]
    assert new_project(dataset, studio) != project
    assert len(sent_projects(dataset, URL)) == 1


def test_tasks_deleted_in_label_studio_are_sent_again_on_demand(dataset, studio):
    project = new_project(dataset, studio)
    send_all(dataset, studio, project)
    del studio.tasks_of[project][:3]
    report = send_all(dataset, studio, project)
    assert (report.sent, report.already_sent, report.again) == (3, 9, 3)
