"""Samples become tasks exactly once, whatever happens, with what is known filled in. Uses a stand-in."""

from pathlib import Path

import fiftyone as fo
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.actions.send_to_label_studio import open_project, send
from labelscape.ml_backend.label_studio.config import make_label_config, read_label_config
from labelscape.ml_backend.label_studio.ledger import AnnotationLedger, TaskRecord
from labelscape.ml_backend.label_studio.mirror import open_mirror
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.medium_fields import declare_medium_field
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions

from ..label_studio.stand_in import URL
from .sent_datasets import new_project, send_all


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(12, labeled=8)


DIGITS = [str(digit) for digit in range(10)]


@pytest.fixture
def boxes(dataset):
    """Boxes on four pictures: with a class, without one, and one that reaches out of its picture."""
    for number, sample in enumerate(dataset.limit(4)):
        sample["objects"] = fo.Detections(
            detections=[
                fo.Detection(label=str(number), bounding_box=[0.25, 0.5, 0.5, 0.25]),
                fo.Detection(bounding_box=[0.0, 0.0, 0.25, 0.25]),
                fo.Detection(label="9", bounding_box=[0.75, -0.1, 0.5, 0.5]),
            ]
        )
        sample.save()
    return dataset


def predicted(studio, project, sample):
    (prediction,) = studio.task_of(project, sample)["predictions"]
    return prediction


def test_every_sample_becomes_one_task_that_names_it_and_its_uploaded_file(dataset, studio):
    project = new_project(dataset, studio)
    report = send_all(dataset, studio, project)
    assert report.sent == 12
    for sample in dataset:
        data = studio.task_of(project, sample.id)["data"]
        assert data["image"].startswith(f"/data/upload/{project}/")
        assert data["image"].endswith(data["filename"])
        assert data["filename"] == sample.filepath.rsplit("/", 1)[-1]
        assert data["fiftyone_dataset"] == dataset.name


def test_the_label_there_is_goes_before_a_suggestion(dataset, studio):
    items = list_items(dataset)
    suggestions = [Suggestion("7", 0.83337, True, [], "ground_truth")] * 11 + [None]
    write_suggestions(dataset, items, suggestions)
    project = new_project(dataset, studio)
    report = send_all(dataset, studio, project)
    assert (report.labeled, report.suggested) == (8, 3)
    ids, labels = dataset.values(["id", "ground_truth.label"])
    control = read_label_config(studio.project_data[project]["label_config"])
    for sample, label in zip(ids[:11], labels, strict=False):
        prediction = predicted(studio, project, sample)
        assert control.labels_of(prediction["result"]) == [label or "7"]
        assert prediction["score"] == (None if label else 0.8334)
    assert studio.task_of(project, ids[11])["predictions"] == []


def test_a_suggestion_for_another_field_is_not_sent(dataset, studio):
    write_suggestions(dataset, list_items(dataset), [Suggestion("7", 0.8, True, [], "weather")] * 12)
    project = new_project(dataset, studio)
    assert send_all(dataset, studio, project).suggested == 0


def test_predictions_have_the_version_that_the_project_shows(dataset, studio):
    project = new_project(dataset, studio)
    send_all(dataset, studio, project)
    shown = studio.project_data[project]["model_version"]
    assert shown
    assert {predicted(studio, project, s)["model_version"] for s in dataset.limit(8).values("id")} == {shown}


@pytest.mark.parametrize("shown", ["labelscape-0007", "yolo"])
def test_the_version_of_a_connected_backend_is_taken_over(dataset, studio, shown):
    project = new_project(dataset, studio)
    studio.project_data[project]["model_version"] = shown
    studio.backends_of[project] = [{"id": 1, "title": "yolo"}, {"id": 2, "title": "labelscape-0007"}]
    send_all(dataset, studio, project)
    assert predicted(studio, project, dataset.first().id)["model_version"] == "labelscape-0007"


