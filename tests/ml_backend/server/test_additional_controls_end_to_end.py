"""One project that asks two questions about each image, with a real Label Studio and the real `labelscape serve`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

from .projects import CLASSES, IMAGE, Project, eventually, open_task

pytestmark = pytest.mark.slow

HOLES = {"0": "one", "6": "one", "9": "one", "8": "two"}


def holes(digit: str) -> str:
    return HOLES.get(digit, "none")


def control(name: str, classes: list[str]) -> str:
    options = "".join(f'<Choice value="{one}"/>' for one in classes)
    return f'<Choices name="{name}" toName="image">{options}</Choices>'


CONFIG = f"<View>{IMAGE}{control('digit', CLASSES)}{control('holes', ['none', 'one', 'two'])}</View>"


def answer(**given: str) -> list[dict[str, Any]]:
    return [
        {"from_name": name, "to_name": "image", "type": "choices", "value": {"choices": [label]}}
        for name, label in given.items()
    ]


def both(digit: str) -> list[dict[str, Any]]:
    return answer(digit=digit, holes=holes(digit))


def said(result: list[dict[str, Any]]) -> dict[str, str]:
    return {item["from_name"]: next(iter(item["value"]["choices"]), "") for item in result}


def labels(project: Project, field: str) -> dict[int, str]:
    pairs = zip(*project.dataset.values(["task_id", f"{field}.label"]), strict=True)
    return {task: label for task, label in pairs if label}


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Project:
    project = make_project(CONFIG, n=150, labeled=90, answer=both)
    eventually("a prediction for each unlabeled task", lambda: len(project.predictions(unlabeled=True)) == 60)
    return project


def test_each_control_has_its_labels_its_suggestions_and_its_part_of_one_prediction(project: Project) -> None:
    dataset = project.dataset
    unlabeled = set(project.unlabeled())
    annotated = {task: digit for task, digit in project.digits.items() if task not in unlabeled}
    assert labels(project, "ground_truth") == annotated
    assert labels(project, "holes") == {task: holes(digit) for task, digit in annotated.items()}

    def opened() -> dict[int, dict[str, str]]:
        return {task: said(one["result"]) for task, one in project.predictions(unlabeled=True).items()}

    full = eventually("predictions by both", lambda: [one for one in opened().values() if len(one) == 2])
    assert len(full) > 25
    right = [one == said(both(project.digits[task])) for task, one in opened().items() if len(one) == 2]
    assert sum(right) > 0.7 * len(right)

    dataset.reload()
    scores = {
        task: min(one for one in confidences if one is not None)
        for task, *confidences in zip(
            *dataset.values(["task_id", "suggested_label.confidence", "suggested_label_holes.confidence"]), strict=True
        )
        if any(one is not None for one in confidences)
    }
    shown = {task: one["score"] for task, one in project.predictions(unlabeled=True).items()}
    assert shown == {task: pytest.approx(scores[task], abs=0.05) for task in shown}


def test_answers_go_both_ways_and_the_other_control_keeps_its_own(project: Project) -> None:
    there, here = project.unlabeled()[:2]
    body = {"result": answer(digit="3", holes="two")}
    project.studio.ask("POST", f"tasks/{there}/annotations/", json=body)
    eventually("both answers in FiftyOne", lambda: labels(project, "holes").get(there) == "two")
    assert labels(project, "ground_truth")[there] == "3"
    # A label that is changed before the backend has noted the annotation counts as labeled on both sides.
    eventually("the annotation noted", lambda: "labelscape_queue_depth 0.0" in project.server.get("metrics").text)

    def save(task: int, **values: str) -> None:
        sample = project.dataset.one(fo.ViewField("task_id") == task)
        for field, label in values.items():
            sample[field] = fo.Classification(label=label)
        sample.save()

    def results(task: int) -> list[dict[str, str]]:
        made = project.studio.ask("GET", f"tasks/{task}/annotations/")
        return [said(one["result"]) for one in sorted(made, key=lambda one: int(one["id"]))]

    save(there, holes="none")
    save(here, ground_truth="7", holes="none")
    project.refresh()
    eventually("an annotation with both labels", lambda: results(here) == [{"digit": "7", "holes": "none"}])
    eventually("the other answer kept", lambda: results(there)[1:] == [{"digit": "3", "holes": "none"}])
    assert results(there)[0] == {"digit": "3", "holes": "two"}
    assert labels(project, "ground_truth")[there] == "3"


def test_connecting_names_both_controls_and_what_is_about_the_first_only(project: Project) -> None:
    output = " ".join(project.connect().output.split())
    assert "“digit” with 10 classes and “holes” with 3 classes are filled in" in output
    assert "actions use “digit”" in output
    assert "Not filled in" not in output


def test_a_control_that_is_added_later_is_filled_in_from_then_on(make_project: Callable[..., Project]) -> None:
    alone = f"<View>{IMAGE}{control('digit', CLASSES)}</View>"
    project = make_project(alone, n=80, labeled=40, answer=lambda digit: answer(digit=digit))
    eventually("a prediction for each unlabeled task", lambda: len(project.predictions(unlabeled=True)) == 40)
    before = labels(project, "ground_truth")
    project.studio.ask("PATCH", f"projects/{project.id}/", json={"label_config": CONFIG})
    tasks = project.unlabeled()
    for task in tasks[:12]:
        result = both(project.digits[task])
        project.studio.ask("POST", f"tasks/{task}/annotations/", json={"result": result})
    eventually("labels of the new control", lambda: len(labels(project, "holes")) == 12)
    assert before.items() <= labels(project, "ground_truth").items()

    def names() -> set[str]:
        return {name for one in project.predictions(unlabeled=True).values() for name in said(one["result"])}

    eventually("predictions by both controls", lambda: names() == {"digit", "holes"})


def test_an_annotator_finds_both_questions_answered_and_submits(project: Project, page: Any, tmp_path: Path) -> None:
    task = next(
        task
        for task, one in project.predictions(unlabeled=True).items()
        if len(said(one["result"])) == 2 and one["score"] > 0.5
    )
    expected = said(project.predictions(unlabeled=True)[task]["result"])
    open_task(page, project, task)
    checked = page.locator(".lsf-choice__checkbox.ant-checkbox-wrapper-checked")
    checked.nth(1).wait_for()
    page.locator(".lsf-choices").last.scroll_into_view_if_needed()
    page.screenshot(path=tmp_path / "two-questions.png")
    shown = [text.split("[")[0].strip() for text in checked.all_inner_texts()]
    assert shown == list(expected.values())
    page.get_by_role("button", name="Submit").click()
    eventually("the answers in FiftyOne", lambda: labels(project, "holes").get(task) == expected["holes"])
    assert labels(project, "ground_truth")[task] == expected["digit"]
