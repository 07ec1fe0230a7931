"""Two writers at once end with one vector for each sample, whoever comes second."""

import subprocess
import sys

import numpy as np
import pytest
from labelscape.ml_backend.store.embeddings import Provenance, create_embeddings, table_to_write, vector_table
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.vector_table import retrying


def test_a_write_is_tried_again_while_the_backend_says_that_another_came_first():
    answers = iter([RuntimeError("Retryable commit conflict: Please retry"), ValueError("Table 'a' already exists")])
    refreshed = []

    def write():
        error = next(answers, None)
        if error is not None:
            raise error
        return "written"

    assert retrying(write, lambda: refreshed.append(1)) == "written"
    assert len(refreshed) == 2


def test_any_other_failure_is_not_tried_again():
    tries = []

    def write():
        tries.append(1)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        retrying(write)
    assert len(tries) == 1


@pytest.mark.slow
def test_two_processes_that_start_the_same_embeddings_at_once_both_end_well(make_digits_dataset):
    dataset = make_digits_dataset(120)
    program = (
        "import sys\n"
        "import fiftyone as fo\n"
        "from labelscape.ml_backend.actions import embed, embed_update\n"
        "embed_update._ITEMS_PER_COMMIT = 10\n"
        f"dataset = fo.load_dataset({dataset.name!r})\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(embed.compute_embeddings(dataset, key='emb', batch_size=10).sentence())\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-c", program], **pipes) for _ in range(2)]
    for process in processes:
        assert any(line == "ready\n" for line in process.stdout)
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors[-2000:]
        assert "Embedded" in output
    dataset.reload()
    ids = vector_table(dataset, "emb").ids().tolist()
    assert sorted(ids) == sorted(dataset.values("id"))


def test_removing_and_reading_from_an_empty_table_is_nothing(make_digits_dataset):
    dataset = make_digits_dataset(2)
    create_embeddings(dataset, "emb", Provenance("by hand", {}))
    table = table_to_write(dataset, "emb")
    table.remove(list_items(dataset).ids)
    table.compact()
    ids, vectors = table.read()
    assert (len(ids), vectors.shape) == (0, (0, 0))
    assert len(np.unique(table.ids())) == 0
