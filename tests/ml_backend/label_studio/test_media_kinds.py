"""A fetched file is accepted only if it is of the kind that its task shows, and gets the ending of that kind."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from labelscape.cli.synthetic import motion
from labelscape.ml_backend.label_studio.media_hosts import MediaError
from labelscape.ml_backend.label_studio.media_kinds import suffix_of
from labelscape.ml_backend.label_studio.settings import Limits
from PIL import Image

ADDRESS = "http://studio.test/data/upload/1/file"


def suffix(file: Path, kind: str, address: str = ADDRESS) -> str:
    return suffix_of(file, address, kind, Limits())  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "ending"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("BMP", ".bmp")])
def test_an_image_gets_the_ending_of_its_content_whatever_its_name(tmp_path: Path, kind: str, ending: str) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "file", kind)
    assert suffix(tmp_path / "file", "image", f"{ADDRESS}.txt") == ending


@pytest.mark.parametrize(("form", "ending"), [("WAV", ".wav"), ("FLAC", ".flac"), ("OGG", ".ogg")])
def test_a_recording_gets_the_ending_of_its_format(tmp_path: Path, form: str, ending: str) -> None:
    soundfile.write(tmp_path / "file", np.zeros(800), 8000, format=form)
    assert suffix(tmp_path / "file", "audio") == ending


def test_a_series_is_told_by_its_first_bytes_and_else_by_its_address(tmp_path: Path) -> None:
    table = pd.DataFrame(motion(1).T, columns=["x", "y", "z"])
    table.to_parquet(tmp_path / "table")
    np.save(tmp_path / "array.npy", table.to_numpy())
    table.to_csv(tmp_path / "text", index=False)
    (tmp_path / "json").write_text(' {"x": [1, 2]}')
    endings = {name: suffix(tmp_path / name, "series") for name in ("table", "array.npy", "text", "json")}
    assert endings == {"table": ".parquet", "array.npy": ".npy", "text": ".csv", "json": ".json"}
    assert suffix(tmp_path / "text", "series", f"{ADDRESS}.tsv?token=1") == ".tsv"
    assert suffix(tmp_path / "text", "series", f"{ADDRESS}.parquet") == ".csv"


@pytest.mark.parametrize("kind", ["image", "audio", "text", "video"])
def test_a_file_of_another_kind_is_refused_with_its_address_but_not_its_signature(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(MediaError) as refusal:
        suffix(tmp_path / "file", kind, f"{ADDRESS}?signature=secret")
    assert ADDRESS in str(refusal.value)
    assert "secret" not in str(refusal.value)
