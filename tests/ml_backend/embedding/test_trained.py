"""A head trained on existing labels."""

import numpy as np
import pytest
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.image.preprocessing import Preprocessing
from labelscape.ml_backend.embedding.trained import load_head, save_head, train
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return (data.data / 16).astype(np.float32), data.target


def some_labels(targets, per_class, seed=0):
    labels = np.full(len(targets), -1)
    rng = np.random.default_rng(seed)
    for code in np.unique(targets):
        rows = rng.permutation(np.flatnonzero(targets == code))[:per_class]
        labels[rows] = code
    return labels


def test_a_trained_embedding_gathers_the_classes_better_than_its_base(digits):
    vectors, targets = digits
    labels = some_labels(targets, 30)
    head = train(vectors, labels)
    assert (head.classes, head.samples, head.held_out) == (10, 300, 60)
    assert head.accuracy > 0.8  # of 60 held-out labels: give or take .08
    unseen = labels < 0

    def centroid_accuracy(table):
        table = table / np.linalg.norm(table, axis=1, keepdims=True)
        centers = np.stack([table[labels == code].mean(0) for code in range(10)])
        return ((table[unseen] @ centers.T).argmax(1) == targets[unseen]).mean()

    assert centroid_accuracy(head.transform(vectors)) > centroid_accuracy(vectors) + 0.02


def test_the_reported_accuracy_holds_on_labels_never_seen(digits):
    vectors, targets = digits
    shuffled = np.random.default_rng(1).permutation(targets)
    assert train(vectors, shuffled).accuracy < 0.25


def test_the_reported_accuracy_is_no_flattery(digits):
    """Over a few draws of few labels, it equals the accuracy on the rest, within the error of so few held-out ones."""
    vectors, targets = digits
    reported, true = [], []
    for seed in range(4):
        labels = some_labels(targets, 10, seed)
        head = train(vectors, labels, seed=seed)
        reported.append(head.accuracy)
        table = head.transform(vectors)
        table /= np.linalg.norm(table, axis=1, keepdims=True)
        centers = np.stack([table[labels == code].mean(0) for code in range(10)])
        true.append(((table @ centers.T).argmax(1) == targets)[labels < 0].mean())
    assert np.mean(reported) < np.mean(true) + 0.05


def test_faint_dimensions_do_not_drown_the_strong_ones(digits):
    vectors, targets = digits
    faint = np.random.default_rng(0).normal(scale=0.01, size=(len(vectors), 400))
    assert train(np.hstack([vectors, faint]), some_labels(targets, 30)).accuracy > 0.8


def test_the_same_seed_gives_the_same_head(digits):
    vectors, targets = digits
    labels = some_labels(targets, 8)
    np.testing.assert_array_equal(train(vectors, labels).transform(vectors), train(vectors, labels).transform(vectors))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([-1] * 20, "there are 0 .0 labels of 0 classes"),
        ([0] * 20, "there are 1 .20 labels of 1 class"),
        ([0, 1, 2, 3] * 3 + [-1] * 8, "there are 0 .12 labels of 4 classes"),
    ],
)
def test_too_few_labels_are_an_error_with_the_numbers(labels, message):
    vectors = np.random.default_rng(0).normal(size=(20, 4))
    with pytest.raises(ValueError, match=message):
        train(vectors, np.asarray(labels))


def test_constant_and_huge_features_do_no_harm():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    vectors = np.column_stack([np.zeros(100), 1e6 * labels + rng.normal(size=100), rng.normal(size=100)])
    head = train(vectors, labels)
    assert head.accuracy == 1
    assert np.isfinite(head.transform(vectors)).all()


def test_a_saved_head_embeds_new_media_as_before(tmp_path):
    paths, targets = write_digits(tmp_path / "digits", count=300)
    media = [str(path) for path in paths]
    base = Preprocessing().embed(media).vectors
    head = train(base, targets)
    save_head(head, tmp_path / "head.npz")
    model = load("trained", base="preprocessing", head=str(tmp_path / "head.npz"))
    embedded = model.embed([*media[:5], "missing.png"])
    np.testing.assert_allclose(embedded.vectors, head.transform(base[:5]), rtol=1e-5)
    assert [failure.index for failure in embedded.failed] == [5]
    assert model.dim == head.dim


def test_a_file_that_is_no_head_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", something=1)
    with pytest.raises(ValueError, match="not a trained head: it lacks mean"):
        load_head(tmp_path / "other.npz")
    with pytest.raises(ValueError, match="There is no trained head"):
        load_head(tmp_path / "nothing.npz")
