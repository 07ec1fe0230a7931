"""Annotations become labels with annotator and time, in one save; what a person changed here stays. Uses a stand-in."""

from datetime import datetime

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.save import undo_save
from labelscape.ml_backend.actions.send_to_label_studio import send
from labelscape.ml_backend.label_studio.client import LabelStudioDown
from labelscape.ml_backend.label_studio.ledger import SentLedger, SentTask

from ..label_studio.stand_in import StandIn
from .sent_datasets import Sent


@pytest.fixture
def digits(make_digits_dataset, studio):
    """Ten digits, "0" to "9", of which the last two have no label."""
    return Sent(make_digits_dataset(10, labeled=8), studio, "ground_truth")


def test_annotations_become_labels_with_who_and_when(digits):
    annotation = digits.choose(0, "7")
    digits.choose(8, "8", by=2, at="2026-05-02T08:30:00Z")
    report = digits.pull()
    assert (report.given, report.confirmed, report.waiting) == (2, 0, 8)
    label = digits.dataset[digits.ids[0]].ground_truth
    assert (label.label, label.annotator, label.labelscape) == ("7", "ann@example.com", "human")
    assert label.annotation == annotation["id"]
    assert label.labeled_at == datetime(2026, 5, 1, 12, 0, 0, 123000)
    assert digits.label(8) == "8"
    said = report.sentence()
    assert "ann@example.com (1) and bob@example.com (1), last on 2026-05-02 08:30 UTC" in said
    assert "2 of 10 tasks are annotated" in said


def test_a_label_that_an_annotator_confirms_gets_who_and_when(digits):
    digits.choose(3, "3")
    report = digits.pull()
    assert (report.given, report.confirmed) == (0, 1)
    assert digits.dataset[digits.ids[3]].ground_truth.annotator == "ann@example.com"


def test_a_second_pull_adds_nothing_and_says_so(digits):
    digits.choose(0, "7")
    digits.choose(3, "3")
    digits.pull()
    modified = digits.dataset.values("last_modified_at")
    report = digits.pull()
    assert "Nothing new" in report.sentence()
    assert digits.dataset.values("last_modified_at") == modified


def test_one_undo_takes_a_whole_pull_back_and_a_next_pull_brings_it_again(digits):
    before = digits.dataset.values("ground_truth.label")
    digits.choose(0, "7")
    digits.choose(3, "3")
    digits.choose(9, "9")
    digits.pull()
    assert undo_save(digits.dataset).title == "pull of 3 labels from “Again”"
    digits.dataset.reload()
    assert digits.dataset.values("ground_truth.label") == before
    assert digits.dataset[digits.ids[3]].ground_truth.annotator is None
    assert digits.pull().conflicts == []
    assert [digits.label(number) for number in (0, 3, 9)] == ["7", "3", "9"]


def test_the_latest_annotation_counts_and_skipped_ones_never(digits):
    digits.choose(0, "5", at="2026-05-03T00:00:00Z")
    digits.choose(0, "6", at="2026-05-02T00:00:00Z")
    digits.choose(0, "7", at="2026-05-04T00:00:00Z", skipped=True)
    digits.choose(1, "7", skipped=True)
    report = digits.pull()
    assert digits.label(0) == "5"
    assert digits.label(1) == "1"
    assert (report.annotated, report.skipped) == (1, 1)


def test_a_label_that_a_person_changed_here_in_the_meantime_is_kept_and_shown(digits):
    digits.relabel(0, "4")
    digits.choose(0, "7")
    report = digits.pull()
    assert digits.label(0) == "4"
    assert [(conflict.item, conflict.label, conflict.existing) for conflict in report.conflicts] == [
        (digits.ids[0], "7", "4")
    ]
    assert "“4” instead of “7”" in report.sentence()
    assert digits.pull().conflicts == report.conflicts
    assert digits.pull(replace=True).given == 1
    assert digits.label(0) == "7"


def test_a_label_that_only_followed_its_neighbors_gives_way(digits):
    sample = digits.dataset[digits.ids[9]]
    sample["ground_truth"] = fo.Classification(label="4", labelscape="neighbors")
    sample.save()
    digits.choose(9, "9")
    assert digits.pull().conflicts == []
    assert digits.label(9) == "9"


def test_an_annotation_changed_after_a_pull_replaces_what_that_pull_brought(digits):
    annotation = digits.choose(0, "7")
    digits.pull()
    annotation.update(result=digits.control.choice(["8"]), updated_at="2026-06-01T00:00:00Z")
    report = digits.pull()
    assert report.conflicts == []
    assert digits.label(0) == "8"


