"""Recordings, series, and texts become samples with a card; all later steps read the original medium, not the card."""

from pathlib import Path

import fiftyone as fo
import numpy as np
import pandas as pd
import pytest
import soundfile
from labelscape.cli.synthetic import make_requests, write_motions, write_sounds
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.import_media import import_media, make_cards, slice_recordings
from labelscape.ml_backend.actions.medium_sources import Source
from labelscape.ml_backend.actions.previews import read_preview
from labelscape.ml_backend.actions.rank import find_duplicates
from labelscape.ml_backend.actions.recording_segments import write_segments
from labelscape.ml_backend.actions.search import Scope, search
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.embeddings import load_embeddings, provenance_of
from labelscape.ml_backend.store.medium_fields import medium_field, medium_kind
from labelscape.ml_backend.store.searches import Query
from PIL import Image


@pytest.fixture
def folder(tmp_path, database, monkeypatch):
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path / "labelscape"))
    yield tmp_path
    for name in fo.list_datasets("imported*"):
        fo.delete_dataset(name)


@pytest.fixture
def texts(folder):
    made = make_requests(count=60)
    table = pd.DataFrame({"text": made.media, "intent": made.classes})
    table.loc[60] = ["", "payment"]
    table.loc[61] = [None, None]
    table.to_csv(folder / "requests.csv", index=False)
    source = Source(folder / "requests.csv", "text", label_column="intent")
    return import_media(source, name="imported-texts")


@pytest.fixture
def sounds(folder):
    write_sounds(folder / "sounds", count=28)
    (folder / "sounds" / "broken.wav").write_text("no audio")
    return import_media(Source(folder / "sounds", "audio"), name="imported-sounds")


@pytest.fixture
def motions(folder):
    write_motions(folder / "motions", count=36)
    return import_media(Source(folder / "motions", "series"), name="imported-motions")


def test_a_table_of_texts_becomes_samples_with_cards_and_empty_rows_are_counted(texts):
    dataset = fo.load_dataset("imported-texts")
    assert (texts.added, len(texts.skipped)) == (60, 2)
    assert "2 were skipped (first: row 61: the text is empty)" in texts.sentence()
    sample = dataset.first()
    assert Image.open(sample.filepath).size == (480, 360)
    assert sample.ground_truth.label == "where is it"
    assert (dataset.media_type, medium_kind(dataset)) == ("image", "text")
    assert medium_field(dataset).name == "text"


def test_the_whole_walk_reads_the_texts_and_not_the_cards(texts):
    dataset = fo.load_dataset("imported-texts")
    for path in set(dataset.values("filepath")):
        Path(path).write_bytes(b"a card that nothing should read")
    report = compute_embeddings(dataset, key="words", model="preprocessing")
    assert (report.embedded, report.model) == (60, "text-preprocessing")
    embeddings = load_embeddings(dataset, "words")
    labels = np.unique(dataset.values("ground_truth.label"), return_inverse=True)[1]
    assert neighbor_accuracy(embeddings.vectors, labels, 5, voters=5) > 0.8
    results = search(Scope(dataset), Query(embeddings="words", text="my toaster is broken"))
    best = dataset[results.ids[0]]
    assert best.ground_truth.label == "it is broken"
    dataset.add_sample(fo.Sample(filepath=best.filepath, text=best.text))
    again = compute_embeddings(dataset, key="words", model="preprocessing")
    assert (again.embedded, again.reused) == (1, 60)
    ranking = find_duplicates(dataset, embeddings="words")
    assert best.id in ranking.ids


def test_sounds_become_spectrograms_and_are_embedded_by_ear(sounds):
    dataset = fo.load_dataset("imported-sounds")
    assert sounds.added == 28
    assert "broken.wav: it is not audio that can be decoded" in sounds.sentence()
    assert dataset.first().sampling_rate == 16_000
    assert 0.5 <= dataset.first().duration <= 1.2
    assert compute_embeddings(dataset, key="ears").model == "audio-preprocessing"
    with pytest.raises(Refusal, match=r"torchvision/resnet18 embeds media of the kind “image”, and these are “audio”"):
        compute_embeddings(dataset, key="eyes", model="torchvision/resnet18")
    preview = read_preview(dataset, dataset.first().id)
    assert (preview.kind, preview.path, preview.sampling_rate) == ("audio", dataset.first().audio, 16_000)


def test_an_import_continues_with_what_is_new_and_never_touches_another_dataset(sounds, folder):
    write_sounds(folder / "sounds", count=30)
    again = import_media(Source(folder / "sounds", "audio"), name="imported-sounds")
    assert (again.added, again.known) == (2, 28)
    assert len(fo.load_dataset("imported-sounds")) == 30
    write_motions(folder / "motions", count=2)
    with pytest.raises(Refusal, match="is not an import of the kind “series”"):
        import_media(Source(folder / "motions", "series"), name="imported-sounds")


