"""Vectors of series are stable against rate and length, always finite, and keep their space for later series."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelscape.cli.synthetic import SERIES_RATE, motion
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.embedding.series.reading import read_series
from labelscape.ml_backend.errors import Refusal


def test_preprocessing_beats_the_raw_numbers_and_the_spectra_alone(motions, fitted):
    paths, labels = motions
    vectors = load("series-preprocessing", fitted=fitted).embed(paths).vectors
    raw = np.stack([motion(number).ravel() for number in range(len(paths))])
    axes = 240  # as many series
    accuracy, spectral, numbers = (
        neighbor_accuracy(table.astype(np.float32), labels, 6, voters=5) for table in (vectors, vectors[:, axes:], raw)
    )
    assert accuracy > spectral + 0.05
    assert accuracy > numbers + 0.2


def test_series_added_later_get_vectors_in_the_same_space(motions, fitted):
    later = load("series-preprocessing", fitted=fitted)
    model = load("series-preprocessing")
    model.fit(motions[0])
    np.testing.assert_allclose(later.embed(motions[0][:5]).vectors, model.embed(motions[0][:5]).vectors, atol=1e-5)
    assert later.fitted_on == 240


def test_another_rate_or_length_hardly_changes_a_vector(tmp_path, fitted):
    values = motion(4).T
    moments = np.arange(len(values)) / SERIES_RATE
    dense = np.arange(0, moments[-1], 1 / 200)
    pd.DataFrame(values).to_csv(tmp_path / "slow.csv", index=False)
    at_200 = np.column_stack([np.interp(dense, moments, channel) for channel in values.T])
    np.save(tmp_path / "fast.npy", at_200)
    np.save(tmp_path / "twice.npy", np.concatenate([values, values]))
    media = [Media(str(tmp_path / name), rate=rate) for name, rate in
             [("slow.csv", 50.0), ("fast.npy", 200.0), ("twice.npy", 50.0)]]  # fmt: skip
    slow, fast, twice = load("series-preprocessing", fitted=fitted).embed(media).vectors
    assert slow @ fast / np.linalg.norm(slow) / np.linalg.norm(fast) > 0.97
    assert slow @ twice / np.linalg.norm(slow) / np.linalg.norm(twice) > 0.97


def test_series_that_cannot_be_used_are_skipped_with_a_reason(tmp_path, fitted):
    pd.DataFrame({"x": [1.0]}).to_csv(tmp_path / "short.csv", index=False)
    pd.DataFrame({"note": ["a"] * 20}).to_csv(tmp_path / "words.csv", index=False)
    pd.DataFrame({"x": [np.nan] * 15 + [1.0] * 5}).to_csv(tmp_path / "gaps.csv", index=False)
    pd.DataFrame({"x": np.arange(30), "y": np.arange(30)}).to_csv(tmp_path / "two.csv", index=False)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3,4\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and then nothing")
    np.save(tmp_path / "pickled.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "cube.npy", np.zeros((3, 3, 3)))
    reasons = {
        "short.csv": "has 1 moments; at least 8",
        "words.csv": "no numeric column",
        "gaps.csv": "75 % of its column 'x' are gaps",
        "two.csv": "it has 2 channels (x, y), and the model was fitted on 3",
        "empty.csv": "the file is empty",
        "ragged.csv": "not a table that can be read",
        "broken.parquet": "not a table that can be read",
        "pickled.npy": "not a table that can be read",
        "cube.npy": "a row for each moment",
        "missing.csv": "does not exist",
    }
    embedded = load("series-preprocessing", fitted=fitted).embed([str(tmp_path / name) for name in reasons])
    assert not len(embedded.kept)
    for failure, reason in zip(embedded.failed, reasons.values(), strict=True):
        assert reason in failure.reason
    missing = Media(str(tmp_path / "two.csv"), columns=("x", "z"))
    assert "it has no column 'z'; it has: x, y" in str(read_series(missing.path, [missing])[0])
    with pytest.raises(Refusal, match="None of these series can be read"):
        load("series-preprocessing").fit([str(tmp_path / "short.csv")])


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 40), st.just(3)),
        elements=st.one_of(st.just(np.nan), st.just(np.inf), st.floats(-1e30, 1e30), st.just(0.0)),
    )
)
def test_no_array_gives_a_vector_that_is_not_finite(fitted_model, tmp_path_factory, values):
    path = str(tmp_path_factory.getbasetemp() / "any.npy")
    np.save(path, values)
    with np.errstate(all="ignore"):
        embedded = fitted_model.embed([path])
    assert np.isfinite(embedded.vectors).all()
    assert len(embedded.kept) + len(embedded.failed) == 1


@pytest.fixture(scope="module")
def fitted_model(fitted):
    return load("series-preprocessing", fitted=fitted)