def test_the_exchange_follows_a_field_that_is_renamed(digits):
    annotation = digits.choose(0, "7")
    digits.pull()
    digits.dataset.rename_sample_field("ground_truth", "digit")
    digits.field = "digit"
    annotation.update(result=digits.control.choice(["8"]), updated_at="2026-06-01T00:00:00Z")
    digits.choose(8, "3")
    report = digits.pull()
    assert (report.given, report.conflicts) == (2, [])
    assert (digits.label(0), digits.label(8)) == ("8", "3")
    assert "Nothing new" in digits.pull().sentence()
    again = send(digits.dataset, digits.ids, studio=digits.studio, project=digits.project, field="digit")
    assert (again.sent, again.already_sent) == (0, 10)
    assert not digits.dataset.has_field("ground_truth")


def test_the_exchange_follows_a_field_that_is_renamed_again_and_again(digits):
    annotation = digits.choose(0, "7")
    digits.pull()
    for number, name in enumerate(("middle", "last", "very_last")):
        digits.dataset.rename_sample_field(digits.field, name)
        digits.field = name
        annotation.update(
            result=digits.control.choice([str(8 - number)]), updated_at=f"2026-06-0{number + 1}T00:00:00Z"
        )
        report = digits.pull()
        assert (report.given, report.conflicts) == (1, [])
        assert digits.label(0) == str(8 - number)


def test_a_deleted_annotation_is_reported_and_its_label_stays(digits):
    digits.choose(0, "7")
    digits.pull()
    digits.studio.task_of(digits.project, digits.ids[0])["annotations"].clear()
    report = digits.pull()
    assert report.withdrawn == 1
    assert digits.label(0) == "7"
    assert "deleted there" in report.sentence()


def test_deleted_tasks_and_deleted_samples_disturb_nothing(digits):
    digits.choose(1, "7")
    digits.choose(2, "7")
    digits.dataset.delete_samples([digits.ids[1]])
    del digits.studio.tasks_of[digits.project][0]
    report = digits.pull()
    assert (report.given, report.gone) == (1, 1)
    assert digits.label(2) == "7"


def test_annotations_can_go_into_a_new_field_beside_the_old_labels(digits):
    digits.choose(0, "7")
    digits.pull(field="second_opinion")
    assert digits.label(0) == "0"
    assert digits.dataset[digits.ids[0]].second_opinion.label == "7"
    undo_save(digits.dataset)
    digits.dataset.reload()
    assert digits.dataset[digits.ids[0]].second_opinion is None


def test_a_failure_in_the_middle_changes_nothing(digits):
    digits.choose(0, "7")

    def fail(project):
        yield digits.studio.tasks_of[project][0]
        raise LabelStudioDown("cannot be reached")

    digits.studio.annotated_tasks = fail
    with pytest.raises(LabelStudioDown):
        digits.pull()
    assert digits.label(0) == "0"


def test_several_classes_are_merged_one_by_one(make_digits_dataset, studio):
    dataset = make_digits_dataset(2)
    for sample in dataset:
        sample["topics"] = fo.Classifications(classifications=[fo.Classification(label=name) for name in ("1", "2")])
        sample.save()
    sent = Sent(dataset, studio, "topics")
    sample = dataset.first()
    sample.topics.classifications.append(fo.Classification(label="9"))  # added here meanwhile
    sample.save()
    sent.choose(0, "2", "3")
    report = sent.pull()
    assert (report.given, report.confirmed, report.removed) == (1, 1, 1)
    assert sorted(c.label for c in dataset[sent.ids[0]].topics.classifications) == ["2", "3", "9"]
    assert "Nothing new" in sent.pull().sentence()
    undo_save(dataset)
    dataset.reload()
    assert [c.label for c in dataset[sent.ids[0]].topics.classifications] == ["1", "2", "9"]


def test_classes_that_label_studio_was_never_shown_stay(make_digits_dataset, studio):
    dataset = make_digits_dataset(1)
    sample = dataset.first()
    sample["topics"] = fo.Classifications(classifications=[fo.Classification(label=name) for name in ("1", "zebra")])
    sample.save()
    sent = Sent(dataset, studio, "topics")
    sent.submit(0)
    assert sent.pull().removed == 0
    assert [topic.label for topic in dataset.first().topics.classifications] == ["1", "zebra"]


def test_labels_stay_where_no_pre_annotation_was_valid(make_digits_dataset, studio, monkeypatch):
    monkeypatch.setattr(
        "labelscape.ml_backend.actions.send_to_label_studio.invalid_reason", lambda config, prediction: "odd"
    )
    sent = Sent(make_digits_dataset(2), studio, "ground_truth")
    sent.submit(0)
    sent.choose(1, "7")
    report = sent.pull()
    assert (report.removed, report.conflicts) == (0, [])
    assert [sent.label(0), sent.label(1)] == ["0", "7"]


def test_a_class_that_the_project_lacks_gives_way_to_an_annotation_only(digits):
    for number in (0, 1):
        digits.relabel(number, "zebra")
    sent = Sent(digits.dataset, StandIn(url="http://other.test"), "ground_truth")
    sent.submit(0)
    sent.choose(1, "7")
    assert sent.pull().conflicts == []
    assert [sent.label(0), sent.label(1)] == ["zebra", "7"]


