"""The Python side of the panel follows contract.ts, its contract with the front end."""

import base64
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelscape.plugin.fiftyone.explorer import label_states as labels
from labelscape.plugin.fiftyone.explorer.column_files import MISSING_CODE, encode
from labelscape.plugin.fiftyone.explorer.panel import DataExplorer

WEB = Path(__file__).resolve().parents[4] / "plugin/web/src"
CONTRACT = "\n".join(path.read_text() for path in sorted((WEB / "explorer/contract").glob("*.ts")))
DTYPES = {"uint8": "u1", "uint16": "<u2", "uint32": "<u4", "float32": "<f4"}


def numbers_of(constant: str) -> dict[str, int]:
    body = re.search(rf"export const {constant} = {{(.*?)}} as const", CONTRACT, re.DOTALL)
    assert body is not None
    return {name: int(value) for name, value in re.findall(r"(\w+): (\d+)", body[1])}


def test_every_method_of_the_contract_is_one_of_the_panel_and_no_other_is_offered():
    described = re.search(r"export interface Methods {(.*?)\n}", CONTRACT, re.DOTALL)
    assert described is not None
    assert set(DataExplorer.methods) == set(re.findall(r"^  (\w+): \[", described[1], re.MULTILINE))
    panel = DataExplorer()
    assert all(callable(getattr(panel, name)) for name in DataExplorer.methods)


def test_the_view_names_the_component_and_the_address_of_each_method():
    view = DataExplorer().render(None).to_json()["view"]
    assert view["component"] == DataExplorer.component
    assert f'name: "{DataExplorer.component}"' in (WEB / "hosts/fiftyone/explorer.tsx").read_text()
    assert all(view[name].endswith(f"data_explorer#{name}") for name in DataExplorer.methods)


def test_numbers_mean_the_same_on_both_sides():
    states = numbers_of("LABEL_STATE")
    assert states == {
        "unlabeled": labels.UNLABELED,
        "human": labels.HUMAN,
        "suggested": labels.SUGGESTED,
        "pendingLabel": labels.PENDING_LABEL,
        "pendingDelete": labels.PENDING_DELETE,
        "neighbors": labels.NEIGHBORS,
        "uncertain": labels.UNCERTAIN,
        "checked": labels.CHECKED,
    }
    assert f"MISSING_CODE = {MISSING_CODE:#x}" in CONTRACT


@given(
    st.sampled_from(sorted(DTYPES)).flatmap(
        lambda name: st.tuples(
            st.just(name),
            hnp.arrays(DTYPES[name], st.tuples(st.integers(0, 20), st.integers(1, 3))),
        )
    ),
    st.none() | st.dictionaries(st.text(), st.integers()),
)
def test_a_column_file_is_laid_out_as_the_contract_says(column: tuple[str, np.ndarray], tail: Any):
    name, planes = column
    content = encode(planes, tail)
    magic, version, dtype, width, n, length = struct.unpack_from("<4sHBBII", content)
    assert (magic, version, dtype) == (b"LSC1", 1, numbers_of("DTYPE")[name])
    assert (n, width) == planes.shape
    data = planes.T.tobytes()
    assert content[16 : 16 + len(data)] == data
    assert len(content) == 16 + len(data) + length
    assert (length == 0) == (tail is None)


def test_a_patch_says_what_changed_and_nothing_else():
    classes = ["a", "b", "c"]

    def snapshot(version: str, states: list[int], codes: list[int]) -> labels.Snapshot:
        none = np.full(len(codes), -1, np.int32)
        return labels.Snapshot(version, np.asarray(states, np.uint8), np.asarray(codes, np.int32), none, classes)

    before = snapshot("v1", [0, 1, 2, 1], [-1, 0, -1, 1])
    after = snapshot("v2", [3, 1, 0, 1], [2, 0, -1, 0])
    patch = labels.state_patch(before, after)
    assert (patch["from"], patch["to"], patch["labels"]) == ("v1", "v2", ["a", "c"])
    unpacked = {
        key: np.frombuffer(base64.b64decode(patch[key]), dtype).tolist()
        for key, dtype in (("rows", "<u4"), ("states", "u1"), ("codes", "<u2"))
    }
    assert unpacked == {"rows": [0, 2, 3], "states": [3, 0, 1], "codes": [1, MISSING_CODE, 0]}


def test_a_field_with_more_values_than_codes_is_refused(make_digits_dataset, monkeypatch):
    from labelscape.plugin.fiftyone.explorer import field_values as values

    dataset = make_digits_dataset(12)
    dataset.set_values("name", [f"name {row}" for row in range(12)])
    monkeypatch.setattr(values, "MAX_CLASSES", 10)
    source = values.field_source(dataset, "name", None)
    with pytest.raises(ValueError, match="more than 10 different values"):
        values.distinct_classes(dataset._sample_collection, None, source)
