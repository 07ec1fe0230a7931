"""Column files are written once for each content, kept while they are in use, and cleared on request."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.plugin.fiftyone.explorer.column_files import (
    clear_columns,
    column_bytes,
    column_folder,
    pack,
    publish,
    tidy_columns,
    unpack,
)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    return tmp_path


def files(dataset="a"):
    return sorted(path.name for path in column_folder(dataset).glob("*"))


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_what_is_packed_is_unpacked_as_it_was(rows):
    assert unpack(pack(np.asarray(rows, np.uint32), "<u4"), "<u4").tolist() == rows


def test_the_same_content_is_one_file_and_another_content_another():
    first = publish("a", "states", np.zeros(3, np.uint8))
    assert publish("a", "states", np.zeros(3, np.uint8)) == first
    second = publish("a", "states", np.ones(3, np.uint8))
    assert second["version"] != first["version"]
    assert len(files()) == 2
    assert column_bytes("a") == sum(path.stat().st_size for path in column_folder("a").iterdir())


def test_a_column_tells_its_length_and_the_meaning_of_its_values():
    column = publish("a", "score", np.zeros((4, 2), np.float32), {"kind": "numeric"})
    assert column["n"] == 4
    assert b'"kind": "numeric"' in Path(column["file"]).read_bytes()


def test_only_the_columns_of_a_dataset_are_cleared():
    publish("a", "states", np.zeros(3, np.uint8))
    publish("b", "states", np.zeros(3, np.uint8))
    clear_columns("a")
    assert (files("a"), len(files("b"))) == ([], 1)


def test_columns_that_nobody_read_for_a_week_are_deleted_and_others_stay():
    old = publish("a", "states", np.zeros(3, np.uint8))["file"]
    new = publish("b", "states", np.zeros(3, np.uint8))["file"]
    week_ago = time.time() - 8 * 24 * 3600
    os.utime(old, (week_ago, week_ago))
    tidy_columns()
    assert (os.path.exists(old), os.path.exists(new)) == (False, True)


def test_the_oldest_of_many_files_give_way_to_new_ones():
    kept = [publish("a", "states", np.full(3, number, np.uint8))["file"] for number in range(60)]
    assert len(files()) == 40
    assert os.path.exists(kept[-1])
