"""Two writers at once end with one vector for each sample, whoever comes second."""

import subprocess
import sys

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.backends import BACKEND_VARIABLE, BACKENDS, configured_backends, default_backend
from labelscape.ml_backend.store.embeddings import (
    Provenance,
    create_embeddings,
    delete_embeddings,
    load_embeddings,
    table_to_write,
    vector_table,
)
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
def test_two_processes_that_start_the_same_embeddings_at_once_both_end_well(make_digits_dataset, backend):
    if backend in ("milvus", "qdrant"):
        pytest.skip("milvus-lite and Qdrant's local mode serve one process only")
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


def test_removing_and_reading_from_an_empty_table_is_nothing(make_digits_dataset, backend):
    dataset = make_digits_dataset(2)
    create_embeddings(dataset, "emb", Provenance("by hand", {}))
    table = table_to_write(dataset, "emb")
    table.remove(list_items(dataset).ids)
    table.compact()
    ids, vectors = table.read()
    assert (len(ids), vectors.shape, table.size(), table.dim()) == (0, (0, 0), 0, None)
    assert len(np.unique(table.ids())) == 0


def test_what_is_written_is_read_replaced_and_removed(make_digits_dataset, backend, monkeypatch):
    monkeypatch.setattr("labelscape.ml_backend.store.vector_table.BATCH_BYTES", 4)  # batches of 100
    dataset = make_digits_dataset(250)
    create_embeddings(dataset, "emb", Provenance("by hand", {}))
    assert dataset.get_brain_info("emb").config.method == backend
    table, items = table_to_write(dataset, "emb"), list_items(dataset)
    vectors = np.random.default_rng(0).normal(size=(250, 12)).astype(np.float32)
    vectors[7] = 0
    table.upsert(items.ids, items.sample_ids, vectors)
    before = table.version()
    vectors[3:6] = 5 * np.arange(12)
    table.upsert(items.ids[3:6], items.sample_ids[3:6], vectors[3:6])
    assert table.version() != before
    loaded = load_embeddings(dataset, "emb")
    assert loaded.items.ids.tolist() == items.ids.tolist()
    np.testing.assert_allclose(loaded.vectors, vectors, rtol=1e-5, atol=1e-6)
    table.remove(items.ids[:100])
    dataset.clear_cache()
    table = vector_table(dataset, "emb")
    assert (table.size(), table.dim(), len(table.ids())) == (150, 12, 150)
    assert sum(len(batch) for batch in table.batches()) == 150
    rows = table.fetch(items.ids[[120, 5, 249]])
    assert sorted(rows.ids.tolist()) == sorted(items.ids[[120, 249]].tolist())
    assert rows.sample_ids.tolist() == rows.ids.tolist()
    delete_embeddings(dataset, "emb")
    assert table.name not in BACKENDS[backend].tables().names()


def test_fiftyone_sorts_by_similarity_over_the_same_vectors(make_digits_dataset, backend):
    dataset = make_digits_dataset(20)
    create_embeddings(dataset, "emb", Provenance("by hand", {}))
    items = list_items(dataset)
    angles = np.linspace(0, 1, 20)
    vectors = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1).astype(np.float32)
    table_to_write(dataset, "emb").upsert(items.ids, items.sample_ids, vectors)
    view = dataset.sort_by_similarity(str(items.ids[0]), k=5, brain_key="emb")
    assert view.values("id") == items.ids[:5].tolist()


def test_objects_keep_their_sample(make_digits_dataset, backend):
    dataset = make_digits_dataset(5)
    boxes = [fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, 0.5, 0.5])]) for _ in range(5)]
    dataset.set_values("boxes", boxes)
    create_embeddings(dataset, "emb", Provenance("by hand", {}), patches_field="boxes")
    items = list_items(dataset, "boxes")
    table_to_write(dataset, "emb").upsert(items.ids, items.sample_ids, np.eye(5, 8, dtype=np.float32))
    [batch] = vector_table(dataset, "emb").batches()
    assert dict(zip(batch.ids.tolist(), batch.sample_ids.tolist(), strict=True)) == dict(
        zip(items.ids.tolist(), dataset.values("id"), strict=True)
    )


@pytest.mark.parametrize("name", ["pgvector", "milvus", "qdrant"])
def test_a_server_that_is_away_is_reported_in_words_and_leaves_no_run_behind(make_digits_dataset, monkeypatch, name):
    addresses = {
        "pgvector": ("connection_string", "postgresql://nobody@127.0.0.1:9/none"),
        "milvus": ("uri", "http://127.0.0.1:9"),
        "qdrant": ("url", "http://127.0.0.1:9"),
    }
    setting, address = addresses[name]
    monkeypatch.setitem(fob.brain_config.similarity_backends[name], setting, address)
    dataset = make_digits_dataset(2)
    with pytest.raises(Refusal, match=f"'{name}' does not respond: start its server, and set FIFTYONE_BRAIN_SIM"):
        create_embeddings(dataset, "emb", Provenance("by hand", {}), backend=name)
    assert not dataset.has_brain_run("emb")


def test_a_setting_that_names_no_backend_is_refused_with_those_there_are(make_digits_dataset, monkeypatch):
    monkeypatch.setenv(BACKEND_VARIABLE, "oracle")
    with pytest.raises(Refusal, match=r"'oracle' is not a similarity backend; choose one of: .*pgvector"):
        create_embeddings(make_digits_dataset(2), "emb", Provenance("by hand", {}))


def test_the_address_of_the_label_studio_backend_is_not_taken_for_a_similarity_backend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The compose file sets it, for “labelscape connect” and “labelscape status”."""
    monkeypatch.setenv("LABELSCAPE_BACKEND", "http://labelscape:9090")
    assert default_backend() == "lancedb"


def test_a_form_offers_no_database_without_its_client_unless_it_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BACKEND_VARIABLE, raising=False)
    known = fob.brain_config.similarity_backends
    absent = {**known["qdrant"], "config_cls": "no_such_package.NoSuchSimilarityConfig", "url": "http://host:1"}
    monkeypatch.setattr(fob.brain_config, "similarity_backends", {**known, "absent": absent})
    assert "absent" not in configured_backends()
    monkeypatch.setenv(BACKEND_VARIABLE, "absent")
    assert configured_backends()[0] == "absent"


def test_a_form_offers_the_databases_that_the_settings_say_where_to_find_and_the_default_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(BACKEND_VARIABLE, raising=False)
    known = fob.brain_config.similarity_backends
    bare = {name: {"config_cls": settings["config_cls"]} for name, settings in known.items()}
    monkeypatch.setattr(fob.brain_config, "similarity_backends", bare)
    assert configured_backends() == ["lancedb"]
    placed = {**bare, "qdrant": {**bare["qdrant"], "url": "http://host:6333"}, "redis": {**bare["redis"], "host": None}}
    monkeypatch.setattr(fob.brain_config, "similarity_backends", placed)
    assert configured_backends() == ["lancedb", "qdrant"]
    monkeypatch.setenv(BACKEND_VARIABLE, "pgvector")
    assert configured_backends() == ["pgvector", "lancedb", "qdrant"]
    monkeypatch.setenv(BACKEND_VARIABLE, "oracle")
    assert configured_backends() == ["lancedb", "qdrant"]