def test_another_models_version_stays_shown_and_the_message_says_how_to_see_ours(dataset, studio):
    project = new_project(dataset, studio)
    studio.project_data[project]["model_version"] = "yolo"
    said = send_all(dataset, studio, project).sentence()
    assert studio.project_data[project]["model_version"] == "yolo"
    assert "shows the predictions of “yolo”" in said


def test_boxes_go_as_percentages_inside_the_picture_with_its_size(boxes, studio):
    project = new_project(boxes, studio, "objects")
    sample = boxes.first()
    send(boxes, [sample.id], studio=studio, project=project, field="objects")
    first, second = predicted(studio, project, sample.id)["result"]
    assert first["value"] == {
        "x": 25.0,
        "y": 50.0,
        "width": 50.0,
        "height": 25.0,
        "rotation": 0.0,
        "rectanglelabels": ["0"],
    }
    assert (first["original_width"], first["original_height"]) == (64, 64)
    assert first["id"] == sample.objects.detections[0].id
    out = second["value"]
    assert (out["x"], out["y"], out["width"]) == (75.0, 0.0, 25.0)
    assert out["height"] == pytest.approx(40.0)


def test_a_box_without_a_class_goes_with_its_suggestion(boxes, studio):
    items = list_items(boxes, "objects")
    write_suggestions(boxes, items, [Suggestion("5", 0.6, False, [], "objects")] * len(items))
    project = new_project(boxes, studio, "objects")
    send(boxes, boxes.limit(4).values("id"), studio=studio, project=project, field="objects")
    prediction = predicted(studio, project, boxes.first().id)
    classes = {item["id"]: item["value"]["rectanglelabels"] for item in prediction["result"]}
    assert sorted(classes.values()) == [["0"], ["5"], ["9"]]
    assert prediction["score"] == 0.6


def test_several_labels_a_sample_go_to_a_project_of_several_choices(dataset, studio):
    sample = dataset.first()
    sample["topics"] = fo.Classifications(classifications=[fo.Classification(label=name) for name in ("1", "2")])
    sample.save()
    project = new_project(dataset, studio, "topics")
    send(dataset, [sample.id], studio=studio, project=project, field="topics")
    (item,) = predicted(studio, project, sample.id)["result"]
    assert item["value"]["choices"] == ["1", "2"]


def test_several_classes_suggested_go_to_a_project_of_several_choices(dataset, studio):
    sample = dataset.first()
    dataset.add_sample_field("topics", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classifications)
    suggestion = Suggestion("2", 0.99, True, [], "topics", ("1",), (0.96,), ("",))
    write_suggestions(dataset, list_items(dataset.select(sample.id)), [suggestion])
    project = new_project(dataset, studio, "topics", classes=["1", "2"])
    assert send(dataset, [sample.id], studio=studio, project=project, field="topics").suggested == 1
    prediction = predicted(studio, project, sample.id)
    assert sorted(prediction["result"][0]["value"]["choices"]) == ["1", "2"]
    assert prediction["score"] == 0.96


def test_classes_that_the_project_lacks_are_reported_and_their_labels_left_out(dataset, studio):
    project = new_project(dataset, studio, classes=["0", "1", "2"])
    report = send_all(dataset, studio, project)
    labels = dataset.limit(8).values("ground_truth.label")
    assert report.labeled == sum(label in ("0", "1", "2") for label in labels)
    assert sum(report.unknown.values()) == 8 - report.labeled
    assert "classes that the project does not have" in report.sentence()


def test_files_that_cannot_go_are_named_and_the_others_go(make_digits_dataset, studio, tmp_path):
    dataset = make_digits_dataset(3)
    odd = tmp_path / "scan.tiff"
    odd.write_bytes(b"II*")
    dataset.add_samples([fo.Sample(filepath=str(tmp_path / "gone.png")), fo.Sample(filepath=str(odd))])
    project = new_project(dataset, studio)
    report = send_all(dataset, studio, project)
    assert report.sent == 3
    assert report.left_out == ("gone.png", "scan.tiff")
    assert "“gone.png” and “scan.tiff”" in report.sentence()


