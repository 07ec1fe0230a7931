"""Where vectors lie, and that FiftyOne finds them there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from labelscape.ml_backend.store.embeddings import Provenance, create_embeddings, vector_table
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.settings import data_directory, vector_folder


def embed(dataset, key):
    create_embeddings(dataset, key, Provenance("by hand", {}))
    items = list_items(dataset)
    vectors = np.random.default_rng(0).normal(size=(len(items), 4)).astype(np.float32)
    vector_table(dataset, key).upsert(items.ids, items.sample_ids, vectors)


def test_more_than_ten_embeddings_are_all_found_by_fiftyone(make_digits_dataset):
    dataset = make_digits_dataset(5)
    for number in range(12):
        embed(dataset, f"emb{number}")
    dataset.clear_cache()
    for key in dataset.list_brain_runs():
        assert len(dataset.sort_by_similarity(dataset.first().id, k=3, brain_key=key)) == 3
        dataset.delete_brain_run(key)


def test_another_process_finds_the_vectors_without_importing_labelscape(make_digits_dataset):
    # Without Labelscape, FiftyOne sees the first ten tables only (lancedb issue 3914): those of other tests go.
    shutil.rmtree(os.path.join(os.environ["LABELSCAPE_DIR"], "lancedb"), ignore_errors=True)
    dataset = make_digits_dataset(5)
    embed(dataset, "emb")
    with open(os.environ["FIFTYONE_BRAIN_CONFIG_PATH"]) as file:
        uri = json.load(file)["similarity_backends"]["lancedb"]["uri"]
    assert uri == os.path.join(os.environ["LABELSCAPE_DIR"], "lancedb")
    program = (
        "import fiftyone as fo\n"
        f"dataset = fo.load_dataset({dataset.name!r})\n"
        "print(len(dataset.sort_by_similarity(dataset.first().id, k=3, brain_key='emb')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split()[-1] == "3"


@pytest.mark.parametrize(("given", "meant"), [("vectors", "{here}/vectors"), ("~/vectors", "{home}/vectors")])
def test_a_folder_is_the_same_one_wherever_a_process_runs(monkeypatch, tmp_path, given, meant):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FIFTYONE_BRAIN_SIMILARITY_LANCEDB_URI", raising=False)
    monkeypatch.setenv("LABELSCAPE_DIR", given)
    meant = meant.format(here=tmp_path, home=Path.home())
    assert data_directory() == Path(meant)
    assert vector_folder().uri == f"{meant}/lancedb"
    assert "LABELSCAPE_DIR" in vector_folder().decided_by
