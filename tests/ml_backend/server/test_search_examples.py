"""Which samples, or regions, are the examples of a search in a Label Studio project."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.server.requests import ActionRequest
from labelscape.ml_backend.server.search_examples import SearchExamples, read_examples
from labelscape.ml_backend.server.sync import ProjectSync

from .box_projects import box, fill, served_boxes


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[ProjectSync]:
    yield from served_boxes(tmp_path)


def examples(sync: ProjectSync, tasks: list[int], **values: Any) -> SearchExamples:
    given = {"label": "", "negatives": [], "text": "", **values}
    return read_examples(sync, ActionRequest(tasks, "", given))


def test_the_regions_of_a_class_are_the_examples_and_others_stand_for_a_task_without_one(sync: ProjectSync) -> None:
    cat, dog, other, lone = box("Cat", "a"), box("Dog", "b"), box("Cat", "c"), box("Dog", "d")
    tasks = fill(sync, {0: [cat, dog], 1: [other], 2: [lone]})
    chosen = examples(sync, tasks[:1], label="Cat", negatives=tasks[1:3])
    assert chosen.query.positives == (cat.id,)
    assert set(chosen.query.negatives) == {other.id, lone.id}
    assert chosen.in_words() == "1 positive region and 2 negative regions"
    assert set(examples(sync, tasks[:1]).query.positives) == {cat.id, dog.id}
    with pytest.raises(Refusal, match="The 1 positive task has no region labeled “Bird”: choose other tasks"):
        examples(sync, tasks[:1], label="Bird")
    with pytest.raises(Refusal, match="The 1 negative task has no region: choose other tasks"):
        examples(sync, tasks[:1], negatives=tasks[3:4])


def test_examples_without_a_vector_yet_are_left_out_and_counted(sync: ProjectSync) -> None:
    cat = box("Cat", "a")
    tasks = fill(sync, {0: [cat], 1: [box("Dog", "b")]})
    mirror = sync.opened()
    drawn_since = box("Cat", "new")
    for place, boxes in ((0, [cat, drawn_since]), (2, [box("Cat", "alone")])):
        sample = mirror.dataset.one(fo.ViewField("task_id") == tasks[place])
        sample[mirror.field] = fo.Detections(detections=boxes)
        sample.save()
    chosen = examples(sync, tasks[:1], label="Cat")
    assert chosen.query.positives == (cat.id,)
    assert chosen.in_words() == "1 positive region (1 more has no embedding yet)"
    with pytest.raises(Refusal, match="None of the examples has an embedding yet"):
        examples(sync, tasks[2:3], label="Cat")
