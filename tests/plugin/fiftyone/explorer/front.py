"""A front end that reads the columns once and then only applies patches."""

import base64

import fiftyone as fo
import numpy as np

UNLABELED, HUMAN, SUGGESTED, PENDING_LABEL, PENDING_DELETE, NEIGHBORS, UNCERTAIN = range(7)


def unpack(packed, dtype="<u4"):
    return np.frombuffer(base64.b64decode(packed), dtype).tolist()


def pack(rows):
    return base64.b64encode(np.asarray(rows, "<u4").tobytes()).decode()


def apply(patch, states, labels):
    """What a front end makes of a patch."""
    for row, state, code in zip(
        unpack(patch["rows"]), unpack(patch["states"], "u1"), unpack(patch["codes"], "<u2"), strict=True
    ):
        states[row] = state
        labels[row] = None if code == 0xFFFF else patch["labels"][code]


def saved(dataset):
    return fo.load_dataset(dataset.name).values("ground_truth.label")


class Front:
    """States and labels as a front end holds them, which reads the columns once and then only applies patches."""

    def __init__(self, explorer):
        self.explorer = explorer
        self.version = explorer.state["map"]["label_state"]["version"]
        self.states = explorer.states()
        self.labels = explorer.field("ground_truth.label")

    def take(self, reply):
        patch = reply["patch"]
        assert patch["from"] == self.version
        apply(patch, self.states, self.labels)
        self.version = patch["to"]
        assert self.explorer.state["map"]["label_state"]["version"] == self.version
        assert self.states == self.explorer.states()
        assert self.labels == self.explorer.field("ground_truth.label")
        return reply


def words_of_undo(explorer):
    return [act["words"] for act in explorer.state["undoable"]]
