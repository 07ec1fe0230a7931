"""One project in sync with Label Studio: labels are sent exactly once, whatever is interrupted."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
import torch
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.actions.map import MapSettings, compute_map
from labelscape.ml_backend.label_studio.client import LabelStudioDown
from labelscape.ml_backend.label_studio.label_fields import ProjectHeld
from labelscape.ml_backend.label_studio.media_hosts import MediaUnavailable
from labelscape.ml_backend.label_studio.mirror import EMBEDDINGS
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.server import sync as syncing
from labelscape.ml_backend.server.events import Event
from labelscape.ml_backend.server.project_model import MAP
from labelscape.ml_backend.server.sync import ProjectSync
from labelscape.ml_backend.store.embeddings import provenance_of
from labelscape.ml_backend.store.maps import list_maps

from ..label_studio.stand_in import URL, StandIn

CONFIG = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img">'
    '<Choice value="Cat"/><Choice value="Dog"/></Choices></View>'
)


@pytest.fixture
def studio() -> StandIn:
    """A Label Studio with a connected project of one task."""
    made = StandIn()
    project = made.create_project("pets", CONFIG)
    made.backends_of[project] = [{"id": 1, "title": "labelscape-0001"}]
    made.import_tasks(project, [{"data": {"image": "/pet", "fiftyone_id": "pet"}}])
    return made


@pytest.fixture
def start(studio: StandIn, tmp_path: Path) -> Iterator[Callable[[], ProjectSync]]:
    """Factory of what starting the backend creates."""
    [path], _ = write_digits(tmp_path, count=1)
    [project] = studio.project_data
    yield lambda: ProjectSync(
        project,
        ServerSettings(url=URL),
        studio,  # type: ignore[arg-type]
        lambda addresses, _kind, _seconds: [path for _ in addresses],
    )
    fo.delete_dataset(f"label-studio-{project}")


def label_here(sync: ProjectSync, label: str) -> None:
    sample = sync.opened().dataset.first()
    sample.ground_truth = fo.Classification(label=label)
    sample.save()


def chosen(label: str) -> list[dict[str, Any]]:
    return [{"from_name": "kind", "to_name": "img", "type": "choices", "value": {"choices": [label]}}]


def annotated(studio: StandIn) -> list[tuple[int, str]]:
    [tasks] = studio.tasks_of.values()
    [task] = tasks
    return [
        (annotation["completed_by"], annotation["result"][0]["value"]["choices"][0])
        for annotation in task["annotations"]
    ]


@pytest.mark.parametrize("broken", ["answer of create_annotation", "delete_annotation"])
def test_a_label_whose_sending_broke_off_is_one_annotation_and_stays_ours(
    studio: StandIn, start: Callable[[], ProjectSync], broken: str
) -> None:
    sync = start()
    sync.catch_up()
    label_here(sync, "Cat")
    sync.catch_up()
    label_here(sync, "Dog")
    studio.fails_at = broken
    with pytest.raises(LabelStudioDown):
        sync.catch_up()
    studio.fails_at = ""
    sync = start()
    sync.catch_up()
    assert annotated(studio) == [(1, "Dog")]
    label_here(sync, "Cat")
    sync.catch_up()
    assert annotated(studio) == [(1, "Cat")]


@pytest.mark.parametrize("annotator", [1, 2])
def test_what_a_person_annotated_alike_is_not_taken_for_ours(
    studio: StandIn, start: Callable[[], ProjectSync], annotator: int
) -> None:
    sync = start()
    [project] = studio.project_data
    studio.annotate(project, "pet", chosen("Dog"), by=annotator, at="2026-05-01T12:00:00.000000Z")
    studio.annotate(project, "pet", chosen("Cat"), by=2, at="2026-05-02T12:00:00.000000Z")
    sync.catch_up()
    label_here(sync, "Dog")
    studio.fails_at = "create_annotation"
    with pytest.raises(LabelStudioDown):
        sync.catch_up()
    studio.fails_at = ""
    start().catch_up()
    assert annotated(studio) == [(annotator, "Dog"), (2, "Cat"), (1, "Dog")]
    label_here(sync, "Cat")
    start().catch_up()
    assert annotated(studio)[:2] == [(annotator, "Dog"), (2, "Cat")]


def test_a_prediction_for_an_open_project_asks_nothing_of_label_studio(
    studio: StandIn, start: Callable[[], ProjectSync]
) -> None:
    sync = start()
    assert not sync.is_open
    sync.open()
    assert sync.is_open
    [project] = studio.project_data
    studio.annotate(project, "pet", chosen("Dog"), by=2)
    tasks = studio.tasks(project)
    studio.requests.clear()
    assert sync.predict(tasks, 60.0) == [None]
    assert studio.requests == []
    assert len(sync.opened().dataset) == 1
    sync.catch_up()
    assert sync.opened().dataset.first().ground_truth.annotator == "bob@example.com"


def test_what_a_poll_finds_is_suggested_for(studio: StandIn, start: Callable[[], ProjectSync]) -> None:
    sync = start()
    [project] = studio.project_data
    assert sync.catch_up()
    assert not sync.catch_up()
    studio.import_tasks(project, [{"data": {"image": "/puppy", "fiftyone_id": "puppy"}}])
    assert sync.catch_up(), "a task without a label"
    studio.task_of(project, "puppy")["data"]["image"] = "/older dog"
    assert sync.catch_up(), "another medium"
    studio.annotate(project, "puppy", [])
    sync.catch_up()
    assert not sync.catch_up()
    studio.task_of(project, "puppy")["annotations"].clear()
    assert any([sync.catch_up(), sync.catch_up()]), "an annotation without a label, deleted"


def test_a_medium_that_is_there_at_last_is_suggested_for(
    studio: StandIn, start: Callable[[], ProjectSync], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, late = start(), tmp_path / "late.png"
    [project] = studio.project_data
    fetched: dict[str, Path | ValueError] = {"/pet": MediaUnavailable("status 404")}
    sync = ProjectSync(project, made.settings, studio, lambda some, *_: [fetched[one] for one in some])  # type: ignore[arg-type]
    monkeypatch.setattr(sync.media_retries, "due", lambda records: [one for one in records if not one.sample])
    sync.catch_up()
    assert not sync.catch_up()
    late.write_bytes(write_digits(tmp_path / "one", count=1)[0][0].read_bytes())
    fetched["/pet"] = late
    assert sync.catch_up()


def test_another_embedding_model_drops_the_map_of_the_former_vectors(
    start: Callable[[], ProjectSync], tmp_path: Path
) -> None:
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(192, 10))
    torch.jit.script(network).save(str(tmp_path / "tiny.pt"))
    sync = start()
    sync.catch_up()
    dataset = sync.opened().dataset
    paths, digits = write_digits(tmp_path / "more", count=12)
    label = [fo.Classification(label="Cat" if digit % 2 else "Dog") for digit in digits]
    dataset.add_samples(
        [fo.Sample(filepath=str(path), ground_truth=one) for path, one in zip(paths, label, strict=True)]
    )
    sync.suggest()
    compute_map(dataset, embeddings=EMBEDDINGS, key=MAP, settings=MapSettings(method="pca"))
    sync.suggest()
    assert list_maps(dataset) == [MAP]
    sync.settings = replace(
        sync.settings, model=f"own/{tmp_path}/tiny.pt", model_options={"size": 16, "mean": "0, 0, 0", "std": "1, 1, 1"}
    )
    sync.suggest()
    assert list_maps(dataset) == []
    assert provenance_of(dataset, EMBEDDINGS).model.startswith("own/")


def test_an_error_of_ours_is_not_taken_for_a_project_that_needs_more_labels(
    start: Callable[[], ProjectSync], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("shapes (3,) and (4,) do not match")

    sync = start()
    sync.catch_up()
    monkeypatch.setattr(syncing, "suggest_labels", broken)
    with pytest.raises(ValueError, match="shapes"):
        sync.suggest()
    assert sync.status.note == ""


def test_a_label_field_renamed_while_the_backend_runs_is_followed(
    start: Callable[[], ProjectSync], studio: StandIn
) -> None:
    sync = start()
    sync.catch_up()
    label_here(sync, "Cat")
    sync.catch_up()
    before = annotated(studio)
    sync.opened().dataset.rename_sample_field("ground_truth", "animal")
    sync.catch_up()
    assert annotated(studio) == before
    assert sync.opened().field == "animal"
    assert sync.opened().dataset.values("animal.label") == ["Cat"]


def test_another_project_with_the_number_of_a_lost_one_deletes_nothing(
    start: Callable[[], ProjectSync], studio: StandIn
) -> None:
    sync = start()
    sync.catch_up()
    label_here(sync, "Cat")
    dataset = sync.opened().dataset
    [project] = studio.project_data
    lost = studio.tasks_of[project]
    studio.tasks_of[project] = [{**lost[0], "id": lost[0]["id"] + 1, "annotations": [], "predictions": []}]
    studio.project_data[project]["created_at"] = "2026-06-01T08:00:00Z"
    deleted = Event("1", "TASKS_DELETED", project, [lost[0]["id"]], [])
    for served in (sync, start()):
        with pytest.raises(ProjectHeld, match="rename the dataset"):
            served.catch_up()
        with pytest.raises(ProjectHeld, match="is not the one that the dataset"):
            served.apply([deleted])
    dataset.reload()
    assert dataset.values("ground_truth.label") == ["Cat"]
    dataset.name = f"{dataset.name}-lost"
    sync.catch_up()
    assert sync.opened().dataset.values("ground_truth.label") == [None]
    fo.delete_dataset(dataset.name)


def test_a_dataset_of_an_earlier_version_belongs_to_the_project_it_is_started_with(
    start: Callable[[], ProjectSync], studio: StandIn
) -> None:
    sync = start()
    dataset = sync.opened().dataset
    del dataset.info["label_studio"]["created_at"]
    dataset.save()
    start().catch_up()
    dataset.reload()
    [project] = studio.project_data.values()
    assert dataset.info["label_studio"]["created_at"] == project["created_at"]
