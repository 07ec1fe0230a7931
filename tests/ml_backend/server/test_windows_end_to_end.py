"""Regions of recordings and series are read, learned from by window, and predicted, with a real Label Studio."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from labelscape.cli.synthetic import AUDIO_RATE, SERIES_CHANNELS, SERIES_RATE, motion, write_sounds
from labelscape.ml_backend.label_studio.spans import NOTHING
from labelscape.ml_backend.store.embeddings import provenance_of
from labelscape.testing.label_studio import LabelStudioServer

from .projects import Project, eventually, open_task
from .shown_media import local
from .test_actions_end_to_end import call, run
from .test_faults_end_to_end import change_settings, status

pytestmark = pytest.mark.slow

RECORDINGS, LABELED, SECONDS = 26, 18, 6
MOTIONS = {"walk": 5, "swing": 3}  # their places among those that are made up
TIMES = "2026-01-02 10:00:{:06.3f}"


@dataclass(frozen=True)
class Kind:
    """A kind of recording: its config, what writes one of a class for each second, and a region of it."""

    config: str
    classes: tuple[str, str]
    write: Callable[[Path, list[str | None], int], None]
    region: Callable[[float, float, str], dict[str, Any]]
    edges: Callable[[dict[str, Any]], tuple[float, float]]
    ending: str


def write_audio(path: Path, seconds: list[str | None], seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = write_sounds(path.parent / "parts", count=70)
    parts = []
    for name in seconds:
        files = [one for one, kind in zip(made.media, made.classes, strict=True) if kind == name]
        sound = soundfile.read(rng.choice(files))[0] if files else np.zeros(1)
        parts.append(np.resize(sound, AUDIO_RATE) if files else rng.normal(0, 0.001, AUDIO_RATE))
    soundfile.write(path, np.concatenate(parts), AUDIO_RATE)


def write_series(path: Path, seconds: list[str | None], seed: int) -> None:
    rate = int(SERIES_RATE)
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal(0, 0.01, (3, rate)) if name is None else motion(6 * int(rng.integers(20)) + MOTIONS[name])[:, :rate]
        for name in seconds
    ]
    rows = np.concatenate(parts, axis=1).T
    lines = [",".join([TIMES.format(row / rate), *(f"{one:.4f}" for one in values)]) for row, values in enumerate(rows)]
    path.write_text("\n".join([",".join(("when", *SERIES_CHANNELS)), *lines]))


def written(seconds: float) -> str:
    return TIMES.format(seconds)


KINDS = {
    "audio": Kind(
        '<View><Audio name="shown" value="$text"/><Labels name="c" toName="shown">{labels}</Labels></View>',
        ("siren", "rain"),
        write_audio,
        lambda start, end, name: {
            "type": "labels", "value": {"start": start, "end": end, "channel": 0, "labels": [name]},
        },
        lambda value: (value["start"], value["end"]),
        ".wav",
    ),
    "series": Kind(
        '<View><TimeSeries name="shown" value="$text" valueType="url" timeColumn="when" '
        'timeFormat="%Y-%m-%d %H:%M:%S.%L">'
        + "".join(f'<Channel column="{name}"/>' for name in SERIES_CHANNELS)
        + '</TimeSeries><TimeSeriesLabels name="c" toName="shown">{labels}</TimeSeriesLabels></View>',
        ("walk", "swing"),
        write_series,
        lambda start, end, name: {
            "type": "timeserieslabels",
            "value": {"start": written(start), "end": written(end), "instant": False, "timeserieslabels": [name]},
        },
        lambda value: (float(value["start"][-6:]), float(value["end"][-6:])),
        ".csv",
    ),
}  # fmt: skip


def patterns(kind: Kind) -> list[list[str | None]]:
    """What each second of each recording is; of one labeled recording, nothing at all."""
    rng = np.random.default_rng(3)
    made = [[(*kind.classes, None)[int(one)] for one in rng.integers(0, 3, SECONDS)] for _ in range(RECORDINGS)]
    return [[None] * SECONDS, *made[1:]]


def regions(kind: Kind, seconds: list[str | None]) -> list[dict[str, Any]]:
    """The regions that a person would draw, not quite at the edges of windows."""
    return [
        {"from_name": "c", "to_name": "shown", "id": f"r{at}", **kind.region(at + 0.04, at + 0.96, name)}
        for at, name in enumerate(seconds)
        if name is not None
    ]


def make(make_project: Callable[..., Project], studio: LabelStudioServer, kind: Kind) -> Project:
    folder = studio.media / f"windows{kind.ending}"
    folder.mkdir(exist_ok=True)
    rows = []
    for number, seconds in enumerate(patterns(kind)):
        path = folder / f"{number:02d}{kind.ending}"
        kind.write(path, seconds, number)
        answers = [{"result": regions(kind, seconds)}] if number < LABELED else []
        data = {"text": local(path, studio.media), "truth": "|".join(name or "" for name in seconds)}
        rows.append({"data": data, "annotations": answers})
    labels = "".join(f'<Label value="{name}"/>' for name in kind.classes)
    return make_project(kind.config.replace("{labels}", labels), rows=rows)


def truth_of(project: Project) -> dict[int, list[str | None]]:
    return {task: [name or None for name in data["truth"].split("|")] for task, data in project.data().items()}


def predictions(project: Project) -> dict[int, list[dict[str, Any]]]:
    return {task: prediction["result"] for task, prediction in project.predictions(unlabeled=True).items()}


def by_second(kind: Kind, result: list[dict[str, Any]]) -> list[str | None]:
    """The class of each second in a result."""
    classes: list[str | None] = [None] * SECONDS
    for item in result:
        start, end = kind.edges(item["value"])
        for second in range(SECONDS):
            if start <= second + 0.5 <= end:
                classes[second] = item["value"][item["type"]][0]
    return classes


def windows_of(project: Project, task: int) -> list[str | None]:
    """The classes of a task's windows in FiftyOne, in order of time."""
    labels = project.dataset.match({"task_id": task}).first().ground_truth.detections
    return [one.label for one in sorted(labels, key=lambda one: one.bounding_box[0])]


