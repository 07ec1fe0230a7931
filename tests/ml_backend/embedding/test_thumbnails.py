import cv2
import numpy as np
import pytest
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.embedding.thumbnails import read_thumbnails


def drawing(seed):
    """A smooth picture of its own for each seed, 240 x 320."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC)


def saved(folder, images, suffix="png", quality=95):
    media = []
    for number, image in enumerate(images):
        path = str(folder / f"{len(list(folder.iterdir()))}_{number}.{suffix}")
        assert cv2.imwrite(path, image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        media.append(Media(path))
    return media


def test_thumbnails_show_the_whole_image_in_gray_with_its_sides_stretched(tmp_path):
    images = [drawing(seed) for seed in range(20)]
    thumbnails = read_thumbnails(saved(tmp_path, images))
    assert thumbnails.kept.tolist() == list(range(20))
    for image, picture in zip(images, thumbnails.pictures, strict=True):
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        assert np.abs(picture - cv2.resize(gray, (64, 64), interpolation=cv2.INTER_AREA).astype(float)).max() <= 1


def test_thumbnails_of_copies_saved_again_or_resized_are_nearly_the_same(tmp_path):
    images = [drawing(seed) for seed in range(20)]
    pictures = read_thumbnails(saved(tmp_path, images)).pictures.astype(float)
    again = saved(tmp_path, images, "jpg", quality=60)
    smaller = saved(tmp_path, [cv2.resize(image, None, fx=0.5, fy=0.5) for image in images])
    larger = saved(tmp_path, [cv2.resize(image, None, fx=3, fy=3) for image in images])
    for copies in (again, smaller, larger):
        assert np.abs(pictures - read_thumbnails(copies).pictures).max() <= 8


def test_images_that_cannot_be_read_are_reported_and_flat_ones_have_none(tmp_path):
    media = saved(tmp_path, [drawing(0), np.full((40, 40, 3), 255, np.uint8), drawing(1)])
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no image")
    thumbnails = read_thumbnails(
        [media[0], Media(str(tmp_path / "absent.png")), media[1], Media(str(damaged)), media[2]]
    )
    assert thumbnails.kept.tolist() == [0, 4]
    assert [(failure.index, failure.reason) for failure in thumbnails.failed] == [
        (1, "the file does not exist"),
        (3, "it is not an image in a known format"),
    ]
    assert thumbnails.pictures.shape == (5, 64, 64)
    assert [bool(picture.any()) for picture in thumbnails.pictures] == [True, False, False, False, True]


def test_no_images_have_no_thumbnails():
    thumbnails = read_thumbnails([])
    assert (len(thumbnails.kept), len(thumbnails.pictures), thumbnails.failed) == (0, 0, [])


def test_reading_reports_its_progress_and_can_be_stopped(tmp_path):
    media = saved(tmp_path, [drawing(0)]) * 150
    seen = []
    read_thumbnails(media, progress=lambda share, _: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert len(seen) >= 3

    def stop(share, _):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        read_thumbnails(media, progress=stop)
