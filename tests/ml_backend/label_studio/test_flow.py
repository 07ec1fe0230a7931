"""Labels sync both ways without loss: other people's answers, decisions, and changed classes and boxes."""

from typing import Any

import fiftyone as fo
import pytest
from labelscape.ml_backend.label_studio import flow
from labelscape.ml_backend.label_studio import mirror as mirroring
from labelscape.ml_backend.label_studio.notices import read_notices

from .setting import BOXES, KIND, QUALITY, SEVERAL, SHAPE, chosen, drawn, view
from .stand_in import URL

# --- what other people answered --------------------------------------------------------------------------------------


def test_a_label_that_would_leave_a_required_question_open_is_held_back_and_that_is_reported(start: Any) -> None:
    setting = start(KIND, QUALITY)
    setting.relabel(0, "Cat")
    setting.poll()
    assert setting.results(0) == []
    [waiting] = setting.flow.held_back.values()
    assert "also requires an answer to “quality”" in waiting.reason
    assert setting.label(0) == "Cat"
    setting.relabel(0, "Dog")
    setting.annotate(0, chosen("Cat"), chosen("good", name="quality"), at="2020-01-01T00:00:00Z")
    setting.poll()
    assert setting.flow.held_back == {}


def test_a_label_that_is_held_back_stays_listed_while_other_tasks_are_synced(start: Any) -> None:
    setting = start(KIND, QUALITY)
    setting.relabel(0, "Cat")
    setting.poll()
    other = setting.studio.task_of(setting.project, "1")
    setting.annotate(1, chosen("Dog"), chosen("good", name="quality"))
    setting.flow.step(setting.mirror, mirroring.take_tasks(setting.mirror, [other], "labelscape-"))
    assert len(setting.flow.held_back) == 1


def test_a_required_question_holds_a_label_back_only_while_it_is_visible(start: Any) -> None:
    condition = 'visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="Dog"'
    setting = start(KIND, QUALITY.replace('toName="img"', f'toName="img" {condition}'))
    setting.relabel(0, "Cat")
    setting.relabel(1, "Dog")
    setting.poll()
    assert setting.results(0) == [[chosen("Cat")]]
    assert setting.results(1) == []


def test_a_relabel_carries_the_answers_of_other_controls_over(start: Any) -> None:
    setting = start(KIND, QUALITY)
    setting.annotate(0, chosen("Cat"), chosen("good", name="quality"), by=2)
    setting.poll()
    setting.relabel(0, "Dog")
    setting.poll()
    theirs, ours = setting.results(0)
    assert theirs == [chosen("Cat"), chosen("good", name="quality")]
    assert sorted(item["value"]["choices"][0] for item in ours) == ["Dog", "good"]
    setting.poll()
    assert len(setting.results(0)) == 2


def test_a_relabeled_box_keeps_its_note_and_all_else_of_its_annotation(start: Any) -> None:
    setting = start(BOXES)
    note = {"id": "r1", "from_name": "note", "to_name": "img", "type": "textarea", "value": {**SHAPE, "text": ["old"]}}
    relation = {"type": "relation", "from_id": "r1", "to_id": "r2", "direction": "right"}
    setting.annotate(0, drawn("r1", "Cat"), note, drawn("r2", "Cat", x=-5), relation)
    setting.poll()
    sample = setting.sample(0)
    sample.ground_truth.detections[0].label = "Dog"
    sample.save()
    setting.poll()
    ours = setting.results(0)[-1]
    assert ours == [drawn("r1", "Dog"), note, drawn("r2", "Cat", x=-5), relation]


# --- whose word counts -----------------------------------------------------------------------------------------------


def test_ground_truth_is_not_overridden_by_a_later_annotation_nor_by_a_label_saved_here(start: Any) -> None:
    setting = start(KIND)
    setting.annotate(0, chosen("Cat"), truth=True, at="2026-05-01T00:00:00Z")
    setting.annotate(0, chosen("Dog"), by=2, at="2026-05-02T00:00:00Z")
    setting.poll()
    assert setting.label(0) == "Cat"
    assert read_notices(setting.mirror.dataset) == []
    setting.relabel(0, "Dog")
    setting.poll()
    assert setting.label(0) == "Cat"
    assert len(setting.results(0)) == 2
    [notice] = read_notices(setting.mirror.dataset)
    assert "gave way to annotations marked as ground truth" in notice


def test_the_latest_annotation_counts_where_the_setting_says_so(start: Any) -> None:
    setting = start(KIND, rule="latest")
    setting.annotate(0, chosen("Cat"), truth=True, at="2026-05-01T00:00:00Z")
    setting.annotate(0, chosen("Dog"), by=2, at="2026-05-02T00:00:00Z")
    setting.poll()
    assert setting.label(0) == "Dog"


