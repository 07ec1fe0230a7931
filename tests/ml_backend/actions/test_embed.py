"""Embedding a dataset: only what is new is embedded, every failure is reported, and an interruption costs only time."""

import os
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from dataclasses import replace

import cv2
import fiftyone as fo
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from labelscape.ml_backend.actions.embed import (
    compute_embeddings,
    import_field,
    import_file,
)
from labelscape.ml_backend.actions.train import train_embeddings
from labelscape.ml_backend.store.embeddings import (
    delete_embeddings,
    embeddings_status,
    load_embeddings,
)
from labelscape.ml_backend.store.fingerprints import read_fingerprints


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(40)


@pytest.fixture
def own_files(dataset, tmp_path):
    """The same digits in this test's own files, which it may change."""
    paths = []
    for number, path in enumerate(dataset.values("filepath")):
        paths.append(str(tmp_path / f"{number}.png"))
        cv2.imwrite(paths[-1], cv2.imread(path))
    dataset.set_values("filepath", paths)
    return paths


@pytest.mark.parametrize("backend", ["lancedb", "sklearn"])
def test_only_new_and_changed_samples_are_embedded_and_deleted_ones_leave(dataset, own_files, backend):
    first = compute_embeddings(dataset, key="emb", backend=backend)
    assert (first.embedded, first.reused, first.removed, first.failed) == (40, 0, 0, 0)
    again = compute_embeddings(dataset, key="emb", backend=backend)
    assert (again.embedded, again.reused) == (0, 40)
    before = load_embeddings(dataset, "emb").vectors
    ids = dataset.values("id")
    dataset.delete_samples(ids[-3:])
    cv2.imwrite(own_files[0], 255 - cv2.imread(own_files[0]))
    dataset.add_sample(fo.Sample(filepath=own_files[-1]))
    status = embeddings_status(dataset, "emb")
    assert (status.missing, status.orphaned) == (1, 3)
    sentence = "1 of 38 samples has no embedding and 3 vectors belong to samples that no longer exist"
    assert status.sentence().startswith(sentence)
    third = compute_embeddings(dataset, key="emb", backend=backend)
    assert (third.embedded, third.reused, third.removed) == (2, 36, 3)
    after = load_embeddings(dataset, "emb").vectors
    assert embeddings_status(dataset, "emb").complete
    np.testing.assert_array_equal(after[1:37], before[1:37])
    assert np.abs(after[0] - before[0]).max() > 0.1


def test_a_broken_file_is_skipped_recorded_on_its_sample_and_counted(dataset, own_files):
    with open(own_files[3], "w") as file:
        file.write("no image")
    os.remove(own_files[5])
    report = compute_embeddings(dataset, key="emb")
    assert (report.embedded, report.failed) == (38, 2)
    assert "2 could not be read" in report.sentence()
    reasons = dataset.values("embedding_error")
    assert reasons[3] == "it is not an image in a known format"
    assert reasons[5] == "the file does not exist"
    assert sum(reason is not None for reason in reasons) == 2
    for number in (3, 5):
        cv2.imwrite(own_files[number], cv2.imread(own_files[0]))
    mended = compute_embeddings(dataset, key="emb")
    assert (mended.embedded, mended.failed) == (2, 0)
    assert dataset.values("embedding_error") == [None] * 40


def test_a_file_that_breaks_later_loses_its_old_vector(dataset, own_files):
    compute_embeddings(dataset, key="emb")
    with open(own_files[0], "w") as file:
        file.write("no image")
    report = compute_embeddings(dataset, key="emb")
    assert (report.failed, report.removed, report.embedded) == (1, 1, 0)
    assert embeddings_status(dataset, "emb").missing == 1


def test_patches_are_embedded_and_follow_their_boxes(dataset):
    for number, sample in enumerate(dataset.iter_samples(autosave=True)):
        boxes = [[0, 0, 0.5, 1], [0.5, 0, 0.5, 1], [0.2, 0.2, 0, 0.3]][: 3 if number == 0 else number % 3]
        sample["parts"] = fo.Detections(detections=[fo.Detection(label="a", bounding_box=box) for box in boxes])
    count = dataset.count("parts.detections")
    report = compute_embeddings(dataset, key="emb", patches_field="parts")
    assert (report.embedded, report.failed) == (count - 1, 1)
    assert "patches" in report.sentence()
    first = dataset.first().parts.detections
    assert "no area" in first[2].embedding_error
    sample = dataset.first()
    sample.parts.detections[0].bounding_box = [0, 0, 1, 1]
    sample.save()
    assert compute_embeddings(dataset, key="emb", patches_field="parts").embedded == 1
    view = dataset.to_patches("parts")
    stored = load_embeddings(view, "emb")
    assert stored.items.ids.tolist() == [item for item in view.values("id") if item != first[2].id]


def test_a_view_of_nothing_and_a_key_of_another_model_are_errors_with_the_fix(dataset):
    with pytest.raises(ValueError, match="nothing to embed in this view"):
        compute_embeddings(dataset.match(fo.ViewField("id") == "x"), key="emb")
    compute_embeddings(dataset, key="emb")
    with pytest.raises(ValueError, match="holds embeddings of preprocessing.*choose another name"):
        compute_embeddings(dataset, key="emb", model="torchvision/resnet18", options={"weights": _weights()})
    with pytest.raises(ValueError, match="not a similarity backend"):
        compute_embeddings(dataset, key="emb2", backend="nothing")


def _weights():
    import tempfile

    import torch
    import torchvision

    path = os.path.join(tempfile.mkdtemp(), "resnet18.pt")
    torch.save(torchvision.models.resnet18().state_dict(), path)
    return path


