"""What tasks show becomes the fields of samples; what cannot be read is skipped with a reason, never a traceback."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import fiftyone as fo
import numpy as np
import pytest
import soundfile
from labelscape.cli.synthetic import motion
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio import mirror as mirroring
from labelscape.ml_backend.label_studio.media import MediaCache
from labelscape.ml_backend.label_studio.mirror import Mirror
from labelscape.ml_backend.label_studio.objects import TaskObject, read_object
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.label_studio.task_media import Fetch, Obtained, obtain, task_medium
from labelscape.ml_backend.store.embeddings import load_embeddings

PROJECT = 7_201_993
TEXT = '<Text name="t" value="$text"/>'
AUDIO = '<Audio name="a" value="$sound"/>'
SERIES = '<TimeSeries name="s" value="$csv" timeColumn="time"><Channel column="{}"/></TimeSeries>'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path / "labelscape"))
    (tmp_path / "media").mkdir()
    return tmp_path / "media"


@pytest.fixture
def fetch(folder: Path) -> Fetch:
    """The real cache, which may read files of the folder."""
    return MediaCache(ServerSettings(media_roots=(str(folder),)), dict).fetch_many


@pytest.fixture
def open_mirror(folder: Path, database: None) -> Any:
    def opened(shown: str) -> Mirror:
        name = read_object(ElementTree.fromstring(shown)).name
        choices = f'<Choices name="c" toName="{name}"><Choice value="a"/><Choice value="b"/></Choices>'
        return mirroring.open_mirror("http://studio.test", PROJECT, f"<View>{shown}{choices}</View>")

    yield opened
    if fo.dataset_exists(f"label-studio-{PROJECT}"):
        fo.delete_dataset(f"label-studio-{PROJECT}")


def shown(config: str) -> TaskObject:
    return read_object(ElementTree.fromstring(config))


def obtained(config: str, values: Sequence[Any], fetch: Fetch) -> list[Obtained]:
    what = shown(config)
    media = [task_medium(what, {"id": n, "data": {what.key: value}}) for n, value in enumerate(values)]
    return obtain(media, what, fetch, None)


def csv(folder: Path, name: str, table: np.ndarray, header: str) -> str:
    np.savetxt(folder / name, table, delimiter=",", header=header, comments="")
    return str(folder / name)


def test_each_tag_of_text_shows_its_words(fetch: Fetch) -> None:
    page = "<head><title>x</title><style>p {}</style></head><h1>Lost</h1><p>my <b>par</b>cel &amp; more</p>"
    talk = [{"who": "Anna", "said": "hello"}, {"who": "", "said": "bye"}, "no part"]
    cases: list[tuple[str, Any, str]] = [
        (TEXT, "plain", "plain"),
        (TEXT, 12, "12"),
        (TEXT, ["one", "two"], "one\ntwo"),
        ('<HyperText name="t" value="$text"/>', page, "Lost my parcel & more"),
        ('<Paragraphs name="t" value="$text" nameKey="who" textKey="said"/>', talk, "Anna: hello\nbye"),
    ]
    for config, value, text in cases:
        [fields] = obtained(config, [value], fetch)
        assert isinstance(fields, dict), fields
        assert (fields["text"], Path(fields["filepath"]).suffix) == (text, ".png")


def test_texts_at_an_address_are_fetched(fetch: Fetch, folder: Path) -> None:
    (folder / "a.html").write_text("<p>over there</p>")
    (folder / "talk.json").write_text(json.dumps([{"author": "A", "text": "hi"}]))
    (folder / "no.json").write_text("not JSON")
    page = '<HyperText name="t" value="$text" valueType="url"/>'
    talk = '<Paragraphs name="t" value="$text" valueType="url"/>'
    [fields] = obtained(page, [str(folder / "a.html")], fetch)
    assert isinstance(fields, dict)
    assert fields["text"] == "over there"
    fields, refused = obtained(talk, [str(folder / "talk.json"), str(folder / "no.json")], fetch)
    assert isinstance(fields, dict)
    assert fields["text"] == "A: hi"
    assert "it is not JSON" in str(refused)


def test_a_series_comes_from_a_file_or_from_the_tasks_data(fetch: Fetch, folder: Path) -> None:
    values = motion(3)[0]
    path = csv(folder, "one.csv", np.column_stack([np.arange(128) / 50, values]), "Time,ACC_X")
    inline = {"time": (np.arange(128) / 50).tolist(), "acc_x": values.tolist()}
    for fields in obtained(SERIES.format("acc_x"), [path, inline], fetch):
        assert isinstance(fields, dict), fields
        assert fields["duration"] == pytest.approx(2.56)
        assert [name.lower() for name in fields["channels"]] == ["acc_x"]
    headless = str(folder / "headless.csv")
    np.savetxt(headless, np.column_stack([np.arange(128) / 50, values]), delimiter=",")
    [fields] = obtained(SERIES.format("1"), [headless], fetch)
    assert isinstance(fields, dict)
    assert len(fields["channels"]) == 1


def bad_texts(_folder: Path) -> list[Any]:
    return [None, "", "  \n ", [], {}, True, "x" * 17_000_000]


def bad_sounds(folder: Path) -> list[Any]:
    soundfile.write(folder / "empty.wav", np.zeros(0, np.float32), 16_000)
    (folder / "broken.wav").write_bytes(b"RIFF and nothing")
    (folder / "text.mp3").write_text("no sound")
    return [None, "", *(str(folder / name) for name in ("empty.wav", "broken.wav", "text.mp3", "gone.wav"))]


def bad_series(folder: Path) -> list[Any]:
    rows = np.column_stack([np.arange(64), np.sin(np.arange(64))])
    paths = [
        csv(folder, "short.csv", rows[:1], "time,acc_x"),
        csv(folder, "other.csv", rows, "time,acc_z"),
        csv(folder, "gaps.csv", np.where([[True, False]], rows, np.nan), "time,acc_x"),
    ]
    (folder / "empty.csv").write_text("")
    (folder / "picture.csv").write_bytes(bytes(range(256)))
    uneven: dict[str, Any] = {"time": [1, 2, 3], "acc_x": [1]}
    nulls: dict[str, Any] = {"time": list(range(20)), "acc_x": [None] * 20}
    return [None, "", *paths, str(folder / "empty.csv"), str(folder / "picture.csv"), {}, uneven, nulls, [1, 2]]


@pytest.mark.parametrize(
    ("config", "bad"), [(TEXT, bad_texts), (AUDIO, bad_sounds), (SERIES.format("acc_x"), bad_series)]
)
def test_what_cannot_be_read_is_skipped_with_a_reason(
    config: str, bad: Callable[[Path], list[Any]], fetch: Fetch, folder: Path
) -> None:
    values = bad(folder)
    for value, reason in zip(values, obtained(config, values, fetch), strict=True):
        assert isinstance(reason, ValueError), (str(value)[:60], reason)
        assert len(str(reason)) > 10


def test_silent_and_odd_sounds_get_vectors_of_numbers(open_mirror: Any, fetch: Fetch, folder: Path) -> None:
    rng = np.random.default_rng(0)
    sounds = {
        "silent.wav": (np.zeros(8_000), "PCM_16"),
        "stereo.wav": (rng.normal(0, 0.1, (22_050, 2)), "PCM_24"),
        "one.wav": (np.ones(1) * 0.1, "PCM_16"),
        "noise.flac": (rng.normal(0, 0.1, 4_000), "PCM_16"),
    }
    for name, (samples, subtype) in sounds.items():
        soundfile.write(folder / name, samples, 22_050, subtype=subtype)
    mirror = open_mirror(AUDIO)
    tasks = [{"id": n, "data": {"sound": str(folder / name)}} for n, name in enumerate(sounds, 1)]
    assert mirroring.add_tasks(mirror, [*tasks, {"id": 9, "data": {"sound": None}}], fetch).keys() == {9}
    report = compute_embeddings(mirror.dataset, key="labelscape")
    assert (report.model, report.embedded, report.failed) == ("audio-preprocessing", 4, 0)
    assert np.isfinite(load_embeddings(mirror.dataset, "labelscape").vectors).all()


def test_a_text_of_a_megabyte_is_mirrored_and_an_edited_one_is_replaced(open_mirror: Any, fetch: Fetch) -> None:
    mirror = open_mirror(TEXT)
    long = {"id": 1, "data": {"text": "many words " * 100_000}}
    assert mirroring.add_tasks(mirror, [long, {"id": 2, "data": {"text": ""}}], fetch) == {
        2: "“text” in the task's data: the text is empty."
    }
    [record] = mirror.ledger.read([2]).values()
    assert mirroring.fetch_media(mirror, [record], fetch) == {2: "“text” in the task's data: the text is empty."}
    [before], [card], [text] = mirror.dataset.values(["id", "filepath", "text"])
    assert len(text) == 1_100_000
    mirroring.add_tasks(mirror, [{"id": 1, "data": {"text": "short"}}], fetch)
    assert mirror.dataset.values(["id", "text"]) == ([before], ["short"])
    assert mirror.dataset.values("filepath") != [card]


def test_a_config_that_shows_another_kind_is_refused_once_there_are_samples(open_mirror: Any, fetch: Fetch) -> None:
    open_mirror(AUDIO)
    mirror = open_mirror(TEXT)
    mirroring.add_tasks(mirror, [{"id": 1, "data": {"text": "words"}}], fetch)
    with pytest.raises(Refusal, match="now shows Audio “a”, and the dataset .* has samples of the kind “text”"):
        open_mirror(AUDIO)
