"""The label config of a real project changes in every way that Label Studio 1.23 allows."""

import pytest

from .projects import CLASSES, Project, choices, eventually
from .test_faults_end_to_end import status

pytestmark = pytest.mark.slow


def test_a_renamed_control_and_a_renamed_class_keep_their_labels_and_predictions(project: Project) -> None:
    """Label Studio refuses to rename a control with annotations, except imported ones, as these are."""
    before = project.labels()
    renamed = choices(CLASSES).replace('name="digit"', 'name="number"')
    project.studio.ask("PATCH", f"projects/{project.id}/", json={"label_config": renamed})

    def control_names() -> set[str]:
        shown = project.predictions(unlabeled=True).values()
        return {item["from_name"] for prediction in shown for item in prediction["result"]}

    eventually("predictions of the control as it is called now", lambda: control_names() == {"number"})
    assert project.labels() == before
    assert "The control “digit” is now called “number”" in status(project, "--project", str(project.id))

    task = project.unlabeled()[0]
    result = [{"from_name": "number", "to_name": "image", "type": "choices", "value": {"choices": ["3"]}}]
    project.studio.ask("POST", f"tasks/{task}/annotations/", json={"result": result})
    eventually("the label given under the new name", lambda: project.labels().get(task) == "3")
    before = project.labels()
    classes = ["three" if name == "3" else name for name in CLASSES]
    project.studio.ask(
        "PATCH",
        f"projects/{project.id}/",
        json={"label_config": choices(classes, "single").replace('name="digit"', 'name="number"')},
    )
    after = {task: "three" if label == "3" else label for task, label in before.items()}
    eventually("the labels renamed", lambda: project.labels() == after)

    def renamed_everywhere() -> bool:
        predicted = set(project.predicted().values())
        return "three" in predicted and "3" not in predicted

    eventually("the class predicted by its new name", renamed_everywhere)
    shown = status(project, "--project", str(project.id))
    assert "The class “3” is now called “three”" in shown
    assert "The control “digit” is now called “number”" in shown  # still true, and not read yet
    assert "is now called" not in status(project, "--project", str(project.id), "--dismiss")
    several = project.settings()["label_config"].replace('choice="single"', 'choice="multiple"')
    project.studio.ask("PATCH", f"projects/{project.id}/", json={"label_config": several})
    eventually("lists of one", lambda: project.labels() == {task: [label] for task, label in after.items()})
