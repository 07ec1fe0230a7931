"""Labels in memory are kept only while nobody else wrote; when in doubt, they are read again."""

from dataclasses import replace

import pytest
from labelscape.ml_backend.store.sample_state import SampleState, sample_state

BEFORE = SampleState("d", (("host", 10),), (100,), ("filepath",), ((2, 3),))


def after(writes=0, labels=0, others=0, **changes):
    state = replace(BEFORE, writes=(("host", 10 + writes),), own=((2 + labels, 3 + others),))
    return replace(state, **changes)


@pytest.mark.parametrize(
    ("state", "kept", "kept_with_ours"),
    [
        (after(), True, True),
        (after(writes=2, others=2), True, True),
        (after(writes=2, labels=1, others=1), False, True),
        (after(writes=1), False, False),
        (after(writes=3, labels=1, others=1), False, False),
        (after(counts=(101,)), False, False),
        (after(own=(None,)), False, False),
        (after(own=()), False, False),
        (after(writes=2, others=2, own=()), False, False),
    ],
)
def test_labels_are_kept_only_where_all_writes_are_known(state, kept, kept_with_ours):
    assert state.kept_labels_since(BEFORE) == kept
    assert state.kept_labels_since(BEFORE, but_ours=True) == kept_with_ours


def test_another_server_or_a_restarted_one_keeps_nothing():
    assert not after().kept_labels_since(replace(BEFORE, writes=(("other", 10),)))


def test_a_write_to_the_samples_makes_another_state(make_digits_dataset):
    dataset = make_digits_dataset(3)
    before = sample_state(dataset)
    assert before is not None
    assert sample_state(dataset) == before
    sample = dataset.first()
    sample["note"] = "seen"
    sample.save()
    dataset.reload()
    assert sample_state(dataset) != before
