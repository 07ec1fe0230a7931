"""Every id has its row on the map, in whatever order the map has them, and a foreign id has none."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from labelscape.plugin.fiftyone.explorer.map_rows import MapRows, as_bytes

IDS = st.lists(st.integers(0, 2**40), unique=True)


def rows_of(names):
    ids = as_bytes(names)
    points = np.zeros((len(ids), 2), np.float32)
    return MapRows("flat", ids, ids, points, None, None, "emb", None, "digest", "items", "sample")


def names(numbers):
    return [f"{number:024x}" for number in numbers]


@given(IDS, IDS)
def test_every_id_of_the_map_has_its_row_and_others_have_none(numbers, queried):
    rows = rows_of(names(numbers))
    expected = [numbers.index(number) if number in numbers else -1 for number in queried]
    assert rows.locate(as_bytes(names(queried))).tolist() == expected
    assert rows.locate(rows.ids).tolist() == list(range(len(numbers)))


@given(IDS)
def test_rows_are_named_by_the_ids_they_were_made_of(numbers):
    rows = rows_of(names(numbers))
    assert rows.names(np.arange(len(rows))) == names(numbers)
