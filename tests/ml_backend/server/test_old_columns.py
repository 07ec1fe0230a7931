"""Columns of earlier versions leave a real Label Studio's Data Manager."""

import pytest
from labelscape.ml_backend.label_studio.client import LabelStudio
from labelscape.ml_backend.server.old_columns import remove_old_columns
from labelscape.testing.label_studio import LabelStudioServer

pytestmark = pytest.mark.slow


def test_columns_of_earlier_versions_are_removed_and_all_other_data_stay(label_studio: LabelStudioServer) -> None:
    studio = LabelStudio(label_studio.url, label_studio.token)
    config = '<View><Image name="i" value="$image"/><Choices name="c" toName="i"><Choice value="a"/></Choices></View>'
    project = studio.create_project("Old columns", config)
    data = [{"image": f"/{number}", "mine": number, "labelscape_cluster": 3.0} for number in range(3)]
    tasks = studio.import_tasks(project, [{"data": one} for one in data])
    assert not remove_old_columns(studio, project, lambda: False)
    assert "labelscape_cluster" in studio.data_columns(project)
    assert remove_old_columns(studio, project, lambda: True)
    assert studio.data_columns(project) == {"image", "mine"}
    kept = [{"image": f"/{number}", "mine": number} for number in range(3)]
    assert studio.task_data(project) == dict(zip(tasks, kept, strict=True))