def test_deleting_embeddings_leaves_no_trace(dataset):
    compute_embeddings(dataset, key="emb")
    assert len(read_fingerprints(dataset, "emb")) == 40
    delete_embeddings(dataset, "emb")
    assert read_fingerprints(dataset, "emb") == {}
    assert not dataset.has_brain_run("emb")


def test_vectors_of_a_field_a_parquet_file_and_npy_with_names_are_taken_over(dataset, tmp_path):
    vectors = np.random.default_rng(0).normal(size=(40, 6))
    dataset.set_values("mine", list(vectors))
    assert import_field(dataset, key="from_field", field="mine").embedded == 40
    pq.write_table(pa.table({"id": dataset.values("id"), "v": vectors.tolist()}), tmp_path / "v.parquet")
    import_file(dataset, key="from_parquet", path=str(tmp_path / "v.parquet"))
    np.save(tmp_path / "v.npy", vectors[::-1])
    names = [os.path.basename(path) for path in reversed(dataset.values("filepath"))]
    (tmp_path / "names.txt").write_text("\n".join(names))
    import_file(dataset, key="from_npy", path=str(tmp_path / "v.npy"), ids_path=str(tmp_path / "names.txt"))
    for key in ("from_field", "from_parquet", "from_npy"):
        np.testing.assert_allclose(load_embeddings(dataset, key).vectors, vectors, rtol=1e-6)
    with pytest.raises(ValueError, match="no field 'nothing'; fields with vectors: mine"):
        import_field(dataset, key="x", field="nothing")
    (tmp_path / "names.txt").write_text("\n".join(["stranger.png", *names[1:]]))
    with pytest.raises(ValueError, match=r"not a sample of this dataset; first: stranger\.png"):
        import_file(dataset, key="x", path=str(tmp_path / "v.npy"), ids_path=str(tmp_path / "names.txt"))
    assert not dataset.has_brain_run("x")


def test_names_as_macos_writes_them_are_the_same_names(dataset, tmp_path):
    """macOS spells “ä” as two characters (NFD); other systems as one."""
    path = tmp_path / unicodedata.normalize("NFC", "Käse.png")
    shutil.copy(dataset.first().filepath, path)
    dataset.add_sample(fo.Sample(filepath=str(path)))
    pq.write_table(
        pa.table({"id": [unicodedata.normalize("NFD", "Käse.png")], "v": [[1.0, 2.0]]}), tmp_path / "v.parquet"
    )
    assert import_file(dataset, key="nfd", path=str(tmp_path / "v.parquet")).embedded == 1


def test_many_different_files_with_one_vector_are_reported(make_digits_dataset, tmp_path):
    import cv2

    dataset = make_digits_dataset(5)
    for number in range(6):  # other bytes, the same pixels
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((8, 8), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, number])
        with open(tmp_path / f"{number}.png", "ab") as file:
            file.write(bytes([number]))
    dataset.add_samples([fo.Sample(filepath=str(tmp_path / f"{number}.png")) for number in range(6)])
    report = compute_embeddings(dataset, key="emb")
    assert report.equal is not None
    assert report.equal.count == 6
    assert "at least 6 different samples have the same vector, such as 0.png and 1.png" in report.sentence()


def test_a_trained_embedding_reports_its_accuracy_and_embeds_new_samples(make_digits_dataset):
    dataset = make_digits_dataset(300)
    compute_embeddings(dataset.limit(290), key="base")
    report = train_embeddings(dataset, key="mine", base="base")
    assert report.head.accuracy > 0.8
    assert "held-out labels right" in report.sentence()
    assert embeddings_status(dataset, "mine").missing == 10
    options = fo.load_dataset(dataset.name).get_brain_info("mine").config.labelscape["options"]
    more = compute_embeddings(dataset, key="mine", model="trained", options=options)
    assert (more.embedded, more.reused) == (10, 290)


def test_a_head_that_is_worse_than_its_neighbors_says_so(make_digits_dataset):
    dataset = make_digits_dataset(120)
    compute_embeddings(dataset, key="base")
    report = train_embeddings(dataset, key="mine", base="base")
    assert 0.5 < report.neighbor_accuracy <= 1
    better = replace(report, neighbor_accuracy=report.head.accuracy + 0.1)
    assert "Warning: a vote of the nearest neighbors in 'base'" in better.sentence()
    assert "Warning" not in replace(report, neighbor_accuracy=report.head.accuracy).sentence()


@pytest.mark.slow
def test_a_run_killed_in_the_middle_continues_and_ends_with_the_same_result(make_digits_dataset):
    dataset, whole = make_digits_dataset(600), make_digits_dataset(600)
    program = (
        "import sys, time\n"
        "import fiftyone as fo\n"
        "from labelscape.ml_backend.actions import embed, embed_update\n"
        "embed_update._ITEMS_PER_COMMIT = 50\n"
        "def progress(share, message):\n"
        "    print(message, flush=True)\n"
        "    time.sleep(0.05)\n"
        f"embed.compute_embeddings(fo.load_dataset({dataset.name!r}), key='emb', batch_size=10, progress=progress)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("Embedded ") and int(line.split()[1]) >= 230:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    dataset.reload()
    time.sleep(0.2)
    report = compute_embeddings(dataset, key="emb")
    assert report.reused >= 200
    assert report.embedded + report.reused == 600
    compute_embeddings(whole, key="emb")
    np.testing.assert_array_equal(load_embeddings(dataset, "emb").vectors, load_embeddings(whole, "emb").vectors)
    assert len(dataset.load_brain_results("emb").table) == 600
