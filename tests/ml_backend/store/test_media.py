"""Whatever an object contains, it becomes a medium or a reason, and does not stop the others."""

from urllib.parse import quote

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.media import UnusableItem, list_media, read_marks, why_unavailable

GOOD_BOX = [0.2, 0.2, 0.5, 0.5]
GOOD_RINGS = [[[0.1, 0.1], [0.6, 0.1], [0.4, 0.7]]]
scalars = st.one_of(
    st.none(), st.booleans(), st.text(max_size=3), st.floats(), st.integers(-(2**31), 2**31), st.just({"x": 1})
)
garbage = st.recursive(scalars, lambda inner: st.lists(inner, max_size=5), max_leaves=8)


@pytest.fixture(scope="module")
def dataset():
    dataset = fo.Dataset()
    boxes = [fo.Detection(label="a", bounding_box=GOOD_BOX) for _ in range(2)]
    lines = [fo.Polyline(label="a", points=GOOD_RINGS) for _ in range(2)]
    dataset.add_sample(
        fo.Sample(
            filepath="/nowhere/a.png",
            boxes=fo.Detections(detections=boxes),
            one=fo.Detection(label="a", bounding_box=GOOD_BOX),
            lines=fo.Polylines(polylines=lines),
            line=fo.Polyline(label="a", points=GOOD_RINGS),
        )
    )
    yield dataset
    dataset.delete()


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("boxes", "boxes.detections.0.bounding_box"),
        ("one", "one.bounding_box"),
        ("lines", "lines.polylines.0.points"),
        ("line", "line.points"),
    ],
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=garbage)
def test_a_shape_of_any_content_stops_no_other(dataset, field, path, shape):
    dataset._sample_collection.update_one({}, {"$set": {path: shape}})
    items = list_items(dataset, field)
    media = list_media(dataset, items)
    assert len(media) == len(items) == (2 if field in ("boxes", "lines") else 1)
    for medium in media:
        if isinstance(medium, UnusableItem):
            assert medium.reason
        else:
            assert len(medium.box) == 4
            assert np.isfinite(medium.box).all()
    if len(media) == 2:
        assert isinstance(media[1], Media)


@pytest.mark.parametrize("path", ["s3://bucket/a.png", "gs://bucket/a.png", "https://example.com/a.png"])
def test_a_remote_address_is_called_one_and_the_fix_is_named(path):
    assert "is a remote address" in why_unavailable(path)
    assert "set `filepath` to the local file" in why_unavailable(path)
    assert read_marks([Media(path=path)])[0] == [""]


def test_the_reason_for_a_file_that_cannot_be_read_is_true(tmp_path):
    assert why_unavailable(str(tmp_path / "no.png")) == "the file does not exist"
    assert "cannot be opened" in why_unavailable(str(tmp_path))
    assert why_unavailable("a\0b") == "the path contains a null byte"
    (tmp_path / "a").write_text("x")
    assert why_unavailable(str(tmp_path / "a")) is None
    assert read_marks([Media(path="a\0b")])[0] == [""]


@pytest.mark.parametrize("address", ["file://{}", "file://localhost{}", "FILE:{}", "/here/file:{}"])
@pytest.mark.parametrize("name", ["a.png", "a b.png", "100%25.png"])
def test_an_address_of_a_local_file_is_that_file(tmp_path, address, name):
    path = tmp_path / name
    path.write_bytes(b"picture")
    for spelled in (str(path), quote(str(path))):
        assert Media(address.format(spelled)).path == str(path)


def test_a_folder_called_file_and_an_address_on_another_machine_stay_what_they_are(tmp_path):
    path = tmp_path / "file:" / "a.png"
    path.parent.mkdir()
    path.write_bytes(b"picture")
    assert Media(str(path)).path == str(path)
    assert "remote address" in str(why_unavailable(Media("file://server/share/a.png").path))


def test_samples_at_file_addresses_are_embedded(make_digits_dataset):
    dataset = make_digits_dataset(3)
    dataset.set_values("filepath", [f"file://{quote(path)}" for path in dataset.values("filepath")])
    report = compute_embeddings(dataset, key="e", model="preprocessing")
    assert report.sentence().startswith("Embedded 3 samples")
