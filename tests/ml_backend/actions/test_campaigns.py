"""Collection campaigns: batches of unlabeled samples of a segment's kind, followed until they stop paying."""

import json

import fiftyone as fo
import pytest
from fiftyone.operators.store import ExecutionStore
from labelscape.ml_backend.actions.campaigns import campaign_status, discard_batch, propose_batch, take_batch
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.segments import create_segment
from labelscape.ml_backend.errors import Refusal

OPTIONS = {"embeddings": "emb", "field": "ground_truth"}


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(300, labeled=60)
    compute_embeddings(dataset, key="emb")
    zeros = dataset.limit(60).match(fo.ViewField("ground_truth.label") == "0").limit(4).values("id")
    create_segment(dataset, zeros, name="Zeros", kind="collection campaign")
    return dataset


def label(dataset, ids, name=None):
    for sample in dataset.select(list(ids)):
        sample["ground_truth"] = fo.Classification(label=name or sample.true_digit)
        sample.save()


def test_a_batch_is_unlabeled_of_the_segments_kind_and_reported_with_its_rule(dataset):
    proposed = propose_batch(dataset, "zeros", size=8, **OPTIONS)
    assert len(set(proposed.ids)) == 8
    assert dataset.select(proposed.ids).exists("ground_truth").count() == 0
    digits = dataset.select(proposed.ids).values("true_digit")
    assert digits.count("0") >= 5
    assert proposed.view.values("id") == proposed.ids
    assert proposed.campaign.target_labels == ("0",)
    assert "of the 16 highest scores those that lie farthest from each other" in proposed.sentence()


def test_what_was_taken_is_not_proposed_again_until_it_is_discarded(dataset):
    first = propose_batch(dataset, "zeros", size=8, **OPTIONS)
    take_batch(dataset, first)
    second = propose_batch(dataset, "zeros", size=8, **OPTIONS)
    assert not set(first.ids) & set(second.ids)
    with pytest.raises(Refusal, match="already in another batch"):
        take_batch(dataset, first)
    assert take_batch(dataset, second).number == 2
    assert discard_batch(dataset, "zeros").number == 2
    assert set(propose_batch(dataset, "zeros", size=8, **OPTIONS).ids) == set(second.ids)


def test_labels_that_came_back_are_followed_and_another_batch_pays(dataset):
    proposed = propose_batch(dataset, "zeros", size=12, **OPTIONS)
    take_batch(dataset, proposed)
    waiting = campaign_status(dataset, "zeros")
    assert not waiting.stop
    assert "none of 12 are labeled yet" in waiting.sentence()
    label(dataset, proposed.ids[:11])
    status = campaign_status(dataset, "zeros")
    (batch,) = status.batches
    assert (batch.taken, batch.returned) == (12, 11)
    assert batch.labels[0][0] == "0"
    assert batch.with_target == batch.labels[0][1]
    assert batch.low < batch.with_target / 11 < batch.high
    assert not status.stop
    assert "Another batch is worthwhile" in status.sentence()


def test_a_campaign_that_brings_other_labels_says_stop(dataset):
    proposed = propose_batch(dataset, "zeros", size=30, **OPTIONS)
    take_batch(dataset, proposed)
    label(dataset, proposed.ids, "7")
    status = campaign_status(dataset, "zeros")
    assert status.stop
    assert status.batches[0].with_target == 0
    assert "Stop here" in status.sentence()


def test_what_came_back_makes_the_next_batch_better(dataset):
    proposed = propose_batch(dataset, "zeros", size=12, **OPTIONS)
    take_batch(dataset, proposed)
    label(dataset, proposed.ids)
    second = propose_batch(dataset, "zeros", size=12, **OPTIONS)
    assert second.quality != proposed.quality or len(second.ids) == 12
    assert not set(second.ids) & set(proposed.ids)


def test_an_unlabeled_segment_needs_to_know_the_target_labels(dataset):
    ids = dataset.skip(60).limit(3).values("id")
    create_segment(dataset, ids, name="Odd", kind="collection campaign")
    with pytest.raises(Refusal, match="choose the target labels"):
        propose_batch(dataset, "odd", size=5, **OPTIONS)
    assert propose_batch(dataset, "odd", size=5, target_labels=["0"], **OPTIONS).campaign.target_labels == ("0",)


def test_without_anything_unlabeled_a_campaign_ends(dataset):
    label(dataset, dataset.skip(60).values("id"))
    with pytest.raises(Refusal, match="Nothing unlabeled is left in 'ground_truth'"):
        propose_batch(dataset, "zeros", size=5, **OPTIONS)
    with pytest.raises(Refusal, match="has no campaign"):
        campaign_status(dataset, "zeros")


def test_what_is_remembered_of_a_campaign_is_json(dataset):
    take_batch(dataset, propose_batch(dataset, "zeros", size=5, **OPTIONS))
    json.dumps(ExecutionStore.create("labelscape.campaigns", dataset._doc.id).get("zeros"))
