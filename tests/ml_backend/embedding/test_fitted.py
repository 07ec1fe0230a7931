"""What a model learned is stored in plain arrays, and a file that is missing or of another kind is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.embedding.fitted import draw, load_arrays, save_arrays
from labelscape.ml_backend.errors import Refusal


@given(st.lists(st.integers(), unique=True), st.integers(1, 50))
def test_at_most_so_many_are_drawn_in_their_order_and_always_the_same(media, most):
    drawn = draw(media, most)
    assert len(drawn) == min(len(media), most)
    assert drawn == [one for one in media if one in set(drawn)]
    assert draw(media, most) == drawn


def test_arrays_are_read_as_they_were_saved_and_nothing_else_is_left(tmp_path):
    file = tmp_path / "new" / "fit.npz"
    save_arrays({"mean": np.arange(3.0), "axes": np.eye(2, dtype=np.float32)}, file)
    arrays = load_arrays(file, ["axes", "mean"])
    assert arrays["mean"].tolist() == [0, 1, 2]
    assert arrays["axes"].dtype == np.float32
    assert [path.name for path in file.parent.iterdir()] == ["fit.npz"]


def test_a_file_that_is_missing_or_of_another_kind_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "fit.npz"
    with pytest.raises(Refusal, match="no longer exists: compute embeddings under a new name"):
        load_arrays(path, ["mean"])
    save_arrays({"other": np.zeros(1)}, path)
    with pytest.raises(Refusal, match="it is not what these embeddings were fitted with"):
        load_arrays(path, ["mean"])
    path.write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(Refusal):
        load_arrays(path, ["mean"])


def test_a_file_with_pickled_objects_is_refused(tmp_path):
    np.savez(tmp_path / "fit.npz", mean=np.asarray([{"a": 1}], object))
    with pytest.raises(Refusal):
        load_arrays(tmp_path / "fit.npz", ["mean"])
