"""A project that labels boxes, served without a Label Studio, for tests of what it answers."""

from collections.abc import Iterator
from pathlib import Path

import fiftyone as fo
import numpy as np
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.label_studio.mirror import EMBEDDINGS
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.server.sync import ProjectSync

from ..label_studio.setting import BOXES, drawn, view
from ..label_studio.stand_in import URL, StandIn

TASKS = 5


def served_boxes(tmp_path: Path) -> Iterator[ProjectSync]:
    """A project of five tasks: the first two are annotated, without regions here."""
    studio = StandIn()
    project = studio.create_project("pets", view(BOXES))
    studio.backends_of[project] = [{"id": 1, "title": "labelscape-0001"}]
    paths, _ = write_digits(tmp_path, count=TASKS)
    studio.import_tasks(
        project, [{"data": {"image": f"/{number}", "fiftyone_id": str(number)}} for number in range(TASKS)]
    )
    for number in range(2):
        studio.annotate(project, str(number), [drawn(f"a{number}", "Cat")])
    made = ProjectSync(
        project,
        ServerSettings(url=URL),
        studio,  # type: ignore[arg-type]
        lambda addresses, _kind, _seconds: [paths[int(one[1:])] for one in addresses],
    )
    made.catch_up()
    yield made
    fo.delete_dataset(f"label-studio-{project}")


def box(label: str | None, region: str | None) -> fo.Detection:
    return fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.2, 0.2], region=region)


def fill(sync: ProjectSync, boxes: dict[int, list[fo.Detection]]) -> list[int]:
    """Give tasks, by their place, these regions, and embed them; returns the numbers of all tasks."""
    mirror = sync.opened()
    samples = {sample.task_id: sample for sample in mirror.dataset}
    tasks = sorted(samples)
    for place, task in enumerate(tasks):
        samples[task][mirror.field] = fo.Detections(detections=boxes.get(place, []))
        samples[task].save()
    ids = [one.id for detections in boxes.values() for one in detections]
    vectors = np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)
    import_embeddings(
        mirror.dataset, key=EMBEDDINGS, ids=ids, vectors=vectors, source="test", patches_field=mirror.field
    )
    return tasks
