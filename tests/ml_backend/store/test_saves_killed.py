"""A process that is killed in the middle of a save leaves it whole or not at all, and holds up nobody."""

import subprocess
import sys

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.queue import delete_items, set_label
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.store import saves
from labelscape.ml_backend.store.pending_changes import pending_changes

pytestmark = pytest.mark.slow

# Saves what is pending, and is killed by itself right after the named write.
PROGRAM = """
import os, signal, sys
import fiftyone as fo
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.store import edits, saves

def deadly(write):
    def wrapped(*args, **options):
        write(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    return wrapped

module, name = sys.argv[2].split(".")
owner = {"saves": saves, "edits": edits}[module]
setattr(owner, name, deadly(getattr(owner, name)))
save_changes(fo.load_dataset(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("write", "committed"),
    [
        ("saves.write_record", False),
        ("saves._prepare", False),
        ("saves._move_head", True),
        ("edits.write_fills", True),
        ("edits._update", True),
        ("edits._delete", True),
        ("saves.settle", True),
    ],
)
def test_a_save_that_is_killed_is_finished_or_has_not_happened(make_digits_dataset, write, committed):
    dataset = make_digits_dataset(12, labeled=4)
    ids = dataset.values("id")
    dataset.set_values("parts", [fo.Detections(detections=[fo.Detection(label=name) for name in "ab"])] * 12)
    dataset.set_values("kinds", [fo.Classifications(classifications=[fo.Classification(label="old")])] * 12)
    before = labels(dataset)
    set_label(dataset, ids[2:9], "x", replace=True)
    objects = [one for sample in dataset.values("parts.detections.id") for one in sample]
    set_label(dataset, objects, "x", field="parts", patches_field="parts", replace=True)
    set_label(dataset, ids, "x", field="kinds")
    delete_items(dataset, ids[9:11])
    killed = subprocess.run([sys.executable, "-c", PROGRAM, dataset.name, write], check=False, timeout=600)
    assert killed.returncode == -9
    last = saves.last_save(dataset)
    if committed:
        assert last is not None
        assert len(pending_changes(dataset)) == 0
    else:
        assert last is None
        assert save_changes(dataset).labels == 7 + 2 * 10 + 10
    held = labels(dataset)
    assert [held[item] for item in ids[2:9]] == [("x", ["x", "x"], ["old", "x"])] * 7
    assert not {ids[9], ids[10]} & held.keys()
    undo_save(dataset)
    assert labels(dataset) == before


def labels(dataset):
    """Sample → its label, those of its objects, and those of its list."""
    again = fo.load_dataset(dataset.name)
    again.reload()
    columns = again.values(["id", "ground_truth.label", "parts.detections.label", "kinds.classifications.label"])
    return {item: tuple(rest) for item, *rest in zip(*columns, strict=True)}
