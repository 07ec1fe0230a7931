"""Fine-tuning: the last block alone learns, it helps on unseen images, and its file brings it back."""

import cv2
import numpy as np
import pytest
import timm
import torch
import torchvision
from labelscape.ml_backend.embedding import Media, load
from labelscape.ml_backend.embedding.image.tuning import last_block, load_tuned, save_tuned, tune_last_block
from labelscape.ml_backend.errors import Refusal


@pytest.fixture(scope="module")
def stripes(tmp_path_factory):
    """Images of stripes that run one way or the other, under noise: media, classes."""
    folder = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    media, targets = [], []
    for number in range(120):
        wave = 60 * np.sin(np.arange(32) * 1.2 + rng.uniform(0, 6))
        image = np.tile(wave, (32, 1)) + 128 + rng.normal(0, 40, (32, 32))
        media.append(Media(str(folder / f"{number}.png")))
        targets.append(number % 2)
        cv2.imwrite(media[-1].path, np.clip(image if number % 2 else image.T, 0, 255).astype(np.uint8))
    return media, np.array(targets)


@pytest.fixture
def make_model(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "weights.pt"
    torch.save(torchvision.models.resnet18().state_dict(), path)
    return lambda: load("torchvision/resnet18", weights=str(path), size=32)


def class_distance(vectors, targets):
    """How far apart the class means are, in standard deviations within the classes."""
    means = np.stack([vectors[targets == code].mean(0) for code in (0, 1)])
    within = np.sqrt(np.mean([vectors[targets == code].var(0) for code in (0, 1)], axis=0)).mean()
    return np.abs(means[0] - means[1]).mean() / within


def test_the_last_block_learns_what_separates_the_classes_and_nothing_else_changes(make_model, stripes, tmp_path):
    media, targets = stripes
    model, untouched = make_model(), make_model()
    unseen = slice(80, None)
    before = class_distance(model.embed(media).vectors[unseen], targets[unseen])
    tuned = tune_last_block(model, media[:80], targets[:80])
    vectors = model.embed(media).vectors
    assert class_distance(vectors[unseen], targets[unseen]) > before
    assert tuned.images == 80
    changed = {
        name
        for (name, now), then in zip(
            model.network.state_dict().items(), untouched.network.state_dict().values(), strict=True
        )
        if not torch.equal(now, then)
    }
    assert changed
    assert all(name.startswith("layer4.1") for name in changed)
    save_tuned(tuned, tmp_path / "tuned.safetensors")
    load_tuned(untouched, tmp_path / "tuned.safetensors")
    np.testing.assert_allclose(untouched.embed(media).vectors, vectors, atol=1e-3)


def test_what_cannot_be_tuned_is_refused_in_words(make_model, stripes, tmp_path):
    media, targets = stripes
    with pytest.raises(Refusal, match="preprocessing has no block"):
        tune_last_block(load("preprocessing"), media, targets)
    with pytest.raises(Refusal, match="There is no fine-tuned block"):
        load_tuned(make_model(), tmp_path / "nothing.safetensors")
    with pytest.raises(Refusal, match="None of the labeled images can be read"):
        tune_last_block(make_model(), [Media("missing.png")], np.array([0]))


@pytest.mark.parametrize(
    ("network", "block"),
    [
        (lambda: torchvision.models.mobilenet_v3_small(), "features.12."),
        (lambda: torchvision.models.vit_b_32(), "encoder.layers.encoder_layer_11."),
        (lambda: torchvision.models.convnext_tiny(), "features.7.2."),
        (lambda: timm.create_model("vit_tiny_patch16_224"), "blocks.11."),
        (lambda: timm.create_model("resnet10t"), "layer4.0."),
    ],
    ids=["mobilenet", "vit", "convnext", "timm vit", "timm resnet"],
)
def test_the_last_block_of_a_network_is_found_by_itself(network, block):
    assert last_block(network())[0].startswith(block)


def test_a_model_with_two_towers_is_tuned_in_that_of_images():
    import open_clip

    names = last_block(open_clip.create_model("ViT-S-32-alt", pretrained=None))
    assert all(name.startswith("visual.") for name in names)
