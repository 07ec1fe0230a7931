"""Details of look-alikes: what is left of a picture without what its group has in common."""

import cv2
import numpy as np
import pytest
from labelscape.ml_backend.analysis.look_alike_details import details, groups_of_look_alikes


def scene_with_thing(seed, crop=(0, 320, 0, 320), mirror=False):
    """A scene at 64 x 64 pixels, cropped, in which one thing stands at a place of its own."""
    image = cv2.resize(np.random.default_rng(7).integers(60, 190, (6, 8)).astype(np.uint8), (320, 320))
    left, top = np.random.default_rng(seed).integers(50, 230, 2)
    image[top : top + 40, left : left + 40] = 255
    cut = image[crop[0] : crop[1], crop[2] : crop[3]]
    return cv2.resize(cut[:, ::-1] if mirror else cut, (64, 64), interpolation=cv2.INTER_AREA)


def test_pairs_connect_groups_and_small_groups_are_left_out():
    chain = np.arange(11)
    groups = groups_of_look_alikes(np.append(chain, 20), np.append(chain + 1, 21), 30)
    assert [group.tolist() for group in groups] == [list(range(12))]


def test_without_pairs_there_are_no_groups():
    assert groups_of_look_alikes(np.empty(0, int), np.empty(0, int), 5) == []
    assert details(np.zeros((5, 64, 64), np.uint8), [], np.zeros((5, 4), np.float32)).shape == (0, 256)


def test_the_details_of_cropped_and_mirrored_copies_are_closest_to_those_of_their_originals():
    originals = [scene_with_thing(seed) for seed in range(20)]
    copies = [scene_with_thing(0, crop=(20, 318, 3, 300)), scene_with_thing(1, mirror=True)]
    pictures = np.stack([*originals, *copies])
    coarse = pictures.reshape(len(pictures), -1).astype(np.float32)
    coarse /= np.linalg.norm(coarse, axis=1, keepdims=True)
    vectors = details(pictures, [np.arange(22)], coarse)
    closeness = vectors[20:] @ vectors[:20].T
    assert closeness.argmax(axis=1).tolist() == [0, 1]
    assert closeness.max(axis=1).min() > 0.5


def test_pictures_that_are_all_the_same_have_no_details():
    pictures = np.stack([scene_with_thing(3)] * 12)
    assert np.allclose(details(pictures, [np.arange(12)], np.ones((12, 1), np.float32)), 0)


def test_the_work_reports_how_many_it_has_aligned_and_stops_when_asked():
    pictures = np.stack([scene_with_thing(seed) for seed in range(20)] * 16)
    messages = []

    def stop_at_half(share, message):
        messages.append(message)
        if share > 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        details(pictures, [np.arange(160), np.arange(160, 320)], np.ones((320, 1), np.float32), stop_at_half)
    assert messages == [f"Aligned {number} of 320 images that look alike" for number in (64, 128, 160, 224)]
