"""Label Studio's answers, as the client takes them."""

from typing import Any

import pytest
from labelscape.ml_backend.server.label_studio import LabelStudio

PREDICTION = {"result": [], "score": 0.5, "model_version": "v"}


@pytest.mark.parametrize("kept", [0, 1])
def test_predictions_that_an_import_left_out_are_sent_again(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = LabelStudio("http://localhost:8080", "x" * 40)
    sent: list[tuple[str, Any]] = []

    def answer(_method: str, path: str, **options: Any) -> dict[str, Any]:
        sent.append((path, options["json"]))
        return {"task_ids": [7, 8], "prediction_count": kept, "created": 1}

    monkeypatch.setattr(studio, "_json", answer)
    tasks = [{"data": {"image": "a"}, "predictions": [PREDICTION]}, {"data": {"image": "b"}}]
    assert studio.import_tasks(3, tasks) == [7, 8]
    again = [("api/projects/3/import/predictions", [{"task": 7, **PREDICTION}])]
    assert sent[1:] == ([] if kept else again)


def test_projects_beyond_the_first_hundred_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    studio = LabelStudio("http://localhost:8080", "x" * 40)
    held = [{"id": number} for number in range(250, 0, -1)]

    def answer(_method: str, _path: str, *, params: dict[str, Any], **_options: Any) -> dict[str, Any]:
        end = params["page"] * 100  # never more a page, whatever is asked for
        return {"results": held[end - 100 : end], "next": "http://inside:8080/…" if end < len(held) else None}

    monkeypatch.setattr(studio, "_json", answer)
    assert studio.projects() == held
