"""Embed and predict in one pass: the predicted classes of a user's own network become a field."""

import fiftyone as fo
import numpy as np
import pytest
import torch
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.embeddings import load_embeddings
from torch import nn

OPTIONS = {"size": 16, "mean": (0, 0, 0), "std": (1, 1, 1), "classes": "low, high"}


@pytest.fixture
def network(tmp_path):
    torch.manual_seed(0)
    net = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 2)).eval()
    path = tmp_path / "net.pt"
    torch.jit.trace(net, torch.zeros(1, 3, 16, 16)).save(str(path))
    return f"own/{path}"


def test_predictions_are_kept_with_confidence_and_logits_and_follow_new_samples(make_digits_dataset, network):
    dataset = make_digits_dataset(12)
    report = compute_embeddings(
        dataset.limit(10), key="mine", model=network, options=OPTIONS, predictions="net_predictions"
    )
    assert (report.embedded, report.dim) == (10, 5)
    assert "The classes that it predicts are in the field 'net_predictions'." in report.sentence()
    assert "16 x 16 pixels, mean (0, 0, 0), std (1, 1, 1)" in report.sentence()
    compute_embeddings(dataset, key="mine", model=network, options=OPTIONS)
    predictions = dataset.values("net_predictions")
    assert len(predictions) == 12
    for prediction in predictions:
        probabilities = np.exp(prediction.logits) / np.exp(prediction.logits).sum()
        assert prediction.label == ("low", "high")[int(np.argmax(prediction.logits))]
        assert prediction.confidence == pytest.approx(probabilities.max(), rel=1e-4)
    assert load_embeddings(dataset, "mine").vectors.shape == (12, 5)


def test_predictions_never_go_into_a_field_of_somebody_else(make_digits_dataset, network):
    dataset = make_digits_dataset(4)
    dataset.add_sample_field("mine", fo.StringField)
    for field, message in {
        "ground_truth": "already exists and was not created by Labelscape",
        "mine": "already exists and was not created by Labelscape",
        "not a name": "cannot be a field",
    }.items():
        with pytest.raises(Refusal, match=message):
            compute_embeddings(dataset, key="emb", model=network, options=OPTIONS, predictions=field)
    assert not dataset.has_brain_run("emb")
    with pytest.raises(Refusal, match="preprocessing does not predict classes"):
        compute_embeddings(dataset, key="emb", predictions="fine")
    assert not dataset.has_field("fine")
