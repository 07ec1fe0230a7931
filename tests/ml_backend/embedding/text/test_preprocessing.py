"""Similar texts get similar vectors, in any language; no text gives a vector that is not finite."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.errors import Refusal

from .conftest import texts


def test_preprocessing_puts_like_texts_together_and_reads_its_own_file(requests, fitted):
    media, labels = requests
    model = load("text-preprocessing", fitted=fitted)
    embedded = model.embed(media)
    assert model.fitted_on == 300
    assert neighbor_accuracy(embedded.vectors, labels, 5, voters=5) > 0.95


def test_a_text_is_searched_with_in_the_same_space(requests, fitted):
    model = load("text-preprocessing", fitted=fitted)
    vectors = model.embed(requests[0]).vectors
    query = model.embed_text(["the backpack is broken"])[0]
    best = requests[0][int((vectors @ query / np.linalg.norm(vectors, axis=1)).argmax())].text
    assert "broken" in best
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
    with pytest.raises(Refusal, match="nothing|no sequence of characters"):
        model.embed_text(["猫"])


def test_languages_without_spaces_are_embedded():
    cats, rain = ["猫が好きです", "猫が大好きだ", "黒い猫がいる"], ["雨が降っています", "今日は雨が降る", "雨がひどい"]
    model = load("text-preprocessing")
    model.fit(texts(*cats, *rain))
    vectors = model.embed(texts(*cats, *rain)).vectors
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = vectors @ vectors.T
    assert alike[:3, :3].mean() > alike[:3, 3:].mean() + 0.2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_no_texts_give_a_vector_that_is_not_finite_or_has_no_direction(lines):
    model = load("text-preprocessing")
    try:
        model.fit(texts(*lines))
    except Refusal:
        return
    embedded = model.embed(texts(*lines))
    assert np.isfinite(embedded.vectors).all()
    assert (np.linalg.norm(embedded.vectors, axis=1) > 0).all()
    assert len(embedded.kept) + len(embedded.failed) == len(lines)
