"""The menu on a task: how it is added to a label config, and what its answers mean."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.config import read_label_config, unfilled_controls
from labelscape.ml_backend.label_studio.task_menu import (
    COMMANDS,
    LABEL_NEIGHBORS,
    NAME,
    UNDO,
    add_menu,
    command_of,
    is_menu_item,
)

CONFIG = (
    '<?xml version="1.0"?>\n<View>\n  <Image name="img" value="$image"/>\n'
    '  <Choices name="kind" toName="img"><Choice value="Café"/><Choice value="Dog"/></Choices>\n'
    "</View>\n<!-- not </View> the end -->\n"
)


def menu(*commands: str) -> dict[str, Any]:
    return {"from_name": NAME, "to_name": "img", "type": "choices", "value": {"choices": list(commands)}}


def kind(*labels: str) -> dict[str, Any]:
    return {"from_name": "kind", "to_name": "img", "type": "choices", "value": {"choices": list(labels)}}


def test_the_menu_is_added_once_and_the_rest_of_the_config_stays_letter_for_letter() -> None:
    added = add_menu(CONFIG, "img")
    before, end = CONFIG.split("\n</View>\n")
    assert added.startswith(before)
    assert added.endswith("</View>\n" + end)
    assert all(f'<Choice value="{command}"/>' in added for command in COMMANDS)
    assert add_menu(added, "img") == added


def test_the_menu_is_no_control_that_is_filled_in_or_missed() -> None:
    plain, added = read_label_config(CONFIG), read_label_config(add_menu(CONFIG, "img"))
    assert added == plain
    assert unfilled_controls(add_menu(CONFIG, "img"), added) == []


def test_a_control_of_that_name_that_is_no_menu_of_ours_is_refused() -> None:
    taken = CONFIG.replace('name="kind"', f'name="{NAME}"')
    with pytest.raises(Refusal, match="rename it"):
        add_menu(taken, "img")
    assert read_label_config(taken).from_name == NAME
    answer = kind("Dog") | {"from_name": NAME}
    assert not is_menu_item(answer)
    assert command_of([answer]) == ""


def test_a_declaration_that_label_studio_takes_and_xml_does_not_stays_as_it_is() -> None:
    config = f'\n  <?xml version="1.0" encoding="utf-16"?>{CONFIG.partition("?>")[2]}'
    added = add_menu(config, "img")
    assert added.startswith('\n  <?xml version="1.0" encoding="utf-16"?>\n<View>')
    assert read_label_config(added) == read_label_config(config)


def test_a_config_that_is_no_xml_is_refused_in_words() -> None:
    with pytest.raises(Refusal, match="cannot be read"):
        add_menu("<View>", "img")


def test_what_an_annotation_asks_for_is_read_and_is_no_answer_to_another_control() -> None:
    control = read_label_config(CONFIG)
    assert command_of([kind("Dog"), menu(LABEL_NEIGHBORS)]) == LABEL_NEIGHBORS
    assert command_of([kind("Dog")]) == ""
    assert control.labels_of([kind("Dog"), menu(UNDO)]) == ["Dog"]
    assert control.is_silent([menu(UNDO)])  # a command alone does not say that there is nothing
    assert not control.is_silent([])
    assert not control.is_silent([kind("Dog"), menu(UNDO)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([NAME, "choices", "value", *COMMANDS]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["from_name", "type", "value", "choices"]), inner),
)


@given(JSON)
def test_whatever_a_result_holds_a_command_of_the_menu_or_nothing_is_read(result: Any) -> None:
    assert command_of(result) in ("", *COMMANDS)
