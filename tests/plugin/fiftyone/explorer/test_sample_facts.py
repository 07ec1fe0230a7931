"""Values are read from documents by dotted paths, whatever is missing on the way."""

import pytest
from labelscape.plugin.fiftyone.explorer.sample_facts import value_at

DOCUMENT = {"label": {"name": "cat", "own": None}, "list": [{"name": "dog"}], "zero": 0}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("label.name", "cat"),
        ("zero", 0),
        ("label", {"name": "cat", "own": None}),
        ("label.own", None),
        ("label.own.deep", None),
        ("missing.name", None),
        ("zero.name", None),
        ("list.name", None),
    ],
)
def test_a_value_is_read_by_its_path_or_is_none(path, value):
    assert value_at(DOCUMENT, path) == value
