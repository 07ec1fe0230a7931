"""Synthetic sounds, motions, and requests are the same each time, and every class occurs."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from labelscape.cli.synthetic import make_requests, motion, write_motions, write_sounds


@pytest.mark.parametrize("write", [write_sounds, write_motions])
def test_files_are_the_same_each_time_and_others_for_another_seed(tmp_path, write):
    first, again, other = (
        write(tmp_path / name, count=12, seed=seed) for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    contents = [[Path(path).read_bytes() for path in made.media] for made in (first, again, other)]
    assert contents[0] == contents[1] != contents[2]
    assert first.classes == again.classes


def test_every_class_occurs_about_equally_often(tmp_path):
    for made in (
        write_sounds(tmp_path / "s", count=70),
        write_motions(tmp_path / "m", count=60),
        make_requests(count=80),
    ):
        counts = Counter(made.classes)
        assert len(counts) > 3
        assert max(counts.values()) <= 2 * min(counts.values())


def test_requests_are_texts_that_differ_and_motions_are_finite():
    made = make_requests(count=80)
    assert len(set(made.media)) > 40
    assert all(text.strip() == text and text for text in made.media)
    assert np.isfinite(motion(5)).all()
    assert np.array_equal(motion(5), motion(5))
