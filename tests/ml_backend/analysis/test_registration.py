import cv2
import numpy as np
import pytest
from labelscape.ml_backend.analysis.registration import same_picture, stretched


def drawing(seed):
    """A picture of its own for each seed, 640 x 640: smooth ground and a few sharp rectangles."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 255, (6, 8)).astype(np.uint8)
    image = cv2.resize(small, (640, 640), interpolation=cv2.INTER_CUBIC)
    for left, top, width, height, gray in random.integers((0, 0, 40, 40, 0), (500, 500, 140, 140, 256), (6, 5)):
        image[top : top + height, left : left + width] = gray
    return image


def thumbnail(image):
    return cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)


def compared(images, others, start=(0, 1, 0, 1)):
    pairs = (np.stack([thumbnail(image) for image in side]) for side in (images, others))
    return same_picture(*pairs, np.tile(np.array(start, float), (len(images), 1))).tolist()


IMAGES = [drawing(seed) for seed in range(20)]


@pytest.mark.parametrize("sides", [(0, 0, 0, 0), (26, 26, 26, 26), (40, 0, 0, 25), (0, 33, 14, 7)])
def test_crops_of_a_picture_are_aligned_with_it(sides):
    top, bottom, left, right = sides
    cropped = [image[top : 640 - bottom, left : 640 - right] for image in IMAGES]
    assert all(compared(IMAGES, cropped))
    assert all(compared(cropped, IMAGES))


def test_copies_saved_again_smaller_or_brighter_by_a_little_are_the_same():
    encoded = [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1] for image in IMAGES]
    assert all(compared(IMAGES, [cv2.imdecode(one, cv2.IMREAD_GRAYSCALE) for one in encoded]))
    assert all(compared(IMAGES, [cv2.resize(image, None, fx=0.3, fy=0.3) for image in IMAGES]))
    assert all(compared(IMAGES, [np.clip(image.astype(int) + 3, 0, 255).astype(np.uint8) for image in IMAGES]))


def test_one_small_thing_that_differs_tells_two_pictures_apart():
    changed = []
    for image in IMAGES:
        other = image.copy()
        place = other[300:330, 400:430]
        place[:] = np.where(place.mean() > 127, place.min() // 2, 255 - (255 - place.max()) // 2)
        changed.append(other)
    assert not any(compared(IMAGES, changed))


def test_different_pictures_are_not_the_same():
    assert not any(compared(IMAGES, [*IMAGES[1:], IMAGES[0]]))


def test_of_pictures_with_little_contrast_small_differences_count():
    faint = [(100 + image // 16).astype(np.uint8) for image in IMAGES]
    assert all(compared(faint, faint))
    assert not any(compared(faint, [*faint[1:], faint[0]]))


def test_no_pairs_have_no_answer():
    empty = np.empty((0, 64, 64), np.float32)
    assert same_picture(empty, empty, np.empty((0, 4))).tolist() == []


def test_stretched_sides_are_interpolated_and_places_outside_are_marked():
    side = np.arange(8, dtype=np.float32)
    matrices, inside = stretched(8, 8, np.array([0, 0.25, -0.25]), np.array([1, 0.5, 1]))
    samples = matrices @ side
    assert samples[0] == pytest.approx(side)
    assert samples[1] == pytest.approx(1.75 + 0.5 * np.arange(8))
    assert inside.sum(axis=1).tolist() == [8, 8, 6]
    assert samples[2, 2:] == pytest.approx(side[:6])
