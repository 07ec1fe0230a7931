"""Models of FiftyOne's zoo embed as FiftyOne itself does, from the weights in its model folder."""

import fiftyone as fo
import fiftyone.zoo as foz
import numpy as np
import pytest
import torch
import torchvision
from labelscape.ml_backend.actions.models import load
from labelscape.ml_backend.errors import Refusal
from labelscape.testing.pictures import write_smooth_images

NAME = "resnet18-imagenet-torch"


@pytest.fixture
def zoo_weights(tmp_path, monkeypatch):
    """Random weights where FiftyOne looks for those it has downloaded."""
    monkeypatch.setattr(fo.config, "model_zoo_dir", str(tmp_path / "zoo"))
    path = foz.models._get_model_in_dir(NAME)[1]
    torch.manual_seed(0)
    (tmp_path / "zoo").mkdir()
    torch.save(torchvision.models.resnet18().state_dict(), path)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: torch.load(path, weights_only=True))
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *_, **__: torch.load(path, weights_only=True)
    )


@pytest.fixture
def images(tmp_path):
    return write_smooth_images(tmp_path, [(260 + n, 240) for n in range(4)])


def test_a_zoo_model_gives_the_vectors_that_fiftyone_computes(zoo_weights, images, tmp_path):
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(filepath=path) for path in images])
    expected = dataset.compute_embeddings(foz.load_zoo_model(NAME))
    (tmp_path / "broken.png").write_text("no image")
    model = load(f"fiftyone/{NAME}")
    embedded = model.embed([*images, str(tmp_path / "broken.png")])
    assert [failure.index for failure in embedded.failed] == [4]
    ours = embedded.vectors
    cosine = (ours * expected).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosine.min() > 0.99
    assert model.dim == 512
    with pytest.raises(Refusal, match="has no text tower"):
        model.embed_text(["a cat"])
    dataset.delete()


def test_a_zoo_model_that_cannot_be_used_says_why(tmp_path, monkeypatch):
    with pytest.raises(Refusal, match=r"not a model of FiftyOne's zoo; those with embeddings are: .*clip-vit-base32"):
        load("fiftyone/nothing")
    monkeypatch.setattr(fo.config, "model_zoo_dir", str(tmp_path))

    def refuse(*_args, **_options):
        raise OSError("no network")

    monkeypatch.setattr(foz, "load_zoo_model", refuse)
    with pytest.raises(Refusal, match=r"could not load its zoo model .*no network.*model_zoo_dir"):
        load(f"fiftyone/{NAME}")
