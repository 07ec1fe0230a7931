import cv2
import numpy as np
import pytest
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.embedding.perceptual_hash import hash_images


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


def bits(hashes, others):
    return np.array([int(one ^ other).bit_count() for one, other in zip(hashes.tolist(), others.tolist(), strict=True)])


@pytest.fixture
def originals(tmp_path):
    images = [drawing(seed) for seed in range(20)]
    return images, hash_images(saved(tmp_path, images))


def test_hash_of_a_copy_saved_again_or_resized_stays_nearly_the_same(originals, tmp_path):
    images, hashes = originals
    again = hash_images(saved(tmp_path, images, "jpg", quality=60))
    smaller = hash_images(saved(tmp_path, [cv2.resize(image, None, fx=0.5, fy=0.5) for image in images]))
    larger = hash_images(saved(tmp_path, [cv2.resize(image, None, fx=3, fy=3) for image in images]))
    for copies in (again, smaller, larger):
        assert bits(hashes.whole, copies.whole).max() <= 4


def test_hashes_of_different_images_differ_in_many_bits(originals):
    _, hashes = originals
    one, other = np.triu_indices(20, 1)
    assert bits(hashes.whole[one], hashes.whole[other]).min() >= 14


@pytest.mark.parametrize("sides", [(12, 12, 16, 16), (24, 0, 0, 0), (0, 12, 32, 16), (24, 24, 32, 32)])
def test_one_crop_of_an_image_has_the_hash_of_the_image_cropped(originals, tmp_path, sides):
    images, hashes = originals
    top, bottom, left, right = sides
    cut = hash_images(saved(tmp_path, [image[top : 240 - bottom, left : 320 - right] for image in images]))
    nearest = [bits(np.repeat(cut.whole[row], hashes.crops.shape[1]), hashes.crops[row]).min() for row in range(20)]
    assert max(nearest) <= 4


def test_hash_of_the_mirrored_image_is_known_without_mirroring_it(originals, tmp_path):
    images, hashes = originals
    mirrored = hash_images(saved(tmp_path, [np.ascontiguousarray(image[:, ::-1]) for image in images]))
    assert bits(hashes.mirrored, mirrored.whole).max() <= 4
    assert bits(hashes.whole, mirrored.whole).min() >= 14


def test_images_that_cannot_be_read_are_reported_and_flat_ones_counted(tmp_path):
    media = saved(tmp_path, [drawing(0), np.full((40, 40, 3), 255, np.uint8), drawing(1)])
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no image")
    hashes = hash_images([media[0], Media(str(tmp_path / "absent.png")), media[1], Media(str(damaged)), media[2]])
    assert hashes.kept.tolist() == [0, 4]
    assert [(failure.index, failure.reason) for failure in hashes.failed] == [
        (1, "the file does not exist"),
        (3, "it is not an image in a known format"),
    ]
    assert hashes.flat == 1
    assert hashes.whole.shape == hashes.mirrored.shape == (2,)
    assert (hashes.crops[:, 0] == hashes.whole).all()


def test_no_images_have_no_hashes():
    hashes = hash_images([])
    assert (len(hashes.kept), len(hashes.crops), hashes.failed, hashes.flat) == (0, 0, [], 0)


def test_hashing_reports_its_progress_and_can_be_stopped(tmp_path):
    media = saved(tmp_path, [drawing(0)]) * 150
    seen = []
    hash_images(media, progress=lambda share, _: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert len(seen) >= 3

    def stop(share, _):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        hash_images(media, progress=stop)
