"""Texts are read in any encoding; what cannot be used is skipped with a reason."""

import numpy as np
import pytest
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.errors import Refusal

from .conftest import texts


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
