"""The actions API of the real `labelscape serve`, on a project in a real Label Studio."""

from collections import Counter
from typing import Any

import pytest
import requests

from .projects import Project, eventually

pytestmark = pytest.mark.slow
ANN, BOB = "1", "2"


def call(project: Project, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
    headers = {"X-Labelscape-Secret": project.server.settings["secret"]}
    address = f"{project.server.url}/v1/projects/{project.id}/{path}"
    return requests.request(method, address, json=body, headers=headers, timeout=120)


def preview(project: Project, action: str, **body: Any) -> dict[str, Any]:
    answer = call(project, "POST", f"{action}/preview", body)
    assert answer.ok, answer.text
    return dict(answer.json())


def run(project: Project, action: str, **body: Any) -> dict[str, Any]:
    """The job of an action, once it has finished."""
    answer = call(project, "POST", action, {"by": ANN, **body})
    assert answer.status_code == 202, answer.text
    job = answer.json()["id"]

    def ended() -> dict[str, Any] | None:
        now = call(project, "GET", f"jobs/{job}").json()
        return now if now["state"] not in ("waiting", "running") else None

    return eventually(f"the end of {action}", ended)


def annotated(project: Project) -> dict[int, str]:
    return {
        number: task["annotations"][0]["result"][0]["value"]["choices"][0]
        for number, task in project.tasks().items()
        if task["annotations"]
    }


def test_label_neighbors_as_annotations_labels_what_it_announced_and_is_undone(project: Project) -> None:
    before = annotated(project)
    seed = next(task for task in project.unlabeled() if project.digits[task] == "0")
    settings = {"tasks": [seed], "label": "0", "reach": 4, "as": "annotations"}
    announced = preview(project, "label_neighbors", **settings)
    assert announced["numbers"] == {"selected": 1, "neighbors": 4, "kept": 0}
    assert annotated(project) == before

    done = run(project, "label_neighbors", **settings)
    assert done["state"] == "done", done
    assert done["outcome"]["numbers"] == {"selected": 1, "neighbors": 4, "kept": 0, "written": 5}
    after = annotated(project)
    new = after.keys() - before.keys()
    assert len(new) == 5
    assert new >= {seed, *announced["tasks"]}
    assert {after[task] for task in new} == {"0"}

    somebody_else = run(project, "undo", by=BOB)
    assert (somebody_else["state"], annotated(project).keys() - before.keys()) == ("failed", new)
    undone = run(project, "undo")
    assert (undone["state"], undone["outcome"]["numbers"]) == ("done", {"undone": 5})
    assert annotated(project) == before
    assert run(project, "undo")["outcome"]["sentence"].startswith("There is nothing to undo")


def test_label_neighbors_as_predictions_stays_when_suggestions_are_made_again(project: Project) -> None:
    seed, other = [task for task in project.unlabeled() if project.digits[task] != "7"][:2]
    done = run(project, "label_neighbors", tasks=[seed], label="7", reach=3, **{"as": "predictions"})
    assert done["outcome"]["numbers"]["neighbors"] == 3
    assert project.predicted()[seed] == "7"
    chosen = {task for task, label in project.predicted().items() if label == "7"}

    project.annotate(other)
    eventually("suggestions that know the new label", lambda: other in project.labels())
    assert run(project, "suggest_labels", tasks=project.unlabeled())["state"] == "done"
    assert project.predicted()[seed] == "7"
    assert run(project, "undo")["state"] == "done"
    assert Counter(project.predicted().values())["7"] < len(chosen) + 3
    assert project.predicted()[seed] != "7"


def test_suggestions_are_accepted_above_a_confidence_and_all_others_stay_unlabeled(project: Project) -> None:
    before = annotated(project)
    announced = preview(project, "accept_suggestions", tasks="all", count=120, confidence=0.9)
    done = run(project, "accept_suggestions", tasks="all", count=120, confidence=0.9)
    assert done["outcome"]["numbers"]["accepted"] == announced["numbers"]["suggestions"] > 0
    after = annotated(project)
    new = {task: label for task, label in after.items() if task not in before}
    assert len(new) == announced["numbers"]["suggestions"]
    assert sum(project.digits[task] == label for task, label in new.items()) >= 0.8 * len(new)
    assert {task: after[task] for task in before} == before


def test_rankings_searches_and_segments_become_columns_and_tabs(project: Project) -> None:
    zeros = [task for task, digit in project.digits.items() if digit == "0"]
    ones = [task for task, digit in project.digits.items() if digit == "1"]
    ranked = run(project, "rank_outliers", tasks=project.unlabeled())
    assert ranked["outcome"]["numbers"]["ranked"] == len(project.unlabeled())
    assert run(project, "rank_mislabels", tasks="all", count=120)["outcome"]["numbers"]["ranked"] == 40

    outcome = run(project, "find_similar", tasks=zeros[:3], negatives=ones[:3], limit=5)["outcome"]
    assert outcome["numbers"] == {"found": 5}
    assert sum(project.digits[task] == "0" for task in outcome["tasks"]) >= 4
    function = run(project, "create_function", tasks=zeros[:3], name="Round ones", threshold=0.6)
    assert function["state"] == "done", function
    segment = run(project, "create_segment", tasks=zeros[:4], name="Zeros", kind="data quality")
    assert segment["outcome"]["numbers"] == {"added": 4}

    titles = {tab["data"]["title"] for tab in project.tabs()}
    assert {"Outliers", "Similar tasks", "Zeros · segment", "Round ones · function"} <= titles
    data = project.data()
    assert {task for task, values in data.items() if values.get("ls_similar", 0) > 0} == set(outcome["tasks"])
    assert {task for task, values in data.items() if "|zeros|" in values.get("ls_segments", "")} == set(zeros[:4])
    assert all(data[task]["ls_fn_round_ones"] > 0.5 for task in zeros[:3])
    assert run(project, "undo")["outcome"]["sentence"] == "Undid: segment “Zeros”."
    assert "Zeros · segment" not in {tab["data"]["title"] for tab in project.tabs()}


def test_an_audit_draws_tasks_to_label_and_then_accepts_the_rest(project: Project) -> None:
    assert run(project, "suggest_labels", tasks="all", count=120, precision=0.8)["state"] == "done"
    begun = run(project, "audit_suggestions", target=0.6)["outcome"]
    drawn, population = begun["numbers"]["drawn"], begun["numbers"]["population"]
    assert 0 < drawn < population
    places = {task: data.get("ls_audit", 0) for task, data in project.data().items()}
    checks = sorted((task for task, place in places.items() if place), key=places.__getitem__)
    assert [places[task] for task in checks] == list(range(1, drawn + 1))
    assert "Audit" in {tab["data"]["title"] for tab in project.tabs()}
    assert "not accepted yet" in run(project, "audit_suggestions", step="accept")["outcome"]["sentence"]

    for task in checks:
        project.annotate(task)
    labels = {task: project.digits[task] for task in checks}
    eventually("the checks in FiftyOne", lambda: labels.items() <= project.labels().items())
    result = run(project, "audit_suggestions")["outcome"]
    assert result["numbers"]["left"] == 0
    assert "the target of 60% is reached" in result["sentence"], result["sentence"]
    accepted = run(project, "audit_suggestions", step="accept")["outcome"]
    assert accepted["numbers"]["accepted"] == population - drawn
    assert annotated(project).keys() >= set(checks)
    assert "Audit" not in {tab["data"]["title"] for tab in project.tabs()}
    assert not any(data.get("ls_audit") for data in project.data().values())


def test_the_panel_reads_the_map_the_neighbors_and_what_to_label_next(project: Project) -> None:
    shown = eventually("a map", lambda: (answer := call(project, "GET", "map")).ok and answer.json())
    assert set(shown["tasks"]) == set(project.digits)
    assert {len(shown[column]) for column in ("x", "y", "labels", "predictions", "outlier")} == {120}
    task = project.unlabeled()[0]
    near = call(project, "GET", f"tasks/{task}/neighbors?count=8").json()["neighbors"]
    assert len(near) == 8
    assert [one["distance"] for one in near] == sorted(one["distance"] for one in near)
    assert sum(project.digits[one["task"]] == project.digits[task] for one in near) >= 4
    assert set(call(project, "GET", "next?count=3").json()["tasks"]) <= set(project.unlabeled())
    assert call(project, "GET", "description").json()["classes"] == [str(digit) for digit in range(10)]


def test_what_cannot_be_done_is_refused_with_a_sentence(project: Project) -> None:
    def refusal(action: str, **body: Any) -> tuple[int, str]:
        answer = call(project, "POST", f"{action}/preview", body)
        return answer.status_code, answer.json()["detail"]

    assert refusal("label_neighbors", tasks=[], label="0")[0] == 422
    assert "not a label of this project" in refusal("label_neighbors", tasks=[1], label="cat")[1]
    assert "The backend has none of the 1 task yet" in refusal("label_neighbors", tasks=[10**9], label="0")[1]
    assert call(project, "GET", "jobs/none").status_code == 404
    url = f"{project.server.url}/v1/projects/{project.id}"
    for method, path in (("GET", "map"), ("POST", "undo"), ("POST", "label_neighbors/preview"), ("DELETE", "jobs/1")):
        assert requests.request(method, f"{url}/{path}", timeout=30).status_code == 401
    unserved = requests.get(
        f"{project.server.url}/v1/projects/999999/map", auth=("", project.server.settings["secret"]), timeout=30
    )
    assert unserved.status_code == 403
