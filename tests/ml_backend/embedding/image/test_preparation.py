"""Images are prepared as the network was trained: size, crop, normalization, channel order."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.embedding.image.preparation import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    InputSettings,
    center_crop,
    override,
    triple,
)
from labelscape.ml_backend.errors import Refusal
from torchvision.transforms.functional import normalize

DEFAULT = InputSettings(size=8, resize=10, mean=IMAGENET_MEAN, std=IMAGENET_STD)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_an_image_of_any_shape_becomes_the_square_that_the_network_gets(height, width, squash):
    prepared = InputSettings(8, 10, IMAGENET_MEAN, IMAGENET_STD, squash=squash).prepare(picture(height, width))

    assert prepared.shape == (8, 8, 3)
    assert prepared.dtype == np.uint8


def test_values_are_normalized_as_torchvision_does():
    batch = np.stack([picture(8, 8), picture(8, 8, 1)])

    ours = DEFAULT.normalize(batch)

    theirs = normalize(torch.from_numpy(batch).permute(0, 3, 1, 2) / 255, IMAGENET_MEAN, IMAGENET_STD)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


def test_bgr_and_mirrored_networks_get_what_they_expect():
    batch = picture(8, 8)[None]
    plain = InputSettings(8, 8, (0, 0, 0), (1, 1, 1))

    rgb = plain.normalize(batch)

    np.testing.assert_array_equal(override(plain, channels="bgr").normalize(batch), rgb[:, ::-1])
    np.testing.assert_array_equal(override(plain, flip=True).normalize(batch), rgb[:, :, ::-1, ::-1])


def test_the_middle_is_cut_out_and_nothing_is_squeezed():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255

    assert (center_crop(wide, 10, 10, 1) == 255).all()
    squashed = InputSettings(10, 10, IMAGENET_MEAN, IMAGENET_STD, squash=True).prepare(wide)
    assert (squashed[:, 0] == 0).all()
    assert (squashed[:, 5] == 255).all()


def test_another_size_crops_nothing_off_unless_requested():
    assert override(DEFAULT, size=32) == InputSettings(32, 32, IMAGENET_MEAN, IMAGENET_STD)
    assert override(DEFAULT, size=32, resize=36).resize == 36
    assert override(DEFAULT, resize=4).resize == 8  # less than the square cannot be cut from
    assert override(DEFAULT) == DEFAULT


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": 0}, "size is 0; it must be 1 to 4,096 pixels"),
        ({"resize": 9999}, "resize is 9999"),
        ({"std": (1, 0, 1)}, r"std is \(1, 0, 1\); each number must be above 0"),
        ({"mean": (1, 2)}, r"mean must be three numbers.*got \[1, 2\]"),
        ({"mean": (1, float("nan"), 1)}, "mean must be three numbers"),
        ({"channels": "grb"}, "channels is 'grb'; choose rgb or bgr"),
    ],
)
def test_what_no_network_can_have_is_refused_with_the_value(options, says):
    with pytest.raises(Refusal, match=says):
        override(DEFAULT, **options)


def test_settings_are_described_in_words():
    assert triple("mean", [1, 0.5, 0]) == (1.0, 0.5, 0.0)
    assert override(DEFAULT, channels="bgr", mean=(0, 0, 0), std=(1, 1, 1)).sentence() == (
        "the middle of the image at 8 x 8 pixels, mean (0, 0, 0), std (1, 1, 1), channels in BGR order"
    )
