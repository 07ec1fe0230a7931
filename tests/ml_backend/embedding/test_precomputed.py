"""Vectors from elsewhere are checked before they are trusted."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from labelscape.ml_backend.embedding.precomputed import check_vectors, read_npy, read_parquet

IDS = ["a", "b", "c"]
VECTORS = np.arange(12, dtype=np.float64).reshape(3, 4)


def test_npy_with_ids_in_either_form(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    np.save(tmp_path / "ids.npy", np.asarray(IDS))
    (tmp_path / "ids.txt").write_text("a\nb\nc\n")
    for name in ("ids.npy", "ids.txt"):
        ids, vectors = read_npy(str(tmp_path / "v.npy"), str(tmp_path / name))
        assert ids == IDS
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, VECTORS)


def test_a_byte_order_mark_is_not_part_of_the_first_id(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    (tmp_path / "ids.txt").write_text("\ufeffa\nb\nc", encoding="utf-8")
    assert read_npy(str(tmp_path / "v.npy"), str(tmp_path / "ids.txt"))[0] == IDS


@pytest.mark.parametrize("columns", ["list", "numbers"])
def test_parquet_with_a_column_of_lists_or_a_column_per_number(tmp_path, columns):
    data = {"id": IDS, "note": ["x", "y", "z"]}
    data |= {"v": VECTORS.tolist()} if columns == "list" else {f"v{n}": VECTORS[:, n] for n in range(4)}
    pq.write_table(pa.table(data), tmp_path / "v.parquet")
    ids, vectors = read_parquet(str(tmp_path / "v.parquet"))
    assert ids == IDS
    np.testing.assert_array_equal(vectors, VECTORS)


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a", "b"], VECTORS, "2 ids for 3 vectors"),
        (IDS, np.where(VECTORS == 5, np.nan, VECTORS), "1 of 3 vectors hold NaN or infinity; first: b"),
        (["a", "b", "a"], VECTORS, "repeat an id; first: a"),
        (["a", "b", "z"], VECTORS, "not a sample of this dataset; first: z"),
        (IDS, [[1, 2], [1], [3, 4]], "not one of 2 numbers like most; first: b"),
        (IDS, [[1, 2], None, [3, 4]], "have no vector.*first: b"),
        (IDS, np.asarray([["x"], ["y"], ["z"]]), "must be real numbers"),
        (IDS, VECTORS.astype(np.complex64), "must be real numbers; these are of type complex64"),
        (IDS, np.zeros(3), r"shape \(n, d\)"),
    ],
)
def test_what_is_wrong_is_named_with_the_first_offenders(ids, vectors, message):
    with pytest.raises(ValueError, match=message):
        check_vectors(ids, vectors, known=IDS)


def test_a_file_of_objects_is_refused_not_run(tmp_path):
    np.save(tmp_path / "v.npy", np.asarray([{"a": 1}, None], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="not a plain NumPy array"):
        read_npy(str(tmp_path / "v.npy"), str(tmp_path / "v.npy"))


def test_missing_files_and_columns_are_named(tmp_path):
    with pytest.raises(ValueError, match="no file"):
        read_parquet(str(tmp_path / "no.parquet"))
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(ValueError, match="not a Parquet file"):
        read_parquet(str(tmp_path / "text.parquet"))
    pq.write_table(pa.table({"key": IDS}), tmp_path / "v.parquet")
    with pytest.raises(ValueError, match="no id column 'id'; its columns are: key"):
        read_parquet(str(tmp_path / "v.parquet"))
