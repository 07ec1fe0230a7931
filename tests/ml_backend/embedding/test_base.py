"""Media are named by paths, addresses of files, or texts; messages show a short title of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.embedding.base import Media, local_path


@pytest.mark.parametrize("prefix", ["file://", "file://localhost", "file:", "FILE://", "/here/file:"])
def test_an_address_of_a_file_means_that_file(tmp_path, prefix):
    file = tmp_path / "a b.png"
    file.touch()
    assert Media(f"{prefix}{file}").path == str(file)
    assert Media(f"{prefix}{file}".replace(" ", "%20")).path == str(file)


@given(st.text(st.characters(exclude_characters=":\0", exclude_categories=("Cs",))))
def test_any_other_path_stays_as_it_is(path):
    assert local_path(path) == path


def test_a_file_whose_name_looks_like_an_address_is_that_file(tmp_path):
    (tmp_path / "file:").mkdir()
    (tmp_path / "file:" / "a.png").touch()
    path = str(tmp_path / "file:" / "a.png")
    assert local_path(path) == path


@given(st.text())
def test_the_title_of_a_text_is_one_short_line(text):
    title = Media("", text=text).title
    assert len(title) <= 41
    assert "\n" not in title
    assert Media("/folder/a.png").title == "a.png"
