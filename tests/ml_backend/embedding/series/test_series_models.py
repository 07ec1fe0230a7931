"""Series models: better than the raw numbers and than spectra alone; any table is read, or skipped with a reason."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelscape.cli.synthetic import SERIES_RATE, motion, write_motions
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media, UnreadableMedium
from labelscape.ml_backend.embedding.series.reading import Series, read_one, read_series
from labelscape.ml_backend.errors import Refusal


@pytest.fixture(scope="module")
def motions(tmp_path_factory):
    made = write_motions(tmp_path_factory.mktemp("motions"), count=240)
    return made.media, np.unique(made.classes, return_inverse=True)[1]


@pytest.fixture(scope="module")
def fitted(motions, tmp_path_factory):
    model = load("series-preprocessing")
    model.fit(motions[0])
    path = tmp_path_factory.mktemp("fitted") / "series.npz"
    model.save(str(path))
    return str(path)


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


@pytest.mark.parametrize("ending", ["csv", "parquet", "npy", "semicolons", "tabs", "headless"])
def test_every_kind_of_table_gives_the_same_channels(tmp_path, ending):
    table = pd.DataFrame(motion(1).T.round(3), columns=["x", "y", "z"])
    path = tmp_path / f"series.{ending if ending in ('parquet', 'npy') else 'csv'}"
    if ending == "parquet":
        table.to_parquet(path)
    elif ending == "npy":
        np.save(path, table.to_numpy())
    elif ending == "semicolons":
        path.write_bytes(table.to_csv(index=False, sep=";", decimal=",").replace("x", "größe").encode("latin-1"))
    else:
        table.to_csv(path, index=False, sep="\t" if ending == "tabs" else ",", header=ending != "headless")
    series = read_one(Media(str(path)))
    np.testing.assert_allclose(series.values, table.to_numpy().T, atol=1e-4)


def test_the_time_column_tells_the_rate_and_is_not_a_channel(tmp_path):
    table = pd.DataFrame({"timestamp": pd.date_range("2026-01-01", periods=40, freq="20ms"), "x": np.arange(40.0)})
    table.to_csv(tmp_path / "dated.csv", index=False)
    series = read_one(Media(str(tmp_path / "dated.csv")))
    assert series.names == ("x",)
    assert series.rate == pytest.approx(50)
    assert series.duration == pytest.approx(0.8)


def test_gaps_are_filled_along_straight_lines(tmp_path):
    values = np.arange(20.0)
    values[[0, 5, 6, 19]] = np.nan
    pd.DataFrame({"x": values}).to_csv(tmp_path / "gaps.csv", index=False)
    filled = read_one(Media(str(tmp_path / "gaps.csv"))).values[0]
    assert filled[5:7].tolist() == [5, 6]
    assert (filled[0], filled[-1]) == (1, 18)


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


def test_windows_of_one_table_are_cut_by_time(tmp_path):
    pd.DataFrame({"t": np.arange(100) / 10, "x": np.arange(100.0)}).to_csv(tmp_path / "long.csv", index=False)
    path = str(tmp_path / "long.csv")
    windows = read_series(path, [Media(path, span=(2, 4)), Media(path, span=(8, 20)), Media(path, span=(50, 60))])
    assert isinstance(windows[0], Series)
    assert windows[0].values[0, [0, -1]].tolist() == [20, 39]
    assert windows[1].values.shape == (1, 20)
    assert isinstance(windows[2], UnreadableMedium)


def test_a_chronos_encoder_from_a_local_folder_gives_its_own_tokens_for_each_channel(tmp_path, motions):
    import torch

    chronos = pytest.importorskip("chronos")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.T5Config(
        d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, vocab_size=2, is_encoder_decoder=True,
        chronos_config={"context_length": 512, "prediction_length": 8, "input_patch_size": 16,
                        "input_patch_stride": 16, "quantiles": [0.1, 0.5, 0.9], "use_reg_token": True},
        architectures=["ChronosBoltModelForForecasting"], chronos_pipeline_class="ChronosBoltPipeline",
    )  # fmt: skip
    chronos.chronos_bolt.ChronosBoltModelForForecasting(config).save_pretrained(tmp_path)
    model = load(f"chronos/{tmp_path}")
    model.fit(motions[0])
    embedded = model.embed(motions[0][:2])
    assert embedded.vectors.shape == (2, 48)
    values = read_one(Media(motions[0][1])).values
    theirs = chronos.BaseChronosPipeline.from_pretrained(str(tmp_path)).embed(torch.from_numpy(values))[0].mean(1)
    np.testing.assert_allclose(embedded.vectors[1], theirs.numpy().ravel(), atol=1e-4)
