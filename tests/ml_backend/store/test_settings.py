"""Where vectors lie, and that FiftyOne finds them there."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
from labelscape.ml_backend.store.embeddings import Provenance, create_embeddings, vector_table
from labelscape.ml_backend.store.items import list_items


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
