"""Media at remote addresses are embedded like local files, below the roots that the setting allows and nowhere else."""

import functools
import http.server
import threading
import uuid

import cv2
import fsspec
import numpy as np
import pytest
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media, UnreadableMedium
from labelscape.ml_backend.embedding.remote_media import (
    ROOTS_VARIABLE,
    FetchingModel,
    address_of,
    is_allowed,
    read_remote,
    remote_marks,
)


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/secret")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path in paths:
        cv2.imwrite(str(path), random.integers(0, 255, (32, 32, 3), np.uint8))
    return paths


@pytest.fixture
def site(tmp_path, monkeypatch):
    handler = functools.partial(Handler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv(ROOTS_VARIABLE, f"{root}/ s3://other memory://bucket")
        yield root
        server.shutdown()


def test_http_and_object_stores_give_the_vectors_of_the_local_files_in_order(pictures, site):
    bucket = f"bucket/{uuid.uuid4().hex}"
    fsspec.filesystem("memory").pipe(f"/{bucket}/2.png", pictures[2].read_bytes())
    model = load("preprocessing")
    expected = model.embed([str(path) for path in pictures])
    media = [str(pictures[0]), f"{site}/1.png", f"memory://{bucket}/2.png", f"{site}/missing.png", f"{site}/3.png?v=2"]
    embedded = FetchingModel(model).embed(media)
    np.testing.assert_array_equal(embedded.vectors, expected.vectors)
    assert embedded.kept.tolist() == [0, 1, 2, 4]
    assert [(failure.index, failure.reason) for failure in embedded.failed] == [
        (3, f"“{site}/missing.png” does not exist")
    ]


def test_a_part_of_a_remote_image_is_that_part(pictures, site):
    model, box = load("preprocessing"), (0.0, 0.0, 0.5, 0.5)
    local = model.embed([Media(str(pictures[0]), box)])
    np.testing.assert_array_equal(FetchingModel(model).embed([Media(f"{site}/0.png", box)]).vectors, local.vectors)


def test_a_mark_changes_with_the_content_only(pictures, site):
    address = f"{site}/0.png"
    before = remote_marks([address])
    assert remote_marks([address]) == before
    pictures[0].write_bytes(pictures[1].read_bytes() + b"more")
    assert remote_marks([address]) != before
    [reason] = remote_marks([f"{site}/missing.png"]).values()
    assert isinstance(reason, UnreadableMedium)


@pytest.mark.parametrize("address", ["https://elsewhere.example/a.png", "s3://others/a.png", "s3://other/../x/a.png"])
def test_nothing_outside_of_the_roots_is_read(site, address):
    assert not is_allowed(address)
    with pytest.raises(UnreadableMedium, match=f"add its root to {ROOTS_VARIABLE}"):
        read_remote(address)


def test_a_redirect_out_of_the_roots_is_not_followed(site):
    with pytest.raises(UnreadableMedium, match="its server answered 302"):
        read_remote(f"{site}/moved.png")


def test_a_missing_client_of_a_store_is_named(site, monkeypatch):
    monkeypatch.setenv(ROOTS_VARIABLE, "gs://bucket")
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    with pytest.raises(UnreadableMedium, match="pip install gcsfs"):
        read_remote("gs://bucket/a.png")


def test_fiftyones_spelling_of_an_address_is_understood():
    assert address_of("/here/s3:/bucket/a.png") == "s3://bucket/a.png"
    assert address_of("/here/a.png") is None
