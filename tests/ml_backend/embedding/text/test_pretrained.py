"""Text encoders from local folders give their own vectors."""

import numpy as np
import pytest
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.errors import Refusal

from .conftest import texts


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
