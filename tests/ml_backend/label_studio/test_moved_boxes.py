"""A box that a person moved in FiftyOne is never moved back silently."""

from typing import Any

import pytest
from labelscape.ml_backend.label_studio import flow
from labelscape.ml_backend.label_studio.notices import read_notices
from labelscape.ml_backend.store.edits import apply

from .setting import BOXES, Setting, drawn

HERE = [0.5, 0.5, 0.2, 0.2]


def boxes(setting: Setting) -> dict[str, list[float]]:
    return {box.region: box.bounding_box for box in setting.sample(0).ground_truth.detections}


def move(setting: Setting) -> None:
    sample = setting.sample(0)
    sample.ground_truth.detections[0].bounding_box = HERE
    sample.save()


def relabel(setting: Setting, region: str, label: str) -> None:
    sample = setting.sample(0)
    [box] = [one for one in sample.ground_truth.detections if one.region == region]
    box.label = label
    sample.save()


@pytest.mark.parametrize("redrawn", [{}, {"x": 12}])
def test_a_box_moved_here_stays_when_its_annotation_changes_and_that_is_said(start: Any, redrawn: Any) -> None:
    setting = start(BOXES)
    annotation = setting.annotate(0, drawn("r1", "Cat"), by=2)
    setting.poll()
    move(setting)
    setting.poll()
    for number in range(2):
        more = [drawn("r1", "Dog", **redrawn), drawn("r2", "Dog", x=60 + number)]
        annotation.update(result=more, updated_at=f"2099-01-0{number + 1}T00:00:00Z")
        setting.poll()
        before = boxes(setting)
        assert before["r1"] == HERE
        assert before["r2"] == pytest.approx([0.6 + number / 100, 0.2, 0.3, 0.4])  # not moved here: follows
    assert [box.label for box in setting.sample(0).ground_truth.detections] == ["Dog", "Dog"]
    [notice] = read_notices(setting.mirror.dataset)
    assert "moved in FiftyOne stay there" in notice


def test_a_box_moved_to_the_same_place_there_follows_label_studio_again(start: Any) -> None:
    setting = start(BOXES)
    annotation = setting.annotate(0, drawn("r1", "Cat"), by=2)
    setting.poll()
    move(setting)
    same = {"x": 50, "y": 50, "width": 20, "height": 20}
    annotation.update(result=[drawn("r1", "Cat", **same)], updated_at="2099-01-01T00:00:00Z")
    setting.poll()
    assert read_notices(setting.mirror.dataset) == []
    annotation.update(result=[drawn("r1", "Cat", **{**same, "x": 40})], updated_at="2099-01-02T00:00:00Z")
    setting.poll()
    assert boxes(setting)["r1"] == pytest.approx([0.4, 0.5, 0.2, 0.2])


def test_a_box_moved_there_while_another_is_relabeled_here_follows_label_studio(start: Any) -> None:
    setting = start(BOXES)
    other = drawn("r2", "Dog", x=60)
    annotation = setting.annotate(0, drawn("r1", "Cat"), other, by=2, at="2020-01-01T00:00:00Z")
    setting.poll()
    annotation.update(result=[drawn("r1", "Cat", x=40), other], updated_at="2021-01-01T00:00:00Z")
    relabel(setting, "r2", "Cat")
    for _ in range(2):
        setting.poll()
    assert setting.results(0)[-1] == [drawn("r1", "Cat", x=40), drawn("r2", "Cat", x=60)]
    assert boxes(setting)["r1"] == pytest.approx([0.4, 0.2, 0.3, 0.4])
    ours = setting.studio.task_of(setting.project, "0")["annotations"][-1]
    ours.update(result=[drawn("r1", "Dog", x=45), drawn("r2", "Cat", x=60)], updated_at="2099-01-01T00:00:00Z")
    setting.poll()
    assert boxes(setting)["r1"] == pytest.approx([0.45, 0.2, 0.3, 0.4])
    assert read_notices(setting.mirror.dataset) == []


def test_a_box_whose_move_there_met_a_change_here_follows_at_the_next_poll(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = start(BOXES)
    annotation = setting.annotate(0, drawn("r1", "Cat"), by=2, at="2020-01-01T00:00:00Z")
    setting.poll()

    def apply_after_a_person(*args: Any) -> Any:
        monkeypatch.undo()
        relabel(setting, "r1", "Dog")
        return apply(*args)

    monkeypatch.setattr(flow, "apply", apply_after_a_person)
    annotation.update(result=[drawn("r1", "Cat", x=40)], updated_at="2021-01-01T00:00:00Z")
    for _ in range(3):
        setting.poll()
    assert boxes(setting)["r1"] == pytest.approx([0.4, 0.2, 0.3, 0.4])
    assert read_notices(setting.mirror.dataset) == []
