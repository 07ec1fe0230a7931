"""Values in the Data Manager's columns: rounded scores, and reasons in few distinct sentences."""

import pytest
from labelscape.ml_backend.server.columns import missing_reasons, rounded_up
from labelscape.ml_backend.server.status import TaskProblem
from labelscape.ml_backend.server.tabs import LIKELY_MISLABELED


@pytest.mark.parametrize(
    ("score", "shown"), [(0.5, 0.5), (0.501, 0.55), (0.97, 1.0), (0.46, 0.5), (0.0, 0.0), (None, 0.0)]
)
def test_a_rounded_mislabel_score_is_above_a_half_where_the_score_is(score: float | None, shown: float) -> None:
    assert rounded_up(score) == shown
    assert (shown > LIKELY_MISLABELED) == ((score or 0) > LIKELY_MISLABELED)


def test_tasks_whose_images_are_missing_for_one_reason_share_its_sentence() -> None:
    class Retries:
        def problems(self) -> list[TaskProblem]:
            return [
                TaskProblem(
                    1, "/data/local-files/?d=a.png", "http://ls:8080/data/local-files/?d=a.png answers with 404."
                ),
                TaskProblem(2, "http://ls:8080/b.png", "http://ls:8080/b.png answers with 404."),
                TaskProblem(3, "", "The task has no medium."),
            ]

    class Project:
        media_retries = Retries()

    reasons = missing_reasons(Project())  # type: ignore[arg-type]
    assert reasons == {1: "The image answers with 404.", 2: "The image answers with 404.", 3: "The task has no medium."}