def test_uploads_are_split_before_they_are_too_large(make_digits_dataset, studio, monkeypatch):
    dataset = make_digits_dataset(10)
    largest = max(Path(path).stat().st_size for path in dataset.values("filepath"))
    monkeypatch.setattr("labelscape.ml_backend.actions.send_to_label_studio.BYTES_AT_ONCE", 2 * largest)
    assert send_all(dataset, studio, new_project(dataset, studio)).sent == 10
    assert studio.requests.count("upload") >= 5


def test_media_of_a_mirrored_project_are_not_uploaded_again(studio, tmp_path):
    origin = studio.create_project("Origin", make_label_config("choices", DIGITS, multi=False))
    mirror = open_mirror(URL, origin, studio.project_data[origin]["label_config"])
    try:
        dataset = mirror.dataset
        paths, _ = write_digits(tmp_path, count=2)
        ids = dataset.add_samples([fo.Sample(filepath=str(path)) for path in paths])
        AnnotationLedger(dataset, f"{URL}#{origin}").write(
            [
                TaskRecord(1, ids[0], "/data/upload/1/a.png"),
                TaskRecord(2, ids[1], "s3://bucket/b.png"),  # needs the login of its own project
            ]
        )
        project = new_project(dataset, studio)
        send_all(dataset, studio, project)
        assert studio.task_of(project, ids[0])["data"]["image"] == "/data/upload/1/a.png"
        assert studio.task_of(project, ids[1])["data"]["image"].startswith(f"/data/upload/{project}/")
        with pytest.raises(ValueError, match="mirrors project"):
            send_all(dataset, studio, origin)
    finally:
        fo.delete_dataset(mirror.dataset.name)


def test_labels_of_one_field_only_go_to_a_project(dataset, studio):
    project = new_project(dataset, studio)
    send_all(dataset, studio, project)
    dataset.add_sample_field("other", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    with pytest.raises(ValueError, match="'ground_truth' of this dataset were sent to"):
        send_all(dataset, studio, project, "other")


def test_what_is_in_the_way_is_reported_in_words(dataset, boxes, studio):
    project = new_project(dataset, studio)
    with pytest.raises(ValueError, match="asks for one class per image"):
        send_all(boxes, studio, project, "objects")
    with pytest.raises(ValueError, match="neither classifications nor detections"):
        send_all(dataset, studio, project, "filepath")
    with pytest.raises(ValueError, match="specify the classes"):
        new_project(dataset, studio, classes=[])
    with pytest.raises(ValueError, match="a title has 3 to 50"):
        open_project(dataset, studio, title="x" * 51, field="ground_truth", classes=DIGITS)
    text = studio.create_project("Text", '<View><Text name="t" value="$text"/><TextArea name="a" toName="t"/></View>')
    with pytest.raises(ValueError, match="TextArea “a”"):
        send_all(dataset, studio, text)
    del studio.project_data[project]
    with pytest.raises(ValueError, match="is no longer in"):
        send_all(dataset, studio, project)


def test_datasets_that_are_not_of_images_are_refused(studio, make_digits_dataset):
    videos = fo.Dataset()
    with pytest.raises(ValueError, match="nothing to send"):
        send(videos, [], studio=studio, project=1, field="ground_truth")
    videos.add_sample(fo.Sample(filepath="film.mp4"))
    with pytest.raises(ValueError, match="video dataset"):
        send_all(videos, studio, 1)
    videos.delete()


def test_samples_of_one_kind_are_not_sent_to_a_project_that_shows_another(dataset, studio):
    config = make_label_config("choices", DIGITS, multi=False, modality="text")
    project = studio.create_project("Texts", config)
    with pytest.raises(ValueError, match=r"“label” of the project labels Text “text”, .* of the kind “image”"):
        send_all(dataset, studio, project)


def test_windows_of_recordings_are_not_sent_as_whole_recordings(dataset, studio):
    declare_medium_field(dataset, "audio", "audio")
    dataset.add_sample_field("start", fo.FloatField)
    with pytest.raises(ValueError, match="windows of recordings"):
        send_all(dataset, studio, new_project(dataset, studio))
