"""Whatever a file holds: pixels, or a reason in words."""

import cv2
import numpy as np
import pytest
from labelscape.ml_backend.embedding import Media
from labelscape.ml_backend.embedding.images import UnreadableImage, read_patches
from PIL import Image


def read_rgb(medium, *, at_least):
    (patch,) = read_patches(medium.path, [medium.box], at_least=at_least)
    if isinstance(patch, UnreadableImage):
        raise patch
    return patch


@pytest.fixture
def picture():
    """Smooth colours, 120 high and 200 wide."""
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


@pytest.mark.parametrize("kind", [np.uint16, np.uint8])
def test_a_16_bit_png_is_read_as_its_upper_byte(tmp_path, kind):
    gray = (np.arange(64, dtype=kind).reshape(8, 8) * (256 if kind is np.uint16 else 1)).astype(kind)
    cv2.imwrite(str(tmp_path / "a.png"), gray)
    pixels = read_rgb(Media(str(tmp_path / "a.png")), at_least=8)
    np.testing.assert_array_equal(pixels[..., 0], np.arange(64).reshape(8, 8))


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
        ("zero\0byte", "its path is none"),
    ],
)
def test_a_broken_file_is_a_reason_in_words(tmp_path, picture, name, reason):
    _broken(tmp_path, picture)
    with pytest.raises(UnreadableImage, match=reason):
        read_rgb(Media(str(tmp_path / name)), at_least=64)


@pytest.mark.parametrize(
    "box", [(0.5, 0.5, 0, 0.2), (0.5, 0.5, -0.1, 0.2), (1.2, 0, 0.5, 0.5), (0, 0, float("nan"), 1)]
)
def test_a_box_without_area_inside_the_image_is_a_reason_in_words(tmp_path, picture, box):
    Image.fromarray(picture).save(tmp_path / "a.png")
    with pytest.raises(UnreadableImage, match="no area"):
        read_rgb(Media(str(tmp_path / "a.png"), box=box), at_least=64)


def test_a_pixel_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    import labelscape.ml_backend.embedding.images as images

    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    with pytest.raises(UnreadableImage, match="40 x 40 pixels, more than"):
        read_rgb(Media(str(tmp_path / "a.png")), at_least=64)


def test_patches_of_one_image_come_in_their_order_and_a_bad_box_spoils_no_other(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "a.png")
    boxes = [(0.5, 0.5, 0.5, 0.5), (0.2, 0.2, 0, 0), None, (0, 0, 0.1, 0.1)]
    lower, bad, whole, upper = read_patches(str(tmp_path / "a.png"), boxes, at_least=10)
    np.testing.assert_array_equal(lower, picture[60:, 100:])
    assert isinstance(bad, UnreadableImage)
    np.testing.assert_array_equal(whole, picture)
    np.testing.assert_array_equal(upper, picture[:12, :20])