def test_a_pull_into_one_field_says_nothing_of_another(digits):
    digits.dataset.add_sample_field("other", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    sample = digits.dataset[digits.ids[0]]
    sample["other"] = fo.Classification(label="7")  # by a person, before anything was pulled into it
    sample.save()
    annotation = digits.choose(0, "7")
    digits.pull()
    annotation.update(result=digits.control.choice(["8"]), updated_at="2026-06-01T00:00:00Z")
    report = digits.pull(field="other")
    assert [(conflict.label, conflict.existing) for conflict in report.conflicts] == [("8", "7")]
    assert digits.pull().conflicts == []
    assert digits.label(0) == "8"


def test_of_several_tasks_of_a_sample_the_latest_annotation_counts(digits):
    first = digits.choose(0, "7", at="2026-05-03T00:00:00Z")
    twin = {**digits.studio.task_of(digits.project, digits.ids[0]), "id": 1_000, "annotations": []}
    second = {**first, "id": 1_001, "result": digits.control.choice(["5"]), "updated_at": "2026-05-02T00:00:00Z"}
    digits.studio.tasks_of[digits.project].append({**twin, "annotations": [second]})
    SentLedger(digits.dataset, f"{digits.studio.url}#{digits.project}").write([SentTask(1_000, digits.ids[0], "")])
    digits.pull()
    assert digits.label(0) == "7"
    second.update(updated_at="2026-05-04T00:00:00Z")
    assert digits.pull().conflicts == []
    assert digits.label(0) == "5"


def test_a_class_that_the_project_no_longer_has_takes_no_label_away_and_is_reported(digits):
    for number in (3, 4):
        digits.submit(number)
    digits.choose(5, "5")
    digits.pull()
    project = digits.studio.project_data[digits.project]
    project["label_config"] = project["label_config"].replace('<Choice value="3"/><Choice value="4"/>', "")
    report = digits.pull()
    assert (report.removed, report.conflicts) == (0, [])
    assert [digits.label(number) for number in (3, 4, 5)] == ["3", "4", "5"]
    assert report.left_alone.unknown == {"3": 1, "4": 1}
    assert "add them to the project, then pull again" in report.sentence()


def test_a_renamed_class_and_a_renamed_control_are_followed(digits):
    for number in (3, 4):
        digits.submit(number)
    digits.pull()
    project = digits.studio.project_data[digits.project]
    project["label_config"] = project["label_config"].replace('"3"', '"three"').replace('name="label"', 'name="digit"')
    report = digits.pull()
    assert (report.given, report.conflicts) == (1, [])
    assert [digits.label(number) for number in (3, 4)] == ["three", "4"]
    assert "“label” is now called “digit”" in report.sentence()
    assert "Nothing new" in digits.pull().sentence()


def test_annotations_of_a_control_that_is_gone_leave_the_labels_and_are_reported(digits):
    digits.submit(3)
    digits.pull()
    project = digits.studio.project_data[digits.project]
    other = '<Choices name="{}" toName="image"><Choice value="calm"/></Choices>'
    project["label_config"] = (
        f'<View><Image name="image" value="$image"/>{other.format("mood")}{other.format("tone")}</View>'
    )
    report = digits.pull()
    assert digits.label(3) == "3"
    assert report.left_alone.silent == 1
    assert "restore the control's former name" in report.sentence()


def test_a_reviewers_decision_goes_before_a_later_annotation(digits):
    digits.choose(0, "7", truth=True, at="2026-05-03T00:00:00Z")
    digits.choose(0, "8", by=2, at="2026-05-04T00:00:00Z")
    digits.pull()
    assert digits.label(0) == "7"
    digits.pull(annotation="latest")
    assert digits.label(0) == "8"


def test_a_relabeled_sample_keeps_its_tags_and_own_attributes(digits):
    sample = digits.dataset[digits.ids[0]]
    sample.ground_truth.tags, sample.ground_truth["weather"] = ["seen"], "rain"
    sample.save()
    digits.choose(0, "7")
    digits.pull()
    label = digits.dataset[digits.ids[0]].ground_truth
    assert (label.label, label.tags, label["weather"]) == ("7", ["seen"], "rain")


def test_an_annotation_that_cannot_be_read_is_skipped_and_named_once(digits):
    digits.studio.task_of(digits.project, digits.ids[0])["annotations"].append({"id": "odd", "result": 3})
    digits.choose(1, "7")
    report = digits.pull()
    assert digits.label(1) == "7"
    assert len(report.left_alone.unreadable) == 1
    assert "Skipped annotations of 1 task that cannot be read" in report.sentence()


def test_one_annotated_task_is_reported_in_the_singular(make_digits_dataset, studio):
    sent = Sent(make_digits_dataset(1), studio, "ground_truth")
    sent.choose(0, "7")
    assert "1 of 1 task is annotated" in sent.pull().sentence()
