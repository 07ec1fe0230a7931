"""Texts, recordings, time series, and videos are mirrored, labeled, and predicted with a real Label Studio."""

from collections.abc import Callable
from typing import Any

import pytest
from labelscape.ml_backend.store.embeddings import provenance_of
from labelscape.ml_backend.store.medium_fields import medium_kind
from labelscape.testing.label_studio import LabelStudioServer

from .projects import Project, eventually
from .shown_media import SHOWN, Shown
from .test_actions_end_to_end import call
from .test_faults_end_to_end import status

pytestmark = pytest.mark.slow

LABELED, UNLABELED = 24, 12
MODELS = {
    "text": "text-preprocessing",
    "audio": "audio-preprocessing",
    "series": "series-preprocessing",
    "video": "video/preprocessing",
}


def rows_of(shown: Shown, studio: LabelStudioServer) -> tuple[list[str], list[dict[str, Any]]]:
    """Three classes, and tasks of them, the first labeled; the last task cannot be read."""
    made = shown.make(studio.media)
    classes = list(dict.fromkeys(name for _, name in made))[:3]
    if shown.kind == "rating":
        made = [(value, str(classes.index(name))) for value, name in made if name in classes]
        classes = ["0", "1", "2"]
    chosen = [one for one in made if one[1] in classes][: LABELED + UNLABELED]
    rows = [
        {"data": {"text": value, "class": name}, "annotations": [{"result": shown.result(name)}] if n < LABELED else []}
        for n, (value, name) in enumerate(chosen)
    ]
    bad = shown.bad(studio.media) if callable(shown.bad) else shown.bad
    return classes, [*rows, {"data": {"text": bad, "class": ""}}]


@pytest.mark.parametrize("tag", list(SHOWN))
def test_a_medium_of_each_kind_is_mirrored_labeled_and_predicted(
    make_project: Callable[..., Project], label_studio: LabelStudioServer, tag: str
) -> None:
    shown = SHOWN[tag]
    classes, rows = rows_of(shown, label_studio)
    project = make_project(shown.config(classes), rows=rows)
    number = str(project.id)
    truth = {task: data["class"] for task, data in project.data().items()}

    def found() -> dict[int, list[dict[str, Any]]]:
        return {
            task: [{key: item[key] for key in shown.result("0")[0]} for item in prediction["result"]]
            for task, prediction in project.predictions(unlabeled=True).items()
        }

    predicted = eventually("predictions", lambda: made if len(made := found()) == UNLABELED else None)
    assert sum(result == shown.result(truth[task]) for task, result in predicted.items()) >= 8
    dataset = project.dataset
    assert len(dataset) == LABELED + UNLABELED
    assert provenance_of(dataset, "labelscape").model == MODELS[medium_kind(dataset)]
    assert all(dataset.values(shown.field))
    eventually("the task without a medium", lambda: "1 without a medium" in status(project, "--project", number))

    task = next(iter(predicted))
    near = call(project, "GET", f"tasks/{task}/neighbors?count=3").json()["neighbors"]
    assert [(one["media"], bool(one["title"])) for one in near] == [("", True)] * 3
    project.studio.ask("POST", f"tasks/{task}/annotations/", json={"result": shown.result(truth[task])})
    eventually("the label here", lambda: project.labels().get(task))
