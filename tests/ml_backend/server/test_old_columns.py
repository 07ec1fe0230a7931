"""Columns of earlier versions leave a real Label Studio's Data Manager."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.client import LabelStudio
from labelscape.ml_backend.server import old_columns
from labelscape.ml_backend.server.old_columns import OLD_COLUMNS, remove_columns, remove_old_columns
from labelscape.ml_backend.server.tabs import function_column
from labelscape.testing.label_studio import LabelStudioServer

pytestmark = pytest.mark.slow


def test_columns_of_earlier_versions_are_removed_and_all_other_data_stay(label_studio: LabelStudioServer) -> None:
    studio = LabelStudio(label_studio.url, label_studio.token)
    config = '<View><Image name="i" value="$image"/><Choices name="c" toName="i"><Choice value="a"/></Choices></View>'
    project = studio.create_project("Old columns", config)
    data = [{"image": f"/{number}", "mine": number, "labelscape_cluster": 3.0} for number in range(3)]
    tasks = studio.import_tasks(project, [{"data": one} for one in data])
    assert not remove_columns(studio, project, OLD_COLUMNS, lambda: False)
    assert "labelscape_cluster" in studio.data_columns(project)
    assert remove_columns(studio, project, OLD_COLUMNS, lambda: True)
    assert studio.data_columns(project) == {"image", "mine"}
    kept = [{"image": f"/{number}", "mine": number} for number in range(3)]
    assert studio.task_data(project) == dict(zip(tasks, kept, strict=True))


def test_a_removed_column_is_not_listed_although_label_studio_counted_it_too_often(
    label_studio: LabelStudioServer,
) -> None:
    studio = LabelStudio(label_studio.url, label_studio.token)
    config = '<View><Image name="i" value="$image"/><Choices name="c" toName="i"><Choice value="a"/></Choices></View>'
    project = studio.create_project("Columns counted too often", config)
    tasks = studio.import_tasks(project, [{"data": {"image": f"/{number}"}} for number in range(2)])
    for score in (0.2, 0.4, 0.6):  # each call counts one task more
        studio.set_data(project, tasks, "labelscape_cluster", "Number", score)
    assert remove_columns(studio, project, OLD_COLUMNS, lambda: True)
    assert studio.data_columns(project) == {"image"}


def test_a_deleted_functions_column_is_taken_off_the_list_although_the_removal_was_stopped_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(old_columns, "list_functions", lambda dataset: [])
    cats, dogs = function_column("cats"), function_column("dogs")
    columns = {1: [cats], 2: [dogs]}
    listed = {cats, dogs}
    turns = iter([True, False, True])  # stopped before the second task, and done the next time

    def recount(project: int) -> None:
        listed.intersection_update(name for names in columns.values() for name in names)

    studio: Any = SimpleNamespace(
        data_columns=lambda project: set(listed),
        recount_columns=recount,
        remove_columns=lambda task, names: listed.difference_update(names - {cats}),  # that one was counted too often
    )
    records = {task: SimpleNamespace(task=task, columns=names) for task, names in columns.items()}
    ledger = SimpleNamespace(read=lambda: records, forget_columns=lambda task, names: columns[task].clear())
    mirror = SimpleNamespace(dataset=None, ledger=ledger)
    project: Any = SimpleNamespace(
        project=7, studio=studio, lock=threading.Lock(), outgoing=threading.Lock(), opened=lambda: mirror
    )
    assert not remove_old_columns(project, lambda: next(turns))
    assert remove_old_columns(project, lambda: next(turns))
    assert listed == set()
