"""Audio networks in ONNX files."""

import pytest
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.errors import Refusal

from .conftest import SPEECH


def test_a_real_speech_network_in_an_onnx_file_embeds_recordings(sounds):
    paths, labels = sounds
    model = load(f"audio-onnx/{SPEECH}")
    embedded = model.embed(paths)
    assert embedded.vectors.shape == (140, model.dim) == (140, 96)
    assert neighbor_accuracy(embedded.vectors, labels, 7, voters=5) > 0.8


def test_a_network_of_images_is_refused_as_an_audio_network(tmp_path):
    import torch

    torch.onnx.export(torch.nn.Conv2d(3, 2, 3), (torch.zeros(1, 3, 8, 8),), str(tmp_path / "image.onnx"), dynamo=False)
    with pytest.raises(Refusal, match="does not take a waveform"):
        load(f"audio-onnx/{tmp_path / 'image.onnx'}")
    with pytest.raises(Refusal, match="There is no file"):
        load("audio-onnx/missing.onnx")
