"""Boxes on an image: positive, inside, upright."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.label_studio.geometry import clipped, image_size, upright
from PIL import ExifTags, Image

SHARE = st.floats(-2, 2)


@given(box=st.tuples(SHARE, SHARE, SHARE, SHARE))
def test_a_clipped_box_lies_inside_and_has_no_negative_side(box: tuple[float, float, float, float]) -> None:
    x, y, width, height = clipped(box)
    assert min(x, y, width, height) >= 0
    assert x + width <= 1 + 1e-9
    assert y + height <= 1 + 1e-9


def test_angles_are_between_pixels_and_not_between_shares() -> None:
    assert upright((0.5, 0.2, 0.1, 0.4), 90, (200, 100)) == pytest.approx((0.3, 0.2, 0.2, 0.2))
    assert upright((0.5, 0.2, 0.1, 0.4), 90, (100, 100)) == pytest.approx((0.1, 0.2, 0.4, 0.1))


def test_a_size_is_that_of_the_image_as_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    assert image_size(path) == (30, 40)
    Image.new("RGB", (40, 30)).save(path)
    assert image_size(path) == (40, 30)


def test_a_file_that_is_no_image_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "drawing.svg").write_text("<svg/>")
    assert image_size(tmp_path / "drawing.svg") is None
    assert image_size(tmp_path / "gone.png") is None
