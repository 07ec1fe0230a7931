"""Fine-tuning on a dataset: kept if it helps on held-out labels, and dropped if it does not."""

import numpy as np
import pytest
import torch
import torchvision
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.train import Tuning, train_embeddings
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.embeddings import check_embeddings, load_embeddings


@pytest.fixture
def dataset(make_digits_dataset, tmp_path):
    """Digits with the embeddings of an untrained network."""
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "weights.pt")
    dataset = make_digits_dataset(200)
    options = {"weights": str(tmp_path / "weights.pt"), "size": 32}
    compute_embeddings(dataset.limit(195), key="base", model="torchvision/resnet18", options=options)
    return dataset


def test_fine_tuning_reports_both_accuracies_and_is_kept_only_where_it_helps(dataset):
    report = train_embeddings(dataset, key="tuned", base="base", tune="last_block")
    tuning = report.tuning
    options = check_embeddings(dataset, "tuned").provenance.options
    assert tuning.helped == (tuning.after > tuning.before)
    assert ("tuned" in options) == tuning.helped
    assert report.head.accuracy == max(tuning.before, tuning.after)
    vectors = load_embeddings(dataset, "tuned").vectors
    more = compute_embeddings(dataset, key="tuned", model="trained", options=options)
    assert (more.embedded, more.reused) == (5, 195)
    np.testing.assert_allclose(load_embeddings(dataset, "tuned").vectors[:195], vectors, atol=1e-6)


def test_the_sentence_says_whether_fine_tuning_helped(dataset):
    from dataclasses import replace

    report = train_embeddings(dataset, key="head", base="base")
    helped = replace(report, tuning=Tuning(before=0.8, after=0.9, images=100, epochs=3))
    assert "Fine-tuning the last block helped: 80% of the held-out labels right before, 90% after" in helped.sentence()
    useless = replace(report, tuning=Tuning(before=0.8, after=0.8, images=100, epochs=1))
    assert "did not help, so the network was left as it was" in useless.sentence()


def test_embeddings_without_a_network_cannot_be_fine_tuned(make_digits_dataset):
    dataset = make_digits_dataset(40)
    compute_embeddings(dataset, key="signal")
    with pytest.raises(Refusal, match="'signal' was made by preprocessing, which has no block to fine-tune"):
        train_embeddings(dataset, key="tuned", base="signal", tune="last_block")
    with pytest.raises(Refusal, match="tune is 'everything'; it must be last_block"):
        train_embeddings(dataset, key="tuned", base="signal", tune="everything")
    assert not dataset.has_brain_run("tuned")