def test_an_annotation_that_becomes_ground_truth_without_another_change_counts(start: Any) -> None:
    setting = start(KIND)
    first = setting.annotate(0, chosen("Cat"), at="2026-05-01T00:00:00Z")
    setting.annotate(0, chosen("Dog"), by=2, at="2026-05-02T00:00:00Z")
    setting.poll()
    assert setting.label(0) == "Dog"
    changed = mirroring.take_annotations(setting.mirror, [{**first, "ground_truth": True}])
    setting.flow.step(setting.mirror, changed)
    setting.mirror.dataset.reload()
    assert setting.label(0) == "Cat"


# --- checked, nothing there ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "empty"), [(KIND, "Classification"), (SEVERAL, "Classifications"), (BOXES, "Detections")]
)
def test_checked_and_nothing_there_is_not_the_same_as_not_checked(start: Any, parts: str, empty: str) -> None:
    setting = start(parts)
    annotation = setting.annotate(0)
    setting.annotate(1, skipped=True)
    for _ in range(2):
        setting.poll()
        checked, *others = (setting.sample(number).ground_truth for number in range(3))
        assert type(checked).__name__ == empty
        assert not (checked.label if empty == "Classification" else checked[empty.lower()])
        assert others == [None, None]
        assert (checked["labelscape"], checked["annotator"]) == ("human", "ann@example.com")
    by_hand = setting.mirror.dataset.match(fo.ViewField("ground_truth.labelscape") == "human")
    assert by_hand.values("id") == [setting.sample(0).id]
    setting.studio.delete_annotation(annotation["id"])
    setting.poll()
    assert setting.sample(0).ground_truth is None


def test_a_checked_sample_is_evidence_against_every_class_and_an_emptied_one_is_not(start: Any) -> None:
    from labelscape.ml_backend.store.items import list_items
    from labelscape.ml_backend.store.labels import label_field, read_labels

    setting = start(SEVERAL)
    setting.annotate(0)
    setting.annotate(1, chosen("Cat"))
    setting.poll()
    sample = setting.sample(2)
    sample.ground_truth = fo.Classifications(classifications=[])  # as a cleared label leaves it
    sample.save()
    dataset = setting.mirror.dataset
    labels = read_labels(dataset, list_items(dataset), label_field(dataset, "ground_truth"))
    assert labels.of_class(0).tolist() == [0, 1, -1]
    assert labels.evidence_of_class(0).tolist() == [0, 1, -1]


def test_labels_that_somebody_took_away_there_are_gone_here_and_the_sample_counts_as_checked(start: Any) -> None:
    setting = start(BOXES)
    annotation = setting.annotate(0, drawn("r1", "Cat"))
    setting.poll()
    annotation.update(result=[], updated_at="2026-06-01T00:00:00Z")
    setting.poll()
    assert setting.sample(0).ground_truth.detections == []


# --- boxes that change -----------------------------------------------------------------------------------------------


def test_a_moved_box_moves_here_keeps_its_tags_and_drops_the_mask_of_its_old_place(start: Any) -> None:
    import numpy as np

    setting = start(BOXES)
    annotation = setting.annotate(0, drawn("r1", "Cat"))
    setting.poll()
    sample = setting.sample(0)
    box = sample.ground_truth.detections[0]
    box.tags, box.index, box.mask, box["color"] = ["seen"], 7, np.ones((4, 4), bool), "red"
    sample.save()
    annotation.update(result=[drawn("r1", "Cat", x=50)], updated_at="2026-06-01T00:00:00Z")
    setting.poll()
    [moved] = setting.sample(0).ground_truth.detections
    assert moved.bounding_box == pytest.approx([0.5, 0.2, 0.3, 0.4])
    assert (moved.id, moved.mask, moved.tags, moved.index, moved["color"]) == (box.id, None, ["seen"], 7, "red")


def test_a_relabeled_sample_keeps_its_tags_and_drops_a_models_confidence(start: Any) -> None:
    setting = start(KIND)
    annotation = setting.annotate(0, chosen("Cat"))
    setting.poll()
    sample = setting.sample(0)
    sample.ground_truth.tags, sample.ground_truth.confidence = ["seen"], 0.9
    sample.save()
    annotation.update(result=[chosen("Dog")], updated_at="2026-06-01T00:00:00Z")
    setting.poll()
    label = setting.sample(0).ground_truth
    assert (label.label, label.tags, label.confidence) == ("Dog", ["seen"], None)


