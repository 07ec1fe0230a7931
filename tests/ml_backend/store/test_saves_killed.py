"""A process killed in the middle of a save leaves it complete or undone, and blocks nobody."""

import subprocess
import sys

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.queue import delete_items, set_label
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.store import saves
from labelscape.ml_backend.store.pending_changes import pending_changes

pytestmark = pytest.mark.slow

# Saves what is pending, and is killed by itself right after the write of this number.
PROGRAM = """
import sys
import fiftyone as fo
from labelscape.ml_backend.actions.save import save_changes
from labelscape.testing.faults import counted_writes

dataset = fo.load_dataset(sys.argv[1])
with counted_writes(fail_after=int(sys.argv[2]), except_to=["datasets"], fatal=True):
    save_changes(dataset)
"""


# Of the eleven writes: the edits, their metadata, the head that says that the save happens, the labels in two parts,
# the pending acts that go, and the head that says that it has happened.
@pytest.mark.parametrize(
    ("write", "committed"), [(1, False), (2, False), (3, True), (5, True), (6, True), (9, True), (10, True)]
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
    killed = subprocess.run([sys.executable, "-c", PROGRAM, dataset.name, str(write)], check=False, timeout=600)
    assert killed.returncode == -9
    last = saves.last_save(dataset)
    if committed:
        assert last is not None
        assert len(pending_changes(dataset)) == 0
    else:
        assert last is None
        assert save_changes(dataset).labels == 7 + 2 * 10 + 10
    after = labels(dataset)
    assert [after[item] for item in ids[2:9]] == [("x", ["x", "x"], ["old", "x"])] * 7
    assert not {ids[9], ids[10]} & after.keys()
    undo_save(dataset)
    assert labels(dataset) == before


def labels(dataset):
    """Sample → its label, those of its objects, and those of its list."""
    again = fo.load_dataset(dataset.name)
    again.reload()
    columns = again.values(["id", "ground_truth.label", "parts.detections.label", "kinds.classifications.label"])
    return {item: tuple(rest) for item, *rest in zip(*columns, strict=True)}
