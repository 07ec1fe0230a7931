"""What an import finds in a folder or a table, how long recordings are sliced, and what is refused."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.cli.synthetic import write_motions, write_sounds
from labelscape.ml_backend.actions.medium_sources import FoundMedium, Source, find_media, slice_medium
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.errors import Refusal


@given(st.floats(0.5, 600), st.floats(0.1, 30), st.floats(0.1, 1))
def test_slices_have_one_length_and_lie_inside_the_recording(duration, length, overlap):
    slices = slice_medium(FoundMedium(Media("/a.wav"), duration=duration, label="bird"), length, length * overlap)
    spans = [one.medium.span for one in slices]
    assert spans == sorted(set(spans))
    assert all(one.label == "bird" for one in slices)
    assert spans[0][0] == 0
    if len(slices) > 1:
        assert all(end - start == pytest.approx(length) for start, end in spans)
        assert spans[-1][1] <= duration + 1e-6


def test_a_recording_shorter_than_a_slice_is_one_of_its_own_length():
    [one] = slice_medium(FoundMedium(Media("/a.wav"), duration=1.5), 4.0, 2.0)
    assert one.medium.span == (0.0, 1.5)
    unknown = FoundMedium(Media("/a.wav"), duration=None)
    assert slice_medium(unknown, 4.0, 2.0) == [unknown]


def test_a_folder_has_the_files_of_the_kind_with_their_folders_as_labels(tmp_path):
    write_sounds(tmp_path / "sounds", count=3)
    (tmp_path / "sounds" / "notes.txt").write_text("not a sound")
    (tmp_path / "sounds" / ".hidden.wav").write_bytes(b"")
    (tmp_path / "sounds" / "broken.wav").write_bytes(b"RIFF")
    found = find_media(Source(tmp_path, "audio", labels_from_folders=True))
    assert len(found.media) == 3
    assert {one.label for one in found.media} == {"sounds"}
    assert [name.rsplit("/", 1)[-1] for name in found.skipped] == ["broken.wav"]


def test_a_table_names_files_relative_to_itself_with_their_labels(tmp_path):
    made = write_motions(tmp_path / "motions", count=2)
    names = [path.removeprefix(f"{tmp_path}/") for path in made.media]
    pd.DataFrame({"path": names, "activity": made.classes}).to_csv(tmp_path / "list.csv", index=False)
    found = find_media(Source(tmp_path / "list.csv", "series", label_column="activity"))
    assert [(one.medium.path, one.label) for one in found.media] == list(zip(made.media, made.classes, strict=True))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"kind": "text", "window": 2.0}, "Texts cannot be sliced into windows"),
        ({"path": "missing"}, "There is no folder or file"),
        ({}, "has no files of the kind “audio”: their names end with"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_what_to_do(tmp_path, changes, match):
    source = {"path": tmp_path, "kind": "audio"} | changes
    source["path"] = tmp_path / source["path"]
    with pytest.raises(Refusal, match=match):
        find_media(Source(**source))