def test_a_turned_box_without_a_size_is_measured_on_its_image(start: Any) -> None:
    setting = start(BOXES)
    from PIL import Image

    Image.new("RGB", (200, 100)).save(setting.paths[0])
    setting.annotate(0, drawn("r1", "Cat", x=50, y=20, width=10, height=40, rotation=90))
    setting.poll()
    [box] = setting.sample(0).ground_truth.detections
    assert box.bounding_box == pytest.approx([0.3, 0.2, 0.2, 0.2])


def test_an_object_whose_box_became_unusable_is_not_a_removed_object(start: Any) -> None:
    setting = start(BOXES)
    annotation = setting.annotate(0, drawn("r1", "Cat"))
    setting.poll()
    annotation.update(result=[drawn("r1", "Cat", x=float("nan"))], updated_at="2026-06-01T00:00:00Z")
    setting.poll()
    [box] = setting.sample(0).ground_truth.detections
    assert (box.label, box.bounding_box) == ("Cat", pytest.approx([0.1, 0.2, 0.3, 0.4]))


# --- a config that changes -------------------------------------------------------------------------------------------


def test_a_renamed_control_keeps_all_labels_and_makes_its_predictions_due_again(start: Any) -> None:
    from labelscape.ml_backend.label_studio.ledger import Prediction

    setting = start(KIND)
    setting.annotate(0, chosen("Cat"))
    setting.poll()
    task = setting.studio.task_of(setting.project, "1")["id"]
    setting.mirror.ledger.set_predictions({task: Prediction(1, (("", "Cat"),), 0.9, True, "labelscape-0001")})
    mirror = setting.poll(view(KIND.replace('name="kind"', 'name="sort"')))
    assert setting.label(0) == "Cat"
    prediction = mirror.ledger.read()[task].prediction
    assert prediction is not None
    assert prediction.labeling == ()
    setting.annotate(2, chosen("Dog", name="sort"))
    setting.poll()
    assert [setting.label(number) for number in (0, 2)] == ["Cat", "Dog"]
    assert len(setting.results(0)) == 1


def test_labels_of_a_renamed_class_that_is_deleted_later_stay_as_they_are(start: Any) -> None:
    setting = start(KIND)
    setting.annotate(0, chosen("Cat"), by=2)
    setting.poll()
    renamed = KIND.replace('"Cat"', '"Kitty"')
    setting.poll(view(renamed))
    assert setting.label(0) == "Kitty"
    setting.poll(view(renamed.replace('<Choice value="Kitty"/>', "")))
    assert setting.label(0) == "Kitty"
    assert len(setting.studio.task_of(setting.project, "0")["annotations"]) == 1


def test_a_renamed_class_is_renamed_here_as_one_save_that_can_be_undone(start: Any) -> None:
    from labelscape.ml_backend.store.saves import undo

    setting = start(KIND)
    setting.annotate(0, chosen("Cat"))
    setting.poll()
    setting.relabel(1, "Cat")
    mirror = setting.poll(view(KIND.replace("Cat", "Kitty")))
    assert [setting.label(number) for number in range(3)] == ["Kitty", "Kitty", None]
    assert "is now called “Kitty”" in mirror.notices[0]
    assert setting.results(1) == [[chosen("Kitty")]]
    setting.poll()
    assert undo(mirror.dataset).count == 2


def test_a_control_that_was_replaced_by_another_question_leaves_the_labels(start: Any) -> None:
    setting = start(KIND)
    setting.annotate(0, chosen("Cat"))
    setting.poll()
    other = '<Choices name="mood" toName="img"><Choice value="calm"/></Choices>'
    mirror = setting.poll(view(other, other.replace("mood", "tone")))
    assert setting.label(0) == "Cat"
    assert "“kind” is gone" in mirror.notices[0]


def test_one_class_becomes_several_and_back_without_losing_any(start: Any) -> None:
    setting = start(KIND)
    setting.annotate(0, chosen("Cat"))
    setting.poll()
    mirror = setting.poll(view(SEVERAL))
    assert [one.label for one in setting.sample(0).ground_truth.classifications] == ["Cat"]
    assert "several classes per image: 1 label converted" in mirror.notices[0]
    setting.annotate(1, chosen("Cat", "Dog"))
    setting.poll()
    mirror = setting.poll(view(KIND))
    assert [setting.label(number) for number in range(3)] == ["Cat", "Cat", None]
    kept = setting.sample(1).ground_truth_several
    assert [one.label for one in kept.classifications] == ["Cat", "Dog"]
    assert "kept in 'ground_truth_several'" in mirror.notices[1]
    setting.poll()
    assert setting.label(1) == "Cat"


def test_boxes_cannot_become_choices_and_that_is_reported(start: Any) -> None:
    setting = start(BOXES)
    with pytest.raises(ValueError, match="rename that dataset"):
        mirroring.open_mirror(URL, setting.project, view(KIND))