@pytest.mark.parametrize("name", list(KINDS))
def test_regions_are_read_as_windows_and_suggested_as_regions(
    make_project: Callable[..., Project], label_studio: LabelStudioServer, page: Any, name: str
) -> None:
    kind = KINDS[name]
    project = make(make_project, label_studio, kind)
    truth = truth_of(project)
    predicted = eventually(
        "predictions", lambda: found if len(found := predictions(project)) == RECORDINGS - LABELED else None
    )
    seconds = [
        (guess, right)
        for task, result in predicted.items()
        for guess, right in zip(by_second(kind, result), truth[task], strict=True)
    ]
    assert np.mean([guess == right for guess, right in seconds]) > 0.8
    first, *others = sorted(truth)
    assert windows_of(project, first) == [NOTHING] * SECONDS, "an empty submission says that nothing is there"
    assert windows_of(project, others[0]) == [one or NOTHING for one in truth[others[0]]]
    assert provenance_of(project.dataset, "labelscape").model == f"{name}-preprocessing"

    task = max(predicted)  # a person draws regions, then takes them back
    made = project.studio.ask("POST", f"tasks/{task}/annotations/", json={"result": regions(kind, truth[task])})
    expected = [one or NOTHING for one in truth[task]]
    eventually("the windows' labels", lambda: windows_of(project, task) == expected)
    project.studio.ask("DELETE", f"annotations/{made['id']}/")
    eventually("no label", lambda: windows_of(project, task) == [None] * SECONDS)
    shown = next(one for one in sorted(predicted) if len(predicted[one]) > 1)
    look(page, project, shown, name)


