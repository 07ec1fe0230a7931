"""Sending to Label Studio and pulling from it with the menu: forms that say what will happen, and runs."""

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext
from fiftyone.operators.registry import OperatorRegistry
from labelscape.ml_backend.actions.rank import Ranking
from labelscape.ml_backend.actions.segments import create_segment
from labelscape.ml_backend.label_studio.config import make_label_config
from labelscape.operators.next_steps import SEND, next_steps

from ..ml_backend.label_studio.stand_in import StandIn

PREFIX = "@labelscape/data-explorer"


@pytest.fixture
def studio(monkeypatch):
    """A connected stand-in for Label Studio."""
    stand_in = StandIn()
    # The plugin is another import of the same files, under a name of FiftyOne's.
    forms = operator("send_to_label_studio").form.__globals__["connected"].__globals__
    monkeypatch.setitem(forms, "saved_connection", lambda secrets: stand_in)
    return stand_in


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(20, labeled=15)


def operator(name):
    return OperatorRegistry().get_operator(f"{PREFIX}/{name}")


def form(name, dataset, **params):
    request = {"dataset_name": dataset.name, "params": params}
    ctx = ExecutionContext(request_params=request, operator_uri=f"{PREFIX}/{name}")
    return operator(name).resolve_input(ctx).to_json()["type"]["properties"]


def run(name, dataset, view=None, selected=(), **params):
    ctx = {"dataset": dataset, "view": view or dataset.view(), "selected": list(selected), "params": params}
    message = foo.execute_operator(f"{PREFIX}/{name}", ctx=ctx).result["message"]
    dataset.reload()
    return message


def send(dataset, **options):
    return run("send_to_label_studio", dataset, field="ground_truth", **{"project": "new", "title": "Again"} | options)


def test_the_ticked_samples_are_sent_else_the_view_else_all(dataset, studio):
    ids = dataset.values("id")
    assert "Sent 2 samples to “Again”" in send(dataset, selected=ids[:2])
    assert "Sent 3 samples" in send(dataset, view=dataset.limit(5))
    assert "Sent 15 samples" in send(dataset)
    assert len(studio.project_data) == 1


def test_a_segment_can_be_chosen_instead(dataset, studio):
    create_segment(dataset, dataset.values("id")[:4], name="Odd", kind="data quality")
    fields = form("send_to_label_studio", dataset, segment="odd")
    assert fields["target"]["view"]["label"] == "4 samples to send."
    assert "Sent 4 samples" in send(dataset, segment="odd")


def test_a_segment_of_boxes_sends_the_pictures_they_are_in_with_all_their_boxes(dataset, studio):
    for sample in dataset.limit(2):
        boxes = [fo.Detection(label=name, bounding_box=[0.0, 0.0, 0.5, 0.5]) for name in ("a", "b")]
        sample["objects"] = fo.Detections(detections=boxes)
        sample.save()
    one = dataset.first().objects.detections[0].id
    create_segment(dataset, [one], name="Odd", kind="data quality", patches_field="objects")
    assert form("send_to_label_studio", dataset, segment="odd")["field"]["default"] == "objects"
    run("send_to_label_studio", dataset, segment="odd", field="objects", project="new", title="Boxes")
    (tasks,) = studio.tasks_of.values()
    (task,) = tasks
    assert len(task["predictions"][0]["result"]) == 2


def test_a_new_segment_offers_to_be_relabeled(dataset, studio):
    request = {"dataset_name": dataset.name, "selected": dataset.values("id")[:3], "params": {"name": "Odd"}}
    ctx = ExecutionContext(request_params=request, operator_uri=f"{PREFIX}/create_segment")
    (step,) = operator("create_segment").run(ctx, None).next_steps
    assert form(step.operator, dataset, **step.params)["target"]["view"]["label"] == "3 samples to send."


def test_a_step_of_a_ranking_sends_what_it_names(dataset, studio):
    ranking = Ranking(dataset.view(), dataset.values("id"), "", dataset.values("id")[:3], None, [])
    (step,) = next_steps(ranking, SEND)
    assert step.label == "Send these 3 to Label Studio …"
    assert form(step.operator, dataset, **step.params)["target"]["view"]["label"] == "3 samples to send."


def test_the_form_offers_title_and_classes_of_a_new_project(dataset, studio):
    fields = form("send_to_label_studio", dataset)
    assert fields["project"]["default"] == "new"
    assert fields["classes"]["default"] == [str(digit) for digit in range(10)]
    assert form("send_to_label_studio", dataset, title="ab")["title"]["invalid"]
    send(dataset, classes=["0", "1", "unclear"])
    (project,) = studio.project_data.values()
    assert 'value="unclear"' in project["label_config"]


def test_the_form_checks_an_existing_project(dataset, studio):
    fits = studio.create_project("Fits", make_label_config("choices", ["0", "1"], multi=False))
    other = studio.create_project("Boxes", make_label_config("rectanglelabels", ["0"], multi=False))
    fields = form("send_to_label_studio", dataset, project=str(fits))
    assert "does not have the classes “2”, “3”, “4”" in fields["missing"]["view"]["label"]
    assert "boxes with a class" in form("send_to_label_studio", dataset, project=str(other))["blocked"]["error_message"]


def test_the_next_time_the_form_continues_in_the_same_project(dataset, studio):
    send(dataset, selected=dataset.values("id")[:2])
    fields = form("send_to_label_studio", dataset)
    assert fields["project"]["default"] == str(next(iter(studio.project_data)))
    assert fields["before"]["view"]["label"].startswith("2 of them were sent there before")


def test_annotations_are_pulled_into_the_field_that_was_sent(dataset, studio):
    assert "No sample of this dataset was sent" in form("pull_from_label_studio", dataset)["blocked"]["error_message"]
    send(dataset)
    (project,) = studio.project_data
    choice = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": ["9"]}}
    studio.annotate(project, dataset.first().id, [choice])
    fields = form("pull_from_label_studio", dataset)
    assert fields["progress"]["view"]["label"].startswith("1 of 20 tasks")
    assert fields["field"]["default"] == "ground_truth"
    assert "Pulled 1 label into 'ground_truth'" in run("pull_from_label_studio", dataset)
    assert dataset.first().ground_truth.label == "9"
    assert "Nothing new" in run("pull_from_label_studio", dataset)
    run("undo_save", dataset)
    assert dataset.first().ground_truth.label == "0"


def test_without_a_connection_the_form_names_the_fix(dataset, monkeypatch):
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("send_to_label_studio", "pull_from_label_studio"):
        assert "labelscape connect" in form(name, dataset)["blocked"]["error_message"]


def test_a_connection_can_be_given_by_secrets_of_fiftyone(dataset, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "a" * 40)
    blocked = form("send_to_label_studio", dataset)["blocked"]["error_message"]
    assert "http://127.0.0.1:9 cannot be reached" in blocked
