"""Sending to and pulling from a real Label Studio keep the most important promises that the stand-in tests check."""

from pathlib import Path

import fiftyone as fo
import pandas as pd
import pytest
import requests
from labelscape.cli.synthetic import make_requests, write_sounds
from labelscape.ml_backend.actions.import_media import import_media
from labelscape.ml_backend.actions.medium_sources import Source
from labelscape.ml_backend.actions.pull_from_label_studio import pull
from labelscape.ml_backend.actions.send_to_label_studio import open_project, send
from labelscape.ml_backend.label_studio.client import LabelStudio, LabelStudioError
from labelscape.ml_backend.label_studio.config import make_label_config
from labelscape.ml_backend.label_studio.projects import forget_project, sent_projects
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions
from labelscape.testing.label_studio import USER

pytestmark = pytest.mark.slow
DIGITS = [str(digit) for digit in range(10)]


@pytest.fixture(scope="module")
def token(label_studio):
    return label_studio.token


@pytest.fixture
def studio(label_studio, token):
    return LabelStudio(label_studio.url, token)


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(120, labeled=60)


def tasks_by_sample(studio, project):
    return {task["data"]["fiftyone_id"]: task for task in studio.tasks(project)}


def test_images_labels_and_suggestions_arrive_and_annotations_come_back(label_studio, studio, dataset):
    ids = dataset.values("id")
    suggested = [Suggestion("7", 0.75, True, [], "ground_truth")] * 110 + [None] * 10
    write_suggestions(dataset, list_items(dataset), suggested)
    project = open_project(dataset, studio, title="Digits", field="ground_truth", classes=DIGITS)
    assert send(dataset, ids[:40], studio=studio, project=project, field="ground_truth").sent == 40
    report = send(dataset, ids, studio=studio, project=project, field="ground_truth")
    assert (report.sent, report.already_sent, report.labeled, report.suggested) == (80, 40, 20, 50)

    info = studio.project(project)
    assert (info["task_number"], info["total_predictions_number"]) == (120, 110)
    tasks = tasks_by_sample(studio, project)
    assert {task["predictions_model_versions"] for task in tasks.values()} == {info["model_version"], ""}
    assert tasks[ids[70]]["predictions_score"] == 0.75
    picture = requests.get(studio.url + tasks[ids[5]]["data"]["image"], headers=studio.headers(), timeout=60)
    with open(dataset[ids[5]].filepath, "rb") as file:
        assert picture.content == file.read()

    prelabel = tasks[ids[0]]["predictions"][0]["result"]
    studio.create_annotation(tasks[ids[0]]["id"], prelabel)
    prelabel[0]["value"]["choices"] = ["3"]
    studio.create_annotation(tasks[ids[1]]["id"], prelabel)
    skipped = {"result": [], "was_cancelled": True}
    label_studio.ask("POST", f"tasks/{tasks[ids[2]]['id']}/annotations/", json=skipped)
    pulled = pull(dataset, studio=studio, project=project, field="ground_truth")
    assert (pulled.given, pulled.confirmed, pulled.skipped, pulled.waiting) == (1, 1, 1, 117)
    dataset.reload()
    label = dataset[ids[1]].ground_truth
    assert (label.label, label.annotator) == ("3", USER)
    assert "Nothing new" in pull(dataset, studio=studio, project=project, field="ground_truth").sentence()


def test_a_project_that_was_made_and_not_recorded_is_found_again(studio, dataset):
    project = open_project(dataset, studio, title="Unheard of", field="ground_truth", classes=DIGITS)
    (sent,) = sent_projects(dataset, studio.url)
    forget_project(dataset, sent)
    assert open_project(dataset, studio, title="Unheard of", field="ground_truth", classes=DIGITS) == project


def test_annotations_can_be_pulled_into_a_new_field(studio, dataset):
    project = open_project(dataset, studio, title="New field", field="ground_truth", classes=DIGITS)
    ids = dataset.values("id")[:2]
    send(dataset, ids, studio=studio, project=project, field="ground_truth")
    task = tasks_by_sample(studio, project)[ids[0]]
    studio.create_annotation(task["id"], task["predictions"][0]["result"])
    assert pull(dataset, studio=studio, project=project, field="reviewed").given == 1
    dataset.reload()
    assert dataset[ids[0]].reviewed.annotator == USER


