"""The data explorer as its front end sees it: methods over the App's own route, columns over ``/media``."""

import base64
import json
import struct
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from .shown import Shown, beside_samples

URI = "@labelscape/data-explorer/data_explorer"
DTYPES = ["u1", "<u2", "<u4", "<f4"]


class Explorer:
    """One panel on one dataset."""

    def __init__(self, url: str, dataset: str, panel_id: str = "panel-1") -> None:
        self.url = url
        self.dataset = dataset
        self.panel_id = panel_id
        self.view: dict[str, Any] = {}
        self.state: dict[str, Any] = {}
        self.requests: list[dict[str, Any]] = []

    def ask(self, method: str, /, **params: Any) -> dict[str, Any]:
        """What the method answers; a failure is returned as it is."""
        panel = {"panel_id": self.panel_id, "panel_state": {}, "__method__": method}
        body = {"operator_uri": URI, "dataset_name": self.dataset, "params": {**panel, **params}, **self.view}
        answer = post(f"{self.url}/operators/execute", body)
        assert answer.get("error") is None, answer
        self.requests = answer["executor"]["requests"]
        reply = answer["result"] or {}
        if "state" in reply:
            self.state = reply["state"]
        return reply

    def do(self, method: str, /, **params: Any) -> dict[str, Any]:
        """What the method answers, which must be no failure."""
        reply = self.ask(method, **params)
        assert "error" not in reply, reply
        return reply

    def load(self, key: str) -> None:
        self.do("load_map", map=key)

    @property
    def map(self) -> dict[str, str]:
        loaded = self.state["map"]
        return {"map": loaded["key"], "map_version": loaded["version"]}

    def rows(self, *rows: int, how: dict[str, Any] | None = None) -> dict[str, Any]:
        """A `Selection` of rows."""
        chosen = {"count": len(rows), "rows": list(rows), "bits": None, "how": how or {"kind": "rows"}}
        return {**self.map, **chosen, "shown": self.shown}

    @property
    def shown(self) -> str | None:
        """The version of the labels that the screen shows."""
        return (self.state["map"]["label_state"] or {}).get("version")

    def column(self, reference: dict[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
        """A column file through the route that the front end reads it by."""
        address = f"{self.url}/media?filepath={urllib.parse.quote(reference['file'])}"
        return decode(urllib.request.urlopen(address, timeout=30).read())

    def states(self) -> list[int]:
        return self.column(self.state["map"]["label_state"])[0][:, 0].tolist()

    def field(self, path: str) -> list[str | None] | list[float]:
        """The values of a field over the rows, as the map shows them."""
        values, tail = self.column(self.do("column", **self.map, field=path)["column"])
        if tail["kind"] == "numeric":
            return values[:, 0].tolist()
        return [None if code == 0xFFFF else tail["classes"][code] for code in values[:, 0].tolist()]

    def finish(self, job: str, seconds: float = 60) -> dict[str, Any]:
        """The job when it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.ask("sync", revision=-1)
            entry = next(entry for entry in self.state["jobs"] if entry["id"] == job)
            if entry["status"] not in ("queued", "running"):
                return entry
            time.sleep(0.1)
        raise TimeoutError(f"{job} still runs: {entry}")


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request, timeout=120).read())


def decode(content: bytes) -> tuple[np.ndarray, dict[str, Any]]:
    """Planes (n, width) and the tail of a column file, read as contract.ts says."""
    magic, version, dtype, width, n, tail = struct.unpack_from("<4sHBBII", content)
    assert (magic, version) == (b"LSC1", 1)
    planes = np.frombuffer(content, DTYPES[dtype], width * n, 16).reshape(width, n).T
    end = 16 + planes.nbytes
    assert len(content) == end + tail
    return planes, json.loads(content[end:]) if tail else {}


def numbers(packed: str, dtype: str = "<u4") -> list[Any]:
    return np.frombuffer(base64.b64decode(packed), dtype).tolist()


@pytest.fixture
def make_explorer(app: Any) -> Callable[..., Explorer]:
    return lambda dataset, panel_id="panel-1": Explorer(app.url, dataset.name, panel_id)


@pytest.fixture
def mapped_digits(make_digits_dataset: Callable[..., Any]) -> Any:
    """120 digits, 40 labeled, with their pixels as embeddings "pixels" and an indexed 2D map "flat"."""
    dataset = make_digits_dataset(120, labeled=40)
    give_map(dataset, np.asarray(load_digits().data[:120], np.float32), index=True)
    return dataset


def give_random_map(make_digits_dataset: Callable[..., Any], count: int, key: str) -> Any:
    """A dataset of so many samples of one labeled digit, on a map of random points."""
    import fiftyone.brain as fob
    from bson import ObjectId

    dataset = make_digits_dataset(1)
    first = dataset._sample_collection.find_one_and_delete({})
    # A hundred thousand through FiftyOne's own classes would take half a minute.
    dataset._sample_collection.insert_many({**first, "_id": ObjectId()} for _ in range(count))
    points = np.random.default_rng(0).normal(size=(count, 2))
    fob.compute_visualization(dataset, points=points, brain_key=key)
    return dataset


def give_map(
    dataset: Any,
    vectors: np.ndarray,
    patches_field: str | None = None,
    dims: int = 2,
    model: str = "preprocessing",
    options: dict[str, Any] | None = None,
    index: bool = False,
) -> None:
    """Embeddings "pixels" of these vectors, said to be a model's, and their principal components as the map "flat"."""
    from labelscape.ml_backend.store.embeddings import Provenance, create_embeddings, vector_table
    from labelscape.ml_backend.store.items import list_items
    from labelscape.ml_backend.store.maps import MapProvenance, save_map

    items = list_items(dataset, patches_field)
    create_embeddings(dataset, "pixels", Provenance(model, options or {}), patches_field=patches_field)
    vector_table(dataset._root_dataset, "pixels").upsert(items.ids, items.sample_ids, vectors)
    points = PCA(dims, random_state=0).fit_transform(vectors)
    save_map(dataset, "flat", items, points, MapProvenance("pixels", "pca", dims, {}, len(items)), index=index)


@pytest.fixture
def explorer(make_explorer: Callable[..., Explorer], mapped_digits: Any) -> Explorer:
    """A panel that has loaded the map of `mapped_digits`."""
    panel = make_explorer(mapped_digits)
    panel.load("flat")
    return panel


@pytest.fixture
def shown(mapped_digits: Any, app: Any, request: pytest.FixtureRequest) -> Shown:
    """`mapped_digits` with a second map in 3D, and the threes as a saved view."""
    from labelscape.ml_backend.store.items import list_items
    from labelscape.ml_backend.store.maps import MapProvenance, save_map

    points = PCA(3, random_state=0).fit_transform(np.asarray(load_digits().data[:120], np.float32))
    save_map(mapped_digits, "round", list_items(mapped_digits), points, MapProvenance("pixels", "pca", 3, {}, 120))
    mapped_digits.save_view("Only threes", mapped_digits.match({"true_digit": "3"}))
    beside_samples(mapped_digits)
    # The page comes last: beside its event loop FiftyOne cannot be asked.
    page = request.getfixturevalue("page")
    return Shown(page, app.address(mapped_digits.name, workspace=mapped_digits.name), mapped_digits)
