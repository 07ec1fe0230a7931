"""Fixtures that several actions' tests share."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.embed import compute_embeddings

from ..label_studio.stand_in import StandIn
from .suggesting import classifications, parity, shape

BOXES = {"a": [0.1, 0.1, 0.3, 0.3], "b": [0.5, 0.5, 0.3, 0.3]}


@pytest.fixture
def boxed_digits(make_digits_dataset):
    """Eight digits, of which the first three are labeled, with two boxes “a” and “b” each in `parts`."""
    dataset = make_digits_dataset(8, labeled=3)
    boxes = [
        fo.Detections(detections=[fo.Detection(label=name, bounding_box=box) for name, box in BOXES.items()])
        for _ in range(8)
    ]
    dataset.set_values("parts", boxes)
    return dataset


@pytest.fixture
def studio():
    """A stand-in for Label Studio."""
    return StandIn()


@pytest.fixture
def embedded_digits(make_digits_dataset):
    """150 digits with embeddings, 60 of them labeled."""
    dataset = make_digits_dataset(150, labeled=60)
    compute_embeddings(dataset, key="emb")
    return dataset


@pytest.fixture
def several(embedded_digits):
    """The digits with a field of several labels: the first twenty by hand, the next twenty from neighbors."""
    dataset = embedded_digits
    samples = dataset.limit(40)
    values = [
        classifications((parity(digit), "human" if row < 20 else "neighbors"))
        for row, digit in enumerate(samples.values("true_digit"))
    ]
    dataset.set_values("kinds", dict(zip(samples.values("id"), values, strict=True)), key_field="id")
    dataset.add_sample_field("kinds.classifications.labelscape", fo.StringField)
    return dataset


@pytest.fixture
def two_things(make_digits_dataset):
    """160 digits with embeddings, each of the first 80 labeled with its shape and its parity."""
    dataset = make_digits_dataset(160)
    samples = dataset.limit(80)
    values = [classifications((shape(digit), None), (parity(digit), None)) for digit in samples.values("true_digit")]
    dataset.set_values("kinds", dict(zip(samples.values("id"), values, strict=True)), key_field="id")
    compute_embeddings(dataset, key="emb")
    return dataset
