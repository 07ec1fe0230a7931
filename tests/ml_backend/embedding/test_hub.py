"""A model that cannot be loaded is refused with where it was looked for and how to do without internet access."""

import pytest
from labelscape.ml_backend.embedding.hub import from_pretrained, local_or_hub
from labelscape.ml_backend.errors import Refusal


class Loader:
    def __init__(self, error=None):
        self.error = error

    def from_pretrained(self, reference, *, trust_remote_code):
        assert not trust_remote_code
        if self.error:
            raise self.error
        return reference


def test_a_local_folder_is_a_full_path_and_a_repository_keeps_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    assert local_or_hub("~/model") == str(tmp_path / "model")
    assert local_or_hub("google/vit-base") == "google/vit-base"


def test_code_of_a_repository_is_never_run():
    assert from_pretrained(Loader(), "google/vit-base", "a model", "hf") == "google/vit-base"


@pytest.mark.parametrize("error", [OSError("first line\nsecond line"), ValueError(""), KeyError("model_type")])
def test_a_model_that_cannot_be_loaded_is_refused_in_one_sentence_and_a_hint(error, tmp_path):
    with pytest.raises(Refusal) as refusal:
        from_pretrained(Loader(error), "google/vit-base", "an image model", "hf")
    assert str(refusal.value).startswith("In the cache and on the hub there is no image model for 'google/vit-base'")
    assert type(error).__name__ in str(refusal.value)
    assert "second line" not in str(refusal.value)
    assert "name the folder: hf/<folder>" in str(refusal.value)
    with pytest.raises(Refusal, match="In this folder there is no image model"):
        from_pretrained(Loader(error), str(tmp_path), "an image model", "hf")
