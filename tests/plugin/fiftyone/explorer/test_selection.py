"""A selection travels as rows or as bits, and a row outside the map is refused."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.errors import Refusal
from labelscape.plugin.fiftyone.explorer.selection import checked_rows, selected_rows


def as_bits(chosen):
    return base64.b64encode(np.packbits(chosen, bitorder="little")).decode()


@given(st.lists(st.booleans(), min_size=1))
def test_bits_and_rows_select_the_same(chosen):
    rows = [row for row, is_chosen in enumerate(chosen) if is_chosen]
    n = len(chosen)
    assert selected_rows({"bits": as_bits(np.asarray(chosen, bool)), "rows": None}, n).tolist() == rows
    assert selected_rows({"bits": None, "rows": rows}, n).tolist() == rows


def test_rows_keep_the_order_in_which_they_were_sent():
    assert selected_rows({"rows": [7, 2, 5]}, 10).tolist() == [7, 2, 5]


def test_nothing_selected_is_no_rows():
    assert selected_rows({"rows": None, "bits": None}, 10).tolist() == []
    assert selected_rows({}, 0).tolist() == []


@pytest.mark.parametrize(("rows", "named"), [([3, 10], "Row 10"), ([-1, 3], "Row -1"), ([-2, 12], "Row 12")])
def test_a_row_outside_the_map_is_named(rows, named):
    with pytest.raises(Refusal, match=f"{named} is not on the map of 10: select again"):
        checked_rows(np.asarray(rows), 10)


def test_bits_of_a_smaller_map_are_refused():
    with pytest.raises(Refusal, match="The selection names 8 rows, but the map has 9: select again"):
        selected_rows({"bits": as_bits(np.ones(8, bool))}, 9)
