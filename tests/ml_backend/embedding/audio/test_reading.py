"""No recording causes a traceback or a NaN: what cannot be used is skipped with a reason."""

import sys

import numpy as np
import pytest
import soundfile
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.errors import Refusal

from .conftest import RATE, SPEECH


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


def test_a_missing_extra_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(Refusal, match=r"pip install 'labelscape\[audio\]'"):
        load("audio-preprocessing")