def look(page: Any, project: Project, task: int, name: str) -> None:
    """Open a task in Label Studio, which shows the predicted regions."""
    open_task(page, project, task)
    page.locator(".lsf-outliner-item").first.wait_for()
    assert page.locator(".lsf-outliner-item").count() == len(predictions(project)[task])
    page.wait_for_timeout(2000)
    page.screenshot(path=f"test-results/windows-{name}.png")


def test_windows_labeled_in_fiftyone_become_an_annotation_once_all_are(
    make_project: Callable[..., Project], label_studio: LabelStudioServer
) -> None:
    kind = KINDS["audio"]
    project = make(make_project, label_studio, kind)
    task = max(eventually("predictions", lambda: predictions(project)))
    truth = [one or NOTHING for one in truth_of(project)[task]]

    def label(number: int) -> None:
        sample = project.dataset.match({"task_id": task}).first()
        for window in sample.ground_truth.detections:
            second = round(window.bounding_box[0] * SECONDS)
            if second < number:
                window.label = truth[second]
        sample.save()

    label(2)
    eventually(
        "held back",
        lambda: "4 windows of this recording have no class" in status(project, "--project", str(project.id)),
    )
    label(SECONDS)
    there = eventually("the annotation", lambda: project.task(task)["annotations"])
    assert [one or NOTHING for one in by_second(kind, there[0]["result"])] == truth
    assert all(item["value"]["channel"] == 0 and item["original_length"] == SECONDS for item in there[0]["result"])


def test_other_windows_are_cut_when_the_setting_changes(
    make_project: Callable[..., Project], label_studio: LabelStudioServer
) -> None:
    kind = KINDS["audio"]
    project = make(make_project, label_studio, kind)
    former = project.server.settings
    eventually("predictions", lambda: predictions(project))
    task = sorted(truth_of(project))[1]
    try:
        change_settings(project, window_seconds=2.0, hop_seconds=1.0)
        eventually("five windows", lambda: len(windows_of(project, task)) == SECONDS - 1)
        eventually("predictions again", lambda: len(predictions(project)) == RECORDINGS - LABELED)
    finally:
        change_settings(project, **former)


def test_the_map_the_panel_and_neighbors_show_windows(
    make_project: Callable[..., Project], label_studio: LabelStudioServer
) -> None:
    project = make(make_project, label_studio, KINDS["audio"])
    eventually("predictions", lambda: len(predictions(project)) == RECORDINGS - LABELED)
    eventually("a map", lambda: call(project, "GET", "map").ok)
    shown = call(project, "GET", "map").json()
    assert len(set(shown["regions"])) == len(shown["tasks"]) == RECORDINGS * SECONDS
    truth = truth_of(project)
    task, second = next((one, row) for one, names in truth.items() for row, name in enumerate(names) if name == "siren")
    panel = call(project, "GET", f"tasks/{task}/neighbors").json()
    assert [one["label"] for one in panel["regions"]] == [name or NOTHING for name in truth[task]]
    siren = panel["regions"][second]
    assert f"{second}.000-" in siren["title"]

    settings = {"tasks": [task], "label": "siren", "region": siren["region"], "reach": 2}
    done = run(project, "label_neighbors", **settings)["outcome"]
    assert done["numbers"]["neighbors"] == 2, done
    assert run(project, "undo")["outcome"]["numbers"] == {"undone": 3}
    drawn = run(project, "audit_suggestions", target=0.5)
    assert drawn["state"] == "done", drawn
    assert any(data.get("ls_audit") for data in project.data().values())


def test_connect_says_when_windows_are_too_short_for_a_series(
    make_project: Callable[..., Project], label_studio: LabelStudioServer
) -> None:
    project = make(make_project, label_studio, KINDS["series"])
    former = project.server.settings
    try:
        change_settings(project, window_seconds=0.1)
        said = project.connect().output
        assert "with 2 classes is filled in" in " ".join(said.split())
        assert "a window of 0.1 s has 5 of its moments" in " ".join(said.split())
    finally:
        change_settings(project, **former)
