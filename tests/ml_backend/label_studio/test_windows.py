"""Regions of recordings and series: read as labels of windows, and made from them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.embedding.base import UnreadableMedium
from labelscape.ml_backend.label_studio.config import Control, invalid_reason, read_label_config
from labelscape.ml_backend.label_studio.spans import NOTHING, Cut
from labelscape.ml_backend.label_studio.windows import cut_windows, kept_items, region_items, window_regions

AUDIO = (
    '<View><Audio name="a" value="$audio"/><Labels name="r" toName="a">'
    '<Label value="Knock" alias="knock"/><Label value="voice"/></Labels></View>'
)
SERIES = (
    '<View><TimeSeries name="s" value="$csv" valueType="url" {times}><Channel column="x"/></TimeSeries>'
    '<TimeSeriesLabels name="r" toName="s"><Label value="Run"/></TimeSeriesLabels></View>'
)
TEXT = (
    '<View><Text name="t" value="$text"/><Labels name="r" toName="t"><Label value="Name"/></Labels>'
    '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices></View>'
)


def audio(seconds: float = 6.0, cut: Cut | None = None) -> tuple[Control, list[dict[str, Any]]]:
    control = read_label_config(AUDIO)
    return control, cut_windows(control, {"duration": seconds}, cut or Cut())


def drawn(start: float, end: float, label: str, name: str = "x") -> dict[str, Any]:
    value = {"start": start, "end": end, "channel": 0, "labels": [label]}
    return {"id": name, "from_name": "r", "to_name": "a", "type": "labels", "value": value}


def labels(control: Control, windows: list[dict[str, Any]], result: list[dict[str, Any]] | None) -> list[str | None]:
    own = None if result is None else control.own(result)
    return [region.stated for region in window_regions(control, windows, own)]


def write_series(folder: Path, times: list[str], header: str = "time") -> dict[str, Any]:
    path = folder / "series.csv"
    path.write_text("\n".join([f"{header},x", *(f"{time},{row % 5}" for row, time in enumerate(times))]))
    return {"series": str(path), "duration": len(times) / 10, "sampling_rate": 10.0}


def test_a_region_labels_the_windows_that_it_covers_and_the_rest_has_nothing() -> None:
    control, windows = audio()
    assert control.classes == ("knock", "voice", NOTHING)
    assert labels(control, windows, None) == [None] * 6
    assert labels(control, windows, []) == [NOTHING] * 6
    window_labels = labels(control, windows, [drawn(0.1, 2.0, "knock"), drawn(3.2, 4.4, "voice")])
    # Of the fifth second, too little is covered to tell what it is.
    assert window_labels == ["knock", "knock", NOTHING, "voice", None, NOTHING]


def test_a_region_shorter_than_a_window_labels_the_window_around_it() -> None:
    control, windows = audio(3.0)
    assert labels(control, windows, [drawn(1.4, 1.4, "knock")])[1] == "knock"
    assert labels(control, windows, [drawn(1.6, 1.8, "knock")])[1] == "knock"


def test_windows_with_one_class_side_by_side_become_a_region_that_label_studio_takes() -> None:
    control, windows = audio()
    names = [window["id"] for window in windows]
    given_labels = dict(zip(names, ["knock", "knock", NOTHING, "voice", NOTHING, NOTHING], strict=True))
    items = region_items(control, windows, given_labels, dict.fromkeys(names, 0.75))
    assert [(one["value"]["start"], one["value"]["end"], one["value"]["labels"]) for one in items] == [
        (0.0, 2.0, ["knock"]),
        (3.0, 4.0, ["voice"]),
    ]
    assert [(one["score"], one["value"]["channel"], one["original_length"]) for one in items] == [(0.75, 0, 6.0)] * 2
    assert len({one["id"] for one in items}) == 2
    assert invalid_reason(AUDIO, {"result": items, "score": 0.5, "model_version": "v"}) is None
    assert labels(control, windows, items) == list(given_labels.values())


@given(st.lists(st.sampled_from(["knock", "voice", NOTHING]), min_size=7, max_size=7), st.sampled_from([0.5, 1.0]))
def test_what_is_made_of_windows_reads_back_where_they_lie_side_by_side(classes: list[str], length: float) -> None:
    control, windows = audio(7 * length, Cut(length, length))
    given_labels = dict(zip([window["id"] for window in windows], classes, strict=True))
    assert labels(control, windows, region_items(control, windows, given_labels)) == classes


def test_overlapping_windows_reach_to_the_end_of_the_recording() -> None:
    _, windows = audio(2.3, Cut(1.0, 0.5))
    assert [window["value"]["end"] for window in windows] == [1.0, 1.5, 2.0, 2.3]


def test_regions_that_still_hold_stay_as_they_were_drawn() -> None:
    control, windows = audio()
    items = control.own([drawn(0.1, 2.0, "knock", "one"), drawn(3.1, 4.0, "voice", "two")])
    now = {window["id"]: NOTHING for window in windows} | {windows[0]["id"]: "knock", windows[1]["id"]: "knock"}
    assert [one["id"] for one in kept_items(control, windows, now, items)] == ["one"]


def test_a_series_without_times_counts_its_moments(tmp_path: Path) -> None:
    control = read_label_config(SERIES.format(times=""))
    windows = cut_windows(control, write_series(tmp_path, [str(row) for row in range(35)], "row"), Cut())
    assert [(one["value"]["start"], one["value"]["end"]) for one in windows][:2] == [(0, 10), (10, 20)]
    assert windows[-1]["value"]["end"] == 34


def test_a_series_is_in_the_units_of_its_times(tmp_path: Path) -> None:
    config = SERIES.format(times='timeColumn="clock"')
    control = read_label_config(config)
    fields = write_series(tmp_path, [f"{5 + row / 10:.1f}" for row in range(30)], "clock")
    windows = cut_windows(control, fields, Cut())
    (item,) = region_items(control, windows, {windows[1]["id"]: "Run"})
    assert item["value"] == {"start": 6.0, "end": 7.0, "instant": False, "timeserieslabels": ["Run"]}
    assert invalid_reason(config, {"result": [item], "score": 0.5, "model_version": "v"}) is None


def test_dates_are_written_as_the_file_writes_them(tmp_path: Path) -> None:
    config = SERIES.format(times='timeColumn="time" timeFormat="%Y-%m-%d %H:%M:%S.%L"')
    control = read_label_config(config)
    times = [f"2026-01-02 10:00:{row // 10:02d}.{row % 10}00" for row in range(30)]
    windows = cut_windows(control, write_series(tmp_path, times), Cut())
    (item,) = region_items(control, windows, {windows[1]["id"]: "Run"})
    assert (item["value"]["start"], item["value"]["end"]) == (times[10], times[20])
    assert labels(control, windows, [item]) == [NOTHING, "Run", NOTHING]


@pytest.mark.parametrize(
    ("times", "column", "reason"),
    [
        (["a"] * 30, "time", "not numbers"),
        ([str(row % 7) for row in range(30)], "time", "do not increase"),
        ([str(row) for row in range(30)], "clock", "no column"),
    ],
)
def test_times_that_cannot_be_used_are_refused_with_the_reason(
    tmp_path: Path, times: list[str], column: str, reason: str
) -> None:
    control = read_label_config(SERIES.format(times=f'timeColumn="{column}"'))
    with pytest.raises(UnreadableMedium, match=reason):
        cut_windows(control, write_series(tmp_path, times), Cut())


def test_windows_of_too_few_moments_name_the_setting(tmp_path: Path) -> None:
    control = read_label_config(SERIES.format(times=""))
    with pytest.raises(UnreadableMedium, match="window_seconds"):
        cut_windows(control, write_series(tmp_path, [str(row) for row in range(30)]), Cut(0.5, 0.5))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["start", "end", "labels", "value", "id"]), inner, max_size=4)
        ),
        max_leaves=8,
    )
)
def test_no_result_makes_reading_fail(value: Any) -> None:
    control, windows = audio()
    for result in (value, [value], [{**drawn(0, 1, "knock"), "value": value}], [{**drawn(0, 1, "knock"), "id": value}]):
        own = control.own(result)
        assert control.own(own) == own
        assert len(window_regions(control, windows, own)) == len(windows)


def test_labels_of_texts_are_not_served_and_choices_beside_them_are() -> None:
    assert read_label_config(TEXT).from_name == "c"
