"""Whatever a file contains, the result is pixels or a reason."""

import io
import struct

import cv2
import numpy as np
import pytest
from labelscape.ml_backend.embedding import Media
from labelscape.ml_backend.embedding.base import UnreadableMedium
from labelscape.ml_backend.embedding.image.reading import read_patches
from PIL import Image, ImageDraw


def read_rgb(medium, *, at_least):
    (patch,) = read_patches(medium.path, [medium.box], at_least=at_least)
    if isinstance(patch, UnreadableMedium):
        raise patch
    return patch


@pytest.fixture
def picture():
    """Smooth colors, 120 high and 200 wide."""
    rows, columns = np.mgrid[0:120, 0:200]
    return np.stack([rows * 2, columns, np.full_like(rows, 60)], axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("mode", "name"),
    [("RGB", "a.jpg"), ("L", "a.png"), ("RGBA", "a.png"), ("P", "a.png"), ("CMYK", "a.jpg"), ("RGB", "a.webp")],
)
def test_every_common_mode_and_format_becomes_rgb(tmp_path, picture, mode, name):
    image = Image.fromarray(picture).convert(mode)
    image.save(tmp_path / name)
    pixels = read_rgb(Media(str(tmp_path / name)), at_least=300)
    assert pixels.shape == (120, 200, 3)
    assert pixels.dtype == np.uint8
    expected = np.asarray(image.convert("RGB"), int)
    assert np.abs(pixels.astype(int) - expected).mean() < 8


def _icon(shape, mode):
    """A black shape on a transparent background."""
    alpha = Image.new("L", (40, 40), 0)
    draw = ImageDraw.Draw(alpha)
    draw.ellipse([8, 8, 32, 32], fill=255) if shape == "disc" else draw.rectangle([17, 2, 23, 38], fill=255)
    if mode == "P":
        image = Image.new("P", (40, 40), 0)
        image.putpalette([0] * 768)
        image.paste(1, mask=alpha)
        return image, alpha
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.putalpha(alpha)
    return image.convert(mode), alpha


@pytest.mark.parametrize(
    ("mode", "name", "options"),
    [
        ("RGBA", "a.png", {}),
        ("LA", "a.png", {}),
        ("P", "a.png", {"transparency": 0}),
        ("P", "a.gif", {"transparency": 0}),
        ("RGBA", "a.webp", {"lossless": True, "exact": True}),
        ("RGBA", "a.tif", {}),
    ],
)
@pytest.mark.parametrize("shape", ["disc", "bar"])
def test_a_black_icon_on_a_transparent_background_stands_on_white(tmp_path, shape, mode, name, options):
    image, alpha = _icon(shape, mode)
    image.save(tmp_path / name, **options)
    pixels = read_rgb(Media(str(tmp_path / name)), at_least=40)
    np.testing.assert_array_equal(pixels, np.repeat(255 - np.asarray(alpha)[..., None], 3, axis=2))


def test_a_white_icon_on_a_transparent_background_stands_on_black(tmp_path):
    _, alpha = _icon("disc", "RGBA")
    white = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    white.putalpha(alpha)
    white.save(tmp_path / "a.png")
    pixels = read_rgb(Media(str(tmp_path / "a.png")), at_least=40)
    np.testing.assert_array_equal(pixels[..., 0], np.asarray(alpha))


def test_a_half_transparent_pixel_is_mixed_with_the_background(tmp_path):
    Image.new("RGBA", (4, 4), (100, 0, 0, 128)).save(tmp_path / "a.png")
    pixels = read_rgb(Media(str(tmp_path / "a.png")), at_least=4)
    np.testing.assert_allclose(pixels[0, 0], [177, 127, 127], atol=1)


