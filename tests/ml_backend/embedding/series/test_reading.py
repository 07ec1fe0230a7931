"""Series are read from every kind of table, with gaps filled and windows cut by time."""

import numpy as np
import pandas as pd
import pytest
from labelscape.cli.synthetic import motion
from labelscape.ml_backend.embedding.base import Media, UnreadableMedium
from labelscape.ml_backend.embedding.series.reading import Series, read_one, read_series


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


def test_windows_of_one_table_are_cut_by_time(tmp_path):
    pd.DataFrame({"t": np.arange(100) / 10, "x": np.arange(100.0)}).to_csv(tmp_path / "long.csv", index=False)
    path = str(tmp_path / "long.csv")
    windows = read_series(path, [Media(path, span=(2, 4)), Media(path, span=(8, 20)), Media(path, span=(50, 60))])
    assert isinstance(windows[0], Series)
    assert windows[0].values[0, [0, -1]].tolist() == [20, 39]
    assert windows[1].values.shape == (1, 20)
    assert isinstance(windows[2], UnreadableMedium)
