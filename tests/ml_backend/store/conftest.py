"""Digits without labels, and every vector database that Labelscape supports directly."""

import shutil
import tempfile
from pathlib import Path

import fiftyone.brain as fob
import pytest
from labelscape.ml_backend.store.backends import BACKEND_VARIABLE, BACKENDS
from labelscape.testing.vector_servers import LocalQdrant, postgres_address, stop_postgres

SETTINGS = {"pgvector": "connection_string", "milvus": "uri", "qdrant": "url"}


@pytest.fixture(scope="session")
def vector_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture(scope="session")
def postgres_folder():
    """A folder of its own: another run of pytest closes pytest's folder to PostgreSQL, which runs as another user."""
    folder = Path(tempfile.mkdtemp(prefix="labelscape-postgres-"))
    yield folder / "data"
    stop_postgres(folder / "data")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=list(BACKENDS))
def backend(request, vector_folder, postgres_folder, monkeypatch):
    """The name of a backend that new embeddings go to by the setting; its real server runs."""
    name = request.param
    monkeypatch.setenv(BACKEND_VARIABLE, name)
    if name == "lancedb":
        return name
    if name == "pgvector":
        address = postgres_address(postgres_folder)
    elif name == "milvus":
        address = str(vector_folder / "milvus.db")  # pymilvus runs milvus-lite on it
    else:
        address = "http://local-mode"
        monkeypatch.setattr("qdrant_client.QdrantClient", LocalQdrant(vector_folder / "qdrant"))
    monkeypatch.setitem(fob.brain_config.similarity_backends[name], SETTINGS[name], address)
    monkeypatch.setenv(BACKENDS[name].address, address)
    return name


@pytest.fixture
def unlabeled_digits(make_digits_dataset):
    """Five digits without a field of labels."""
    dataset = make_digits_dataset(5)
    dataset.delete_sample_field("ground_truth")
    return dataset