def test_series_carry_their_rate_and_channels_and_new_ones_are_embedded_by_the_same_fit(motions, folder):
    dataset = fo.load_dataset("imported-motions")
    sample = dataset.first()
    assert (sample.channels, sample.sampling_rate) == (["acc_x", "acc_y", "acc_z"], pytest.approx(50))
    compute_embeddings(dataset, key="motion")
    fitted = provenance_of(dataset, "motion").options["fitted"]
    before = load_embeddings(dataset, "motion")
    write_motions(folder / "motions", count=40)
    import_media(Source(folder / "motions", "series"), name="imported-motions")
    again = compute_embeddings(dataset, key="motion")
    assert (again.embedded, again.reused) == (4, 36)
    after = load_embeddings(dataset, "motion")
    np.testing.assert_array_equal(after.vectors[:36], before.vectors)
    assert provenance_of(dataset, "motion").options["fitted"] == fitted


def test_a_preview_of_a_long_series_keeps_its_extremes_and_zooms(folder):
    values = np.sin(np.arange(200_000) / 50)
    values[123_456] = 40
    np.save(folder / "long.npy", values)
    import_media(Source(folder / "long.npy", "series", rate=100.0), name="imported-long")
    dataset = fo.load_dataset("imported-long")
    whole = read_preview(dataset, dataset.first().id)
    assert len(whole.times) <= 4_100
    assert max(whole.channels[0].values) == 40
    near = read_preview(dataset, dataset.first().id, start=1234.0, end=1236.0)
    assert near.times[0] == pytest.approx(1234.0)
    assert len(near.times) == 201
    assert near.channels[0].values[56] == 40


def test_long_recordings_are_sliced_into_windows_that_are_items_of_their_own(folder):
    rng = np.random.default_rng(0)
    tone = np.sin(np.arange(16_000 * 3) / 10)
    soundfile.write(folder / "long.wav", np.concatenate([tone, rng.normal(0, 0.2, 16_000 * 3)]), 16_000)
    import_media(Source(folder / "long.wav", "audio"), name="imported-recordings")
    report = slice_recordings(fo.load_dataset("imported-recordings"), length=1.0, name="imported-windows")
    windows = fo.load_dataset("imported-windows")
    assert (report.added, "Imported 6 windows" in report.sentence()) == (6, True)
    assert windows.values("start") == [0, 1, 2, 3, 4, 5]
    assert set(windows.values("source")) == {str(folder / "long.wav")}
    assert len(set(windows.values("filepath"))) == 6
    compute_embeddings(windows, key="ears")
    vectors = load_embeddings(windows, "ears").vectors
    assert neighbor_accuracy(vectors, np.array([0, 0, 0, 1, 1, 1]), 2, voters=1) == 1
    assert slice_recordings(fo.load_dataset("imported-recordings"), length=1.0, name="imported-windows").added == 0
    names = ["tone", "tone", "tone", None, "noise", "noise"]
    windows.set_values("ground_truth", [name and fo.Classification(label=name) for name in names])
    report = write_segments(windows, folder / "segments.csv")
    assert "Wrote 2 segments of 1 recording" in report.sentence()
    table = pd.read_csv(folder / "segments.csv")
    assert table[["start", "end", "label"]].to_numpy().tolist() == [[0, 3, "tone"], [4, 6, "noise"]]


def test_samples_of_an_existing_dataset_get_cards_and_keep_their_ids_and_labels(folder):
    made = write_sounds(folder / "mine", count=7)
    dataset = fo.Dataset("imported-mine")
    dataset.add_samples(
        fo.Sample(filepath=path, ground_truth=fo.Classification(label=kind))
        for path, kind in zip(made.media, made.classes, strict=True)
    )
    ids = dataset.values("id")
    report = make_cards(dataset, "audio")
    assert "7 samples have a card; the audio is in 'audio'." in report.sentence()
    dataset = fo.load_dataset("imported-mine")
    assert dataset.values("id") == ids
    assert dataset.values("audio") == made.media
    assert dataset.values("ground_truth.label") == made.classes
    assert dataset.media_type == "image"
    assert all(Image.open(path).size == (480, 360) for path in dataset.values("filepath"))


@pytest.mark.parametrize(
    ("make", "kind", "reason"),
    [
        (lambda folder: None, "audio", "There is no folder or file"),
        (lambda folder: folder.mkdir(), "series", "has no files of the kind “series”"),
        (lambda folder: folder.mkdir() or (folder / "a.txt").write_text(" "), "text", "the text is empty"),
    ],
)
def test_a_source_with_nothing_in_it_is_refused_and_leaves_no_dataset(folder, make, kind, reason):
    make(folder / "nothing")
    with pytest.raises(Refusal, match=reason):
        import_media(Source(folder / "nothing", kind), name="imported-nothing")
    assert not fo.dataset_exists("imported-nothing")


def test_a_table_without_a_known_column_is_refused_with_the_columns_it_has(folder):
    pd.DataFrame({"words": ["a"], "n": [1]}).to_csv(folder / "table.csv", index=False)
    with pytest.raises(Refusal, match=r"name one of words and n with --column"):
        import_media(Source(folder / "table.csv", "text"), name="imported-nothing")
    with pytest.raises(Refusal, match="has no column 'label'"):
        import_media(
            Source(folder / "table.csv", "text", column="words", label_column="label"), name="imported-nothing"
        )