RAMP = np.linspace(0, 1, 64).reshape(8, 8)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((RAMP * 65535).astype(np.uint16), "a.png"),
        ((RAMP * 4095).astype(np.uint16), "a.png"),
        ((RAMP * 255).round().astype(np.uint16), "a.png"),
        ((RAMP * 65535).astype(np.uint16), "a.tif"),
        ((RAMP * 1023).astype(np.uint16), "a.tif"),
        (RAMP.astype(np.float32), "a.tif"),
        ((RAMP * 255).astype(np.float32), "a.tif"),
        ((RAMP * 255).round().astype(np.int32), "a.tif"),
        (np.where(RAMP == 0, np.nan, RAMP).astype(np.float32), "a.tif"),
        ((28_000 + RAMP * 600).astype(np.uint16), "a.tif"),
        ((RAMP * 3000 - 1000).astype(np.int32), "a.tif"),
    ],
    ids=str,
)
def test_deep_values_are_scaled_by_the_range_they_use(tmp_path, values, name):
    if name.endswith("png"):
        cv2.imwrite(str(tmp_path / name), values)
    else:
        Image.fromarray(values).save(tmp_path / name)
    pixels = read_rgb(Media(str(tmp_path / name)), at_least=8)
    np.testing.assert_allclose(pixels[..., 0], RAMP * 255, atol=2)
    assert (pixels == pixels[..., :1]).all()


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_deep_color_image_keeps_its_colors(tmp_path, name):
    rgb = np.stack([RAMP, 1 - RAMP, np.full((8, 8), 0.5)], axis=2)
    cv2.imwrite(str(tmp_path / name), (rgb[..., ::-1] * 4095).astype(np.uint16))
    pixels = read_rgb(Media(str(tmp_path / name)), at_least=8)
    np.testing.assert_allclose(pixels, rgb * 255, atol=2)


@pytest.mark.parametrize(("kind", "full"), [("float64", 1), ("float32", 1), ("int16", 4095)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiff_of_pixels_that_pillow_does_not_know_is_read(tmp_path, kind, full, channels):
    rgb = (
        np.stack([RAMP, 1 - RAMP, np.full((8, 8), 0.5)], axis=2) if channels == 3 else np.repeat(RAMP[..., None], 3, 2)
    )
    written = (rgb[..., ::-1] * full).astype(kind)[..., :channels].squeeze()
    # Up to OpenCV 4.12, the default for 32-bit color is a lossy compression.
    cv2.imwrite(str(tmp_path / "a.tif"), written, [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_NONE])
    np.testing.assert_allclose(read_rgb(Media(str(tmp_path / "a.tif")), at_least=8), rgb * 255, atol=2)


def test_a_tiff_of_pixels_that_nobody_knows_is_said_to_be_that(tmp_path):
    file = io.BytesIO()
    Image.new("F", (8, 8)).save(file, "TIFF")
    entries = Image.open(file).tag_v2
    assert entries[258] == (32,)
    bits = file.getvalue().replace(struct.pack("<HHII", 258, 3, 1, 32), struct.pack("<HHII", 258, 3, 1, 24))
    (tmp_path / "a.tif").write_bytes(bits)
    with pytest.raises(UnreadableMedium, match="kind of pixels"):
        read_rgb(Media(str(tmp_path / "a.tif")), at_least=8)


def test_a_deep_image_without_a_finite_value_is_a_reason_in_words(tmp_path):
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UnreadableMedium, match="no finite values"):
        read_rgb(Media(str(tmp_path / "a.tif")), at_least=8)


def test_a_flat_deep_image_keeps_its_brightness(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 8), 30_000, np.uint16))
    assert read_rgb(Media(str(tmp_path / "a.png")), at_least=8)[0, 0, 0] == 117


def test_the_first_page_stands_for_an_image_of_several(tmp_path, picture):
    pages = [Image.fromarray(picture), Image.fromarray(255 - picture)]
    for name in ("a.tif", "a.webp"):
        options = {"lossless": True} if name.endswith("webp") else {}
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:], **options)
        np.testing.assert_allclose(read_rgb(Media(str(tmp_path / name)), at_least=10), picture, atol=1)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_one_bit_is_black_and_white(tmp_path, name):
    Image.fromarray(RAMP > 0.5).save(tmp_path / name)
    np.testing.assert_array_equal(
        read_rgb(Media(str(tmp_path / name)), at_least=8)[..., 0], np.where(RAMP > 0.5, 255, 0)
    )


