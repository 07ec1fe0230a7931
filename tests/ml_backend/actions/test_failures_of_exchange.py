"""A send or pull that fails after any of its writes leaves nothing half done, and repeating it completes it."""

from itertools import count

import pytest
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.actions.pull_from_label_studio import pull
from labelscape.ml_backend.actions.save import undo_save
from labelscape.ml_backend.actions.send_to_label_studio import open_project, send, sent_before
from labelscape.ml_backend.label_studio.client import LabelStudioDown, LabelStudioError, LabelStudioPartly
from labelscape.ml_backend.label_studio.config import make_label_config, read_label_config
from labelscape.ml_backend.label_studio.projects import sent_projects
from labelscape.ml_backend.store.saves import recover
from labelscape.testing.faults import WriteFailedError, contents, counted_writes

from ..label_studio.stand_in import URL, StandIn

CLASSES = ["0", "1", "2"]


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(6, labeled=3)


def opened(dataset, studio):
    return open_project(dataset, studio, title="Faults", field="ground_truth", classes=CLASSES)


def send_all(dataset, studio, project):
    return send(dataset, dataset.values("id"), studio=studio, project=project, field="ground_truth")


def failing_once(act, number):
    """Whether an action failed after this write; False once it has fewer writes."""
    with counted_writes(fail_after=number, except_to=("datasets",)):
        try:
            act()
        except WriteFailedError:
            return True
    return False


def test_a_sending_that_fails_after_any_of_its_writes_continues_at_once_and_sends_nothing_twice(dataset):
    for number in count(1):
        studio = StandIn(url=f"{URL}{number}")
        failed = failing_once(lambda: send_all(dataset, studio, opened(dataset, studio)), number)  # noqa: B023
        assert get_db_conn().execution_store.count_documents({"key": {"$regex": f"^{studio.url}.*new Faults"}}) == 0
        project = opened(dataset, studio)
        send_all(dataset, studio, project)
        assert list(studio.project_data) == [project]
        assert [one.project for one in sent_projects(dataset, studio.url)] == [project]
        samples = [task["data"]["fiftyone_id"] for task in studio.tasks_of[project]]
        assert samples == dataset.values("id")
        assert sent_before(dataset, studio, project, samples) == 6
        if not failed:
            break
    assert number > 5


def test_a_project_whose_creation_was_never_answered_is_found_again(dataset):
    studio = StandIn(fails_at="answer of create_project")
    with pytest.raises(LabelStudioDown):
        opened(dataset, studio)
    studio.fails_at = ""
    project = opened(dataset, studio)
    assert list(studio.project_data) == [project]
    assert dataset.name in studio.project_data[project]["description"]


def test_a_project_of_this_title_that_somebody_else_made_is_not_taken(dataset, make_digits_dataset):
    studio = StandIn()
    theirs = studio.create_project("Faults", make_label_config("choices", CLASSES, multi=False))
    other = opened(make_digits_dataset(2), studio)
    assert opened(dataset, studio) not in (theirs, other)


def test_files_of_an_import_that_label_studio_refuses_are_deleted_there(dataset):
    studio = StandIn(refused="import_tasks")
    project = opened(dataset, studio)
    with pytest.raises(LabelStudioError, match="refuses"):
        send_all(dataset, studio, project)
    assert studio.files == {}


def test_files_of_an_import_that_may_have_happened_stay(dataset):
    studio = StandIn(fails_at="answer of import_tasks")
    project = opened(dataset, studio)
    with pytest.raises(LabelStudioDown):
        send_all(dataset, studio, project)
    assert len(studio.files) == 6


@pytest.mark.parametrize("failure", [LabelStudioPartly("no predictions"), KeyboardInterrupt()])
def test_files_of_tasks_that_were_created_stay_whatever_fails_then(dataset, failure):
    class Studio(StandIn):
        def import_tasks(self, project, tasks):
            super().import_tasks(project, tasks)
            raise failure

    studio = Studio()
    project = opened(dataset, studio)
    with pytest.raises(type(failure)):
        send_all(dataset, studio, project)
    assert len(studio.files) == len(studio.tasks_of[project]) == 6


KINDS = {
    "one class": ("choices", False, lambda control: control.choice(["2"])),
    "several classes": ("choices", True, lambda control: control.choice(["1", "2"])),
    "boxes": (
        "rectanglelabels",
        False,
        lambda control: [
            {
                "id": "drawn",
                "from_name": control.from_name,
                "to_name": control.to_name,
                "type": "rectanglelabels",
                "value": {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "rectanglelabels": ["1"]},
            }
        ],
    ),
}


@pytest.mark.parametrize(("kind", "field"), [("one class", "ground_truth"), *((kind, "new_field") for kind in KINDS)])
def test_a_pull_that_fails_after_any_of_its_writes_happened_whole_or_not_at_all(make_digits_dataset, kind, field):
    control_kind, multi, result_of = KINDS[kind]
    ends = set()
    for number in count(1):
        dataset, studio = make_digits_dataset(3, labeled=0), StandIn(url=f"{URL}/{number}")
        project = studio.create_project("Faults", make_label_config(control_kind, CLASSES, multi=multi))
        data = [{"data": {"image": "a", "fiftyone_id": one, "fiftyone_dataset": dataset.name}} for one in ids(dataset)]
        studio.import_tasks(project, data)
        result = result_of(read_label_config(studio.project_data[project]["label_config"]))
        for sample in ids(dataset)[:2]:
            studio.annotate(project, sample, result)
        before = contents(dataset)

        def act():
            return pull(dataset, studio=studio, project=project, field=field)  # noqa: B023

        if not failing_once(act, number):
            break
        recover(dataset)
        after = contents(dataset)
        given = pulled(dataset, field)
        ends.add(given)
        if given == 0:
            assert after["documents"] == before["documents"]
            assert after["fields"] == before["fields"]
        act()
        assert pulled(dataset, field) == 2
        undo_save(dataset)
        assert pulled(dataset, field) == 0
        assert contents(dataset)["documents"] == before["documents"]
    assert ends == {0, 2}


def ids(dataset):
    return dataset.values("id")


def pulled(dataset, field):
    """The number of samples with labels of an annotator."""
    dataset.reload()
    if not dataset.has_sample_field(field):
        return 0
    name = "annotator"
    listed = [leaf for leaf in ("classifications", "detections") if dataset.get_field(f"{field}.{leaf}") is not None]
    path = ".".join([field, *listed, name])
    if dataset.get_field(path) is None:
        return 0
    values = dataset.values(path)
    return sum(bool(one) and one != [None] for one in values)
