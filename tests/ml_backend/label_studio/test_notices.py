"""A notice of what a label config change did stays until it no longer applies or is dismissed."""

from typing import Any

import pytest
from labelscape.ml_backend.label_studio.notices import dismiss_notices, read_notices

from .setting import BOXES, KIND, Setting, chosen, view

TYPE = KIND.replace('"kind"', '"type"')
KITTY = TYPE.replace('"Cat"', '"Kitty"')


def notices(setting: Setting, *parts: str) -> list[str]:
    return read_notices(setting.poll(view(*parts)).dataset)


def test_a_notice_of_a_rename_is_still_there_after_the_next_change(start: Any) -> None:
    setting = start(KIND)
    setting.annotate(0, chosen("Cat"))
    [control] = notices(setting, TYPE)
    assert "“kind” is now called “type”" in control
    assert notices(setting, TYPE) == [control]
    kept, renamed = notices(setting, KITTY)
    assert kept == control
    assert "“Cat” is now called “Kitty”" in renamed


def test_a_notice_goes_when_it_is_no_longer_true(start: Any) -> None:
    setting = start(KIND)
    notices(setting, TYPE)
    assert len(notices(setting, KITTY)) == 2
    [control, back] = notices(setting, TYPE)
    assert "“kind” is now called “type”" in control
    assert "“Kitty” is now called “Cat”" in back
    again, classes = notices(setting, KIND.replace('"Cat"', '"Lion"').replace('"Dog"', '"Lynx"'))
    assert "“type” is now called “kind”" in again
    assert "no longer has the classes “Cat” and “Dog”" in classes


def test_a_notice_of_a_missing_class_goes_when_the_class_is_back(start: Any) -> None:
    setting = start(KIND)
    setting.annotate(0, chosen("Cat"))
    [missing] = notices(setting, KIND.replace('<Choice value="Cat"/>', ""))
    assert "no longer has the class “Cat”" in missing
    assert notices(setting, KIND) == []


def test_notices_that_somebody_has_read_do_not_come_back(start: Any) -> None:
    setting = start(KIND)
    notices(setting, TYPE)
    dismiss_notices(setting.mirror.dataset)
    assert notices(setting, TYPE) == []
    [renamed] = notices(setting, KITTY)
    assert "“Cat” is now called “Kitty”" in renamed


@pytest.mark.parametrize("other", [KIND.replace('"kind"', '"second"'), BOXES])
def test_a_class_that_another_control_still_has_is_missed_nevertheless(start: Any, other: str) -> None:
    setting = start(KIND, other)
    setting.annotate(0, chosen("Cat"))
    [missing] = notices(setting, KIND.replace('<Choice value="Cat"/>', ""), other)
    assert "no longer has the class “Cat”" in missing


def test_a_control_that_moves_to_another_object_is_missed(start: Any) -> None:
    second = KIND.replace('"kind"', '"second"')
    setting = start(KIND, second)
    notices(setting, KIND, second)
    text = '<Text name="text" value="$text"/>'
    [missing] = notices(setting, KIND, text, second.replace('toName="img"', 'toName="text"'))
    assert "The control “second” is gone from the label config, or is no longer filled in" in missing