@pytest.mark.parametrize("path", ["s3://bucket/a.jpg", "gs://bucket/a.jpg", "https://example.com/a.jpg"])
def test_a_remote_address_is_called_one(path):
    with pytest.raises(UnreadableMedium, match=r"remote address \((s3|gs|https)://\).*download the file"):
        read_rgb(Media(path), at_least=8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(tmp_path, picture, orientation):
    path = tmp_path / "a.jpg"
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif, quality=95)
    from PIL import ImageOps

    with Image.open(path) as saved:
        expected = np.asarray(ImageOps.exif_transpose(saved), int)
    pixels = read_rgb(Media(str(path)), at_least=300)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 4


def test_a_large_jpeg_is_decoded_small_but_not_smaller_than_asked(tmp_path, picture):
    large = cv2.resize(picture, (1600, 960))
    cv2.imwrite(str(tmp_path / "a.jpg"), large)
    assert min(read_rgb(Media(str(tmp_path / "a.jpg")), at_least=100).shape[:2]) in range(100, 200)
    quarter = Media(str(tmp_path / "a.jpg"), box=(0, 0, 0.5, 0.5))
    assert min(read_rgb(quarter, at_least=100).shape[:2]) in range(100, 200)


def test_a_patch_is_the_part_inside_its_box_and_the_image(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "a.png")
    patch = read_rgb(Media(str(tmp_path / "a.png"), box=(0.5, 0.25, 0.75, 0.5)), at_least=10)
    np.testing.assert_array_equal(patch, picture[30:90, 100:200])


def _broken(folder, picture):
    whole = folder / "whole.jpg"
    Image.fromarray(picture).save(whole)
    data = whole.read_bytes()
    (folder / "truncated.jpg").write_bytes(data[: len(data) // 2])
    noise = np.random.default_rng(0).integers(0, 255, picture.shape, dtype=np.uint8)
    Image.fromarray(noise).save(folder / "whole.png")
    (folder / "truncated.png").write_bytes((folder / "whole.png").read_bytes()[:-20_000])
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("no image")
    (folder / "folder.jpg").mkdir()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.jpg", "does not exist"),
        ("truncated.jpg", "damaged"),
        ("truncated.png", "damaged"),
        ("empty.png", "empty"),
        ("text.jpg", "not an image"),
        ("folder.jpg", "a folder"),
        ("x" * 300, "cannot be opened"),
        ("zero\0byte", "contains a null byte"),
    ],
)
def test_a_broken_file_is_a_reason_in_words(tmp_path, picture, name, reason):
    _broken(tmp_path, picture)
    with pytest.raises(UnreadableMedium, match=reason):
        read_rgb(Media(str(tmp_path / name)), at_least=64)


@pytest.mark.parametrize(
    "box", [(0.5, 0.5, 0, 0.2), (0.5, 0.5, -0.1, 0.2), (1.2, 0, 0.5, 0.5), (0, 0, float("nan"), 1)]
)
def test_a_box_without_area_inside_the_image_is_a_reason_in_words(tmp_path, picture, box):
    Image.fromarray(picture).save(tmp_path / "a.png")
    with pytest.raises(UnreadableMedium, match="no area"):
        read_rgb(Media(str(tmp_path / "a.png"), box=box), at_least=64)


def test_a_pixel_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    import labelscape.ml_backend.embedding.image.reading as reading

    monkeypatch.setattr(reading, "MAX_PIXELS", 1000)
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    with pytest.raises(UnreadableMedium, match="40 x 40 pixels, more than"):
        read_rgb(Media(str(tmp_path / "a.png")), at_least=64)


def test_patches_of_one_image_come_in_their_order_and_a_bad_box_spoils_no_other(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "a.png")
    boxes = [(0.5, 0.5, 0.5, 0.5), (0.2, 0.2, 0, 0), None, (0, 0, 0.1, 0.1)]
    lower, bad, whole, upper = read_patches(str(tmp_path / "a.png"), boxes, at_least=10)
    np.testing.assert_array_equal(lower, picture[60:, 100:])
    assert isinstance(bad, UnreadableMedium)
    np.testing.assert_array_equal(whole, picture)
    np.testing.assert_array_equal(upper, picture[:12, :20])
