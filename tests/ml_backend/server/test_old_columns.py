"""Columns of earlier versions leave a real Label Studio's Data Manager."""

import pytest
from labelscape.ml_backend.label_studio.client import LabelStudio
from labelscape.ml_backend.server.old_columns import OLD_COLUMNS, remove_columns
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
