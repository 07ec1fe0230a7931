"""Half a character in whatever Label Studio sends never stops the rest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.label_studio.whole_json import read_json
from labelscape.ml_backend.server.protocol import parse_body

HALF = "a\ud83d"  # as a program writes it that cuts a text after so many units of UTF-16
TEXTS = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS, lambda one: st.lists(one) | st.dictionaries(TEXTS, one)
)


def test_half_a_character_is_replaced_and_a_whole_one_stays():
    sent = json.dumps({"image": f"/{HALF}.png", HALF: ["\U0001f600", "\ude00", 1]}).encode()
    assert read_json(sent) == {"image": "/a\ufffd.png", "a\ufffd": ["\U0001f600", "\ufffd", 1]}
    assert parse_body(sent) == read_json(sent)


@given(VALUES)
def test_whatever_is_read_can_be_written_again(value):
    read = read_json(json.dumps(value).encode())
    json.dumps(read, ensure_ascii=False).encode()


@given(VALUES.filter(lambda value: "\\ud" not in json.dumps(value)))
def test_nothing_else_changes(value):
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("body", [b"", b"<html>", b"{"])
def test_what_is_no_json_is_said_to_be_none(body):
    with pytest.raises(ValueError, match="Expecting"):
        read_json(body)