def test_an_annotation_that_cannot_be_read_is_skipped_and_the_rest_is_processed(start: Any) -> None:
    setting = start(KIND)
    setting.studio.task_of(setting.project, "0")["annotations"].append({"id": None, "result": []})
    setting.studio.task_of(setting.project, "0")["annotations"].append({"id": 8, "result": "odd"})
    garbled = {**chosen("Cat"), "value": {"choices": [None, {"a": 1}]}}
    setting.studio.task_of(setting.project, "2")["annotations"].append({"id": 9, "result": [garbled]})
    setting.annotate(0, chosen("Cat"))
    setting.annotate(1, chosen("Dog"))
    for _ in range(2):
        setting.poll()
    assert [setting.label(number) for number in range(3)] == ["Cat", "Dog", None]
    tasks = [setting.studio.task_of(setting.project, number)["id"] for number in "02"]
    assert setting.mirror.unreadable == {str(task) for task in tasks}


def test_an_answer_that_becomes_unreadable_leaves_what_was_read_before(start: Any) -> None:
    setting = start(KIND)
    setting.annotate(0, chosen("Cat"))
    setting.poll()
    task = setting.studio.task_of(setting.project, "0")
    [annotation] = task["annotations"]
    annotation |= {"result": [{**chosen("Cat"), "value": {"choices": [None]}}], "updated_at": "2099-01-01T00:00:00Z"}
    setting.poll()
    assert setting.label(0) == "Cat"
    assert str(task["id"]) in setting.mirror.unreadable


# --- annotations made from here that somebody edits -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "at", "wins"), [("Bird", "2099-01-01T00:00:00Z", "Bird"), ("Cat", "2026-06-02T00:00:00Z", "Dog")]
)
def test_an_edit_of_an_annotation_made_from_here_survives_a_relabel_on_its_way(
    start: Any, label: str, at: str, wins: str
) -> None:
    setting = start(KIND.replace("</Choices>", '<Choice value="Bird"/></Choices>'))
    setting.relabel(0, "Cat")
    setting.poll()
    [ours] = setting.studio.task_of(setting.project, "0")["annotations"]
    setting.relabel(0, "Dog")
    note = {"from_name": "note", "to_name": "img", "type": "textarea", "value": {"text": ["hours of work"]}}
    ours.update(result=[chosen(label), note], updated_at=at, completed_by=2)
    known = list(setting.mirror.ledger.read().values())
    setting.flow.step(setting.mirror, known)
    assert setting.results(0)[0] == [chosen(label), note]
    setting.mirror.dataset.reload()
    assert setting.label(0) == wins


def test_an_edit_of_an_annotation_made_from_here_survives_the_removal_of_its_label(start: Any) -> None:
    setting = start(KIND)
    setting.relabel(0, "Cat")
    setting.poll()
    [ours] = setting.studio.task_of(setting.project, "0")["annotations"]
    sample = setting.sample(0)
    sample.ground_truth = None
    sample.save()
    ours.update(result=[chosen("Dog")], updated_at="2099-01-01T00:00:00Z", completed_by=2)
    setting.flow.step(setting.mirror, list(setting.mirror.ledger.read().values()))
    assert setting.results(0) == [[chosen("Dog")]]


def test_an_edit_found_while_sending_does_not_hide_the_labels_that_still_wait(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "SENT_AT_ONCE", 1)
    setting = start(KIND)
    setting.relabel(0, "Cat")
    setting.poll()
    [ours] = setting.studio.task_of(setting.project, "0")["annotations"]
    for number, label in enumerate(["Dog", "Cat", "Cat"]):
        setting.relabel(number, label)
    ours.update(updated_at="2099-01-01T00:00:00Z", completed_by=2)
    setting.flow.step(setting.mirror, list(setting.mirror.ledger.read().values()))
    assert [len(setting.results(number)) for number in range(3)] == [2, 0, 0]
    assert setting.flow.behind


def test_an_edit_that_arrives_while_the_new_annotation_is_made_survives(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = start(KIND)
    setting.relabel(0, "Cat")
    setting.poll()
    [ours] = setting.studio.task_of(setting.project, "0")["annotations"]
    create = setting.studio.create_annotation

    def create_during_an_edit(task: int, result: Any) -> Any:
        ours.update(result=[chosen("Cat"), chosen("good", name="quality")], updated_at="2099-01-01T00:00:00Z")
        return create(task, result)

    monkeypatch.setattr(setting.studio, "create_annotation", create_during_an_edit)
    setting.relabel(0, "Dog")
    setting.flow.step(setting.mirror, list(setting.mirror.ledger.read().values()))
    assert ours["result"] in setting.results(0)
    assert len(setting.results(0)) == 2
