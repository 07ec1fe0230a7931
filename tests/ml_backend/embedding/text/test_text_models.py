"""Text models: any language, encoding, or length; similar texts get similar vectors, and empty ones are skipped."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.cli.synthetic import make_requests
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.errors import Refusal


def texts(*lines):
    return [Media("", text=line) for line in lines]


@pytest.fixture(scope="module")
def requests():
    made = make_requests(count=300)
    return texts(*made.media), np.unique(made.classes, return_inverse=True)[1]


@pytest.fixture(scope="module")
def fitted(requests, tmp_path_factory):
    model = load("text-preprocessing")
    model.fit(requests[0])
    path = str(tmp_path_factory.mktemp("fitted") / "text.npz")
    model.save(path)
    return path


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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_of_any_encoding_are_read(tmp_path, fitted, encoding):
    line = "die Rechnung stimmt nicht, größere Überweisung"
    (tmp_path / "request.txt").write_bytes(line.encode(encoding))
    model = load("text-preprocessing", fitted=fitted)
    from_file, from_field = model.embed([Media(str(tmp_path / "request.txt")), *texts(line)]).vectors
    np.testing.assert_allclose(from_file, from_field, atol=1e-6)


def test_texts_that_cannot_be_used_are_skipped_with_a_reason_and_a_megabyte_is_embedded(tmp_path, fitted):
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "long.txt").write_text("where is my parcel? " * 60_000)
    files = [Media(str(tmp_path / name)) for name in ("empty.txt", "binary.txt", "missing.txt", "long.txt")]
    embedded = load("text-preprocessing", fitted=fitted).embed([*files, *texts("", " \n", "猫")])
    assert embedded.kept.tolist() == [3]
    reasons = [failure.reason for failure in embedded.failed]
    assert reasons[:4] == ["the file is empty", "it is not a text file", "the file does not exist", "the text is empty"]
    assert "in common with the texts that the model was fitted on" in reasons[-1]
    with pytest.raises(Refusal, match="None of these texts can be read"):
        load("text-preprocessing").fit(texts("", " "))


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


def test_a_sentence_encoder_from_a_local_folder_gives_its_own_vectors(tmp_path):
    import sentence_transformers
    import tokenizers
    import torch
    import transformers
    from sentence_transformers import models

    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "where", "is", "my", "parcel"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.BertTokenizerFast(
        tokenizer_object=tokenizers.BertWordPieceTokenizer(str(tmp_path / "vocab.txt"))._tokenizer
    )
    config = transformers.BertConfig(
        vocab_size=9, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    word = models.Transformer(str(tmp_path / "bert"), max_seq_length=16)
    theirs = sentence_transformers.SentenceTransformer(modules=[word, models.Pooling(16)], device="cpu")
    theirs.save(str(tmp_path / "model"))
    lines = ["where is my parcel", "is my parcel where"]
    model = load(f"sentence-transformers/{tmp_path / 'model'}")
    np.testing.assert_allclose(model.embed(texts(*lines)).vectors, theirs.encode(lines), atol=1e-4)
    assert model.embed_text(lines).shape == (2, 16)


def test_static_word_vectors_from_a_local_folder_are_the_mean_of_their_words(tmp_path):
    import model2vec
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "where": 1, "parcel": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    table = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    model2vec.StaticModel(table, tokenizer, normalize=False).save_pretrained(str(tmp_path))
    vectors = load(f"model2vec/{tmp_path}").embed(texts("where", "where parcel")).vectors
    np.testing.assert_allclose(vectors, [[1, 0], [0.5, 0.5]], atol=1e-6)


def test_a_folder_without_a_model_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(Refusal, match="In this folder there is no model of sentence-transformers"):
        load(f"sentence-transformers/{tmp_path}")
    with pytest.raises(Refusal, match="In this folder there is no model of model2vec"):
        load(f"model2vec/{tmp_path}")
