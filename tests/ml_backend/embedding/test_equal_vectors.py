"""Many different files with one vector are noticed; copies of one file are not."""

import numpy as np
from labelscape.ml_backend.embedding import Media
from labelscape.ml_backend.embedding.equal_vectors import MANY, VectorTally


def _files(folder, contents):
    paths = [folder / f"{number}.bin" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [Media(str(path)) for path in paths]


def _tally(media, vectors, batch):
    tally = VectorTally()
    for start in range(0, len(media), batch):
        tally.add(media[start : start + batch], vectors[start : start + batch])
    return tally.equal_vectors()


def test_different_files_with_one_vector_are_counted_across_batches(tmp_path):
    media = _files(tmp_path, [bytes([number]) for number in range(12)])
    vectors = np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32)
    vectors[3:10] = vectors[3]
    tally = _tally(media, vectors, batch=4)
    assert tally is not None
    assert tally.count == 7
    assert tally.examples == (media[3].title, media[4].title)


def test_copies_of_one_file_may_have_one_vector(tmp_path):
    media = _files(tmp_path, [b"same"] * 20)
    assert _tally(media, np.ones((20, 3), np.float32), batch=8) is None


def test_a_few_equal_vectors_are_no_warning(tmp_path):
    media = _files(tmp_path, [bytes([number]) for number in range(MANY - 1)])
    assert _tally(media, np.ones((MANY - 1, 3), np.float32), batch=8) is None
    assert VectorTally().equal_vectors() is None


def test_vectors_that_differ_in_one_number_are_not_equal(tmp_path):
    media = _files(tmp_path, [bytes([number]) for number in range(30)])
    vectors = np.zeros((30, 8), np.float32)
    vectors[:, 5] = np.arange(30) * 1e-6
    assert _tally(media, vectors, batch=30) is None


def test_patches_of_one_image_are_different_content(tmp_path):
    (path,) = (medium.path for medium in _files(tmp_path, [b"image"]))
    media = [Media(path, (0.1 * number, 0, 0.1, 1)) for number in range(6)]
    tally = _tally(media, np.zeros((6, 4), np.float32), batch=6)
    assert tally is not None
    assert tally.count == 6
