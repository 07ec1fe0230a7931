"""Values of any range become 8 bits by the full scale that they use; damaged files are reported."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelscape.ml_backend.embedding.base import UnreadableMedium
from labelscape.ml_backend.embedding.image.decoding import decode, read_header, scale_to_8_bits
from PIL import Image


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(mode="RGB"):
    y, x = np.mgrid[:48, :64]
    return Image.fromarray(np.stack([x * 4, y * 5, x + y], axis=2).astype(np.uint8)).convert(mode)


@pytest.mark.parametrize(
    ("full", "kind"),
    [(255, np.uint16), (1023, np.uint16), (4095, np.uint16), (16383, np.uint16), (65535, np.uint16), (1, np.float32)],
)
def test_values_are_scaled_by_the_full_scale_that_holds_them(full, kind):
    values = np.linspace(0, 1, 9) * full

    scaled = scale_to_8_bits(values.astype(kind))

    np.testing.assert_allclose(scaled, np.linspace(0, 255, 9), atol=1.1 if full > 255 else 1)


def test_values_that_use_a_sliver_of_their_scale_are_stretched():
    thermal = np.random.default_rng(0).integers(29_000, 29_500, (50, 50)).astype(np.uint16)

    scaled = scale_to_8_bits(thermal)

    assert scaled.min() == 0
    assert scaled.max() == 255
    assert (np.diff(scaled.ravel()[np.argsort(thermal.ravel(), kind="stable")].astype(int)) >= 0).all()


@settings(deadline=None)
@given(hnp.arrays(np.float32, st.integers(1, 20), elements=st.floats(width=32)))
def test_any_numbers_become_8_bits_in_their_order_or_are_refused(values):
    if not np.isfinite(values).any():
        with pytest.raises(UnreadableMedium, match="no finite values"):
            scale_to_8_bits(values)
        return
    if np.abs(values[np.isfinite(values)]).max() > 1e30:
        return  # beyond what a sensor writes, differences overflow
    scaled = scale_to_8_bits(values)

    known = ~np.isnan(values)
    order = np.argsort(values[known], kind="stable")
    assert (np.diff(scaled[known][order].astype(int)) >= 0).all()
    assert (scaled[~known] == scaled.min()).all()


@pytest.mark.parametrize("values", [[9e15], [1e20, 1e20], [0.0, 1e-38]])
def test_a_flat_image_of_extreme_values_is_dark_and_no_error(values):
    assert scale_to_8_bits(np.array(values, np.float32)).tolist() == [0] * len(values)


def test_the_header_tells_size_and_how_values_are_read():
    png = read_header(encoded(photo("RGBA"), "PNG"))
    deep = read_header(encoded(Image.fromarray(np.zeros((3, 5), np.uint16)), "PNG"))

    assert (png.width, png.height, png.kind, png.transparent, png.deep) == (64, 48, "PNG", True, False)
    assert (deep.width, deep.height, deep.transparent, deep.deep) == (5, 3, False, True)


@pytest.mark.parametrize("data", [b"", b"not an image", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_reported(data):
    with pytest.raises(UnreadableMedium, match="not an image in a known format"):
        read_header(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_pixels_are_those_of_pillow(kind):
    data = encoded(photo(), kind)

    pixels = decode(data, read_header(data))

    theirs = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.abs(pixels.astype(int) - theirs).max() <= 4  # two decoders of JPEG round differently


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_truncated_file_is_damaged_and_not_half_gray(kind):
    data = encoded(photo(), kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
    header = read_header(data)

    with pytest.raises(UnreadableMedium, match="the image is damaged"):
        decode(data[: len(data) // 2], header)


@pytest.mark.parametrize(("shrink", "side"), [(1, 64), (1.9, 64), (2, 32), (5, 16), (99, 8)])
def test_a_jpeg_is_decoded_as_small_as_allowed_and_no_smaller(shrink, side):
    data = encoded(photo(), "JPEG")

    assert decode(data, read_header(data), shrink=shrink).shape[1] == side
