"""An export that the file system refuses, in the middle or at once, says why and leaves what was there."""

import os
import signal
import stat
import sys
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from labelscape.ml_backend.actions.exports import check_new_folder, whole_file, whole_folder
from labelscape.ml_backend.actions.segments import create_segment, export_segment
from labelscape.ml_backend.errors import Refusal

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full and /proc are Linux's")
TABLE = pd.DataFrame({"number": range(10_000)})


def write_table(target):
    with whole_file(target) as file:
        TABLE.to_csv(file, index=False)


@contextmanager
def files_of_at_most(size):
    """Like a disk that is full once a file has this size in bytes."""
    resource = pytest.importorskip("resource")  # not on Windows
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_a_file_that_does_not_fit_leaves_the_one_that_was_there(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("before")

    with (
        pytest.raises(Refusal, match=r"table\.csv could not be .* unchanged \(file too large\)"),
        files_of_at_most(4096),
    ):
        write_table(target)

    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    assert target.read_text() == "before"
    write_table(target)
    assert len(pd.read_csv(target)) == len(TABLE)


def test_a_file_keeps_its_permissions_and_is_compressed_by_its_suffix(tmp_path):
    target = tmp_path / "table.csv.gz"
    target.write_bytes(b"")
    target.chmod(0o640)
    write_table(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.read_bytes()[:2] == b"\x1f\x8b"
    assert len(pd.read_csv(target)) == len(TABLE)


@on_linux
def test_a_full_device_is_named_and_stays_a_device():
    with pytest.raises(Refusal, match=r"/dev/full could not be written \(no space left on device\)"):
        write_table(Path("/dev/full"))

    assert not Path("/dev/full").is_file()
    assert [name for name in os.listdir("/dev") if name.startswith(".full")] == []


@on_linux
@pytest.mark.parametrize("target", ["/dev/full", "/dev/full/new", "/proc/new", "{tmp}/file", "{tmp}/file/new"])
def test_a_segment_is_not_exported_where_no_folder_can_be(make_digits_dataset, tmp_path, target):
    (tmp_path / "file").write_text("before")
    dataset = make_digits_dataset(5)
    create_segment(dataset, dataset.values("id"), name="odd", kind="data quality")

    with pytest.raises(Refusal, match="could not be written"):
        export_segment(dataset, slug="odd", folder=target.format(tmp=tmp_path), format="csv")

    assert (tmp_path / "file").read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("existing", [True, False])
def test_a_segment_that_does_not_fit_leaves_no_file(make_digits_dataset, tmp_path, existing):
    dataset = make_digits_dataset(40)
    create_segment(dataset, dataset.values("id"), name="odd", kind="data quality")
    target = tmp_path / "out"
    if existing:
        target.mkdir()

    with pytest.raises(Refusal, match="out could not be written"), files_of_at_most(512):
        export_segment(dataset, slug="odd", folder=target, format="csv")

    assert [path.name for path in tmp_path.rglob("*")] == (["out"] if existing else [])
    assert export_segment(dataset, slug="odd", folder=target, format="csv") == target


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(Refusal, match="is not empty"):
        check_new_folder(tmp_path)
    with pytest.raises(ValueError, match="ours"), whole_folder(tmp_path / "new"):
        raise ValueError("ours")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