def test_boxes_arrive_and_come_back_as_themselves(studio, dataset):
    sample = dataset.first()
    sample["objects"] = fo.Detections(detections=[fo.Detection(label="1", bounding_box=[0.1, 0.2, 0.3, 0.4])])
    sample.save()
    project = open_project(dataset, studio, title="Boxes", field="objects", classes=DIGITS)
    send(dataset, [sample.id], studio=studio, project=project, field="objects")
    (task,) = studio.tasks(project)
    (region,) = task["predictions"][0]["result"]
    assert region["id"] == sample.objects.detections[0].id
    region["value"]["rectanglelabels"] = ["2"]
    drawn = {**region, "id": "drawn", "value": {**region["value"], "x": 50.0}}
    studio.create_annotation(task["id"], [region, drawn])
    assert pull(dataset, studio=studio, project=project, field="objects").given == 2
    dataset.reload()
    first, second = dataset.first().objects.detections
    assert (first.id, first.label) == (region["id"], "2")
    assert second.bounding_box == pytest.approx([0.5, 0.2, 0.3, 0.4])
    assert "Nothing new" in pull(dataset, studio=studio, project=project, field="objects").sentence()


@pytest.fixture
def media(tmp_path, database, monkeypatch):
    """Imported texts and recordings, twelve each with their classes."""
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    made = make_requests(count=12)
    pd.DataFrame({"text": made.media, "intent": made.classes}).to_csv(tmp_path / "requests.csv", index=False)
    sounds = write_sounds(tmp_path / "sounds", count=12)
    pd.DataFrame({"path": sounds.media, "intent": sounds.classes}).to_csv(tmp_path / "sounds.csv", index=False)
    texts = Source(tmp_path / "requests.csv", "text", label_column="intent")
    recordings = Source(tmp_path / "sounds.csv", "audio", label_column="intent")
    yield {
        kind: fo.load_dataset(import_media(source, name=f"sent-{kind}").dataset)
        for kind, source in (("text", texts), ("audio", recordings))
    }
    for name in fo.list_datasets("sent-*"):
        fo.delete_dataset(name)


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_texts_and_recordings_arrive_and_their_annotations_come_back(studio, media, kind):
    dataset = media[kind]
    classes = sorted(set(dataset.values("ground_truth.label")))
    project = open_project(dataset, studio, title=f"Sent {kind}", field="ground_truth", classes=classes)
    dataset.add_sample(fo.Sample(filepath=dataset.first().filepath))
    report = send(dataset, dataset.values("id"), studio=studio, project=project, field="ground_truth")
    assert (report.sent, report.labeled, len(report.left_out)) == (12, 12, 1)
    tasks, first = tasks_by_sample(studio, project), dataset.first()
    shown = tasks[first.id]["data"][kind]
    if kind == "audio":
        shown = requests.get(studio.url + shown, headers=studio.headers(), timeout=60).content
    assert shown == (first.text if kind == "text" else Path(first.audio).read_bytes())
    result = tasks[first.id]["predictions"][0]["result"]
    other = next(name for name in classes if name != first.ground_truth.label)
    result[0]["value"]["choices"] = [other]
    studio.create_annotation(tasks[first.id]["id"], result)
    assert pull(dataset, studio=studio, project=project, field="ground_truth").given == 1
    dataset.reload()
    assert dataset.first().ground_truth.label == other


def test_a_wrong_token_a_deleted_project_and_no_server_are_reported_in_words(label_studio, studio, dataset):
    with pytest.raises(LabelStudioError, match="does not accept this token"):
        LabelStudio(label_studio.url, "x" * 40).projects()
    with pytest.raises(LabelStudioError, match="cannot be reached"):
        LabelStudio("http://127.0.0.1:9", "x" * 40).projects()
    project = studio.create_project("Soon gone", make_label_config("choices", DIGITS, multi=False))
    label_studio.ask("DELETE", f"projects/{project}/")
    with pytest.raises(ValueError, match=r"is no longer in"):
        send(dataset, dataset.values("id"), studio=studio, project=project, field="ground_truth")
