"""A label that is changed in FiftyOne at the moment an annotation arrives is the later one."""

from typing import Any

import fiftyone as fo
import pytest
from labelscape.ml_backend.label_studio import flow

from .setting import KIND, SEVERAL, chosen


@pytest.mark.parametrize("parts", [(KIND,), (SEVERAL,), (KIND, SEVERAL.replace("kind", "kinds"))])
@pytest.mark.parametrize("when", ["before it is written here", "right after it is written here"])
def test_a_label_changed_here_at_the_moment_an_annotation_arrives_is_the_later_one(
    start: Any, monkeypatch: pytest.MonkeyPatch, when: str, parts: tuple[str, ...]
) -> None:
    bird = '<Choice value="Bird"/></Choices>'
    setting = start(*(part.replace("</Choices>", bird) for part in parts))
    several = parts == (SEVERAL,)
    write = flow.apply

    def relabel() -> None:
        setting.mirror.dataset.reload()
        sample, bird = setting.sample(0), fo.Classification(label="Bird")
        sample["ground_truth"] = fo.Classifications(classifications=[bird]) if several else bird
        sample.save()

    def write_beside_a_person(dataset: fo.Dataset, edits: Any) -> Any:
        mine = [edit for edit in edits if edit.path.startswith("ground_truth")]
        if mine and when.startswith("before"):
            relabel()
        written = write(dataset, edits)
        if mine and not when.startswith("before"):
            relabel()
        return written

    monkeypatch.setattr(flow, "apply", write_beside_a_person)
    setting.annotate(0, chosen("Cat"), at="2090-01-01T00:00:00Z")
    setting.poll()
    monkeypatch.setattr(flow, "apply", write)
    setting.poll()

    truth = setting.sample(0).ground_truth
    labels = {one.label for one in truth.classifications} if several else {truth.label}
    assert labels == ({"Bird", "Cat"} if several and when.startswith("before") else {"Bird"})
    theirs, ours = setting.results(0)
    assert theirs == [chosen("Cat")]
    assert labels <= {name for item in ours for name in item["value"]["choices"]}
