"""Embedding on a Ray cluster: the vectors of one machine, whatever happens to the workers."""

import os
import signal

import cv2
import numpy as np
import pytest
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.ray_model import RayModel
from labelscape.ml_backend.errors import Cancelled, Refusal
from labelscape.ml_backend.running import ENGINE_VARIABLE, Engine, engine


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    made = [str(folder / f"{number:03}.png") for number in range(240)]
    for path in made:
        cv2.imwrite(path, random.integers(0, 255, (24, 24, 3), np.uint8))
    (folder / "017.png").write_bytes(b"not an image")
    return made


@pytest.fixture(scope="module")
def model(monkeypatch_module):
    ray = pytest.importorskip("ray")
    made = RayModel(load("preprocessing"), "preprocessing", {}, Engine("ray", workers=3))
    yield made
    made.close()
    ray.shutdown()


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        yield patch


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_no_vector(model, paths):
    psutil = pytest.importorskip("psutil")
    killed = []

    def kill_one(fraction, message):
        if killed or fraction < 0.2:
            return
        for process in psutil.Process().children(recursive=True):
            if process.name().startswith("ray::Worker"):
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process.pid)
                return

    embedded = model.embed(paths, batch_size=4, progress=kill_one)
    local = load("preprocessing").embed(paths, batch_size=4)
    assert len(killed) == 1
    np.testing.assert_allclose(embedded.vectors, local.vectors, atol=1e-5)
    np.testing.assert_array_equal(embedded.kept, local.kept)
    assert embedded.failed == local.failed
    assert [failure.index for failure in embedded.failed] == [17]


@pytest.mark.slow
def test_a_run_on_ray_can_be_stopped(model, paths):
    def stop(fraction, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        model.embed(paths, batch_size=4, progress=stop)
    assert len(model.embed(paths[:5]).vectors) == 5


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("", Engine()),
        ("local", Engine()),
        ("ray", Engine("ray")),
        ("ray://head:10001", Engine("ray", "ray://head:10001")),
    ],
)
def test_the_setting_chooses_the_engine(monkeypatch, chosen, expected):
    monkeypatch.setenv(ENGINE_VARIABLE, chosen)
    assert engine() == expected


def test_a_setting_that_is_not_an_engine_is_refused(monkeypatch):
    monkeypatch.setenv(ENGINE_VARIABLE, "spark")
    with pytest.raises(Refusal, match="'spark'; it must be local, ray, or the address"):
        engine()
