"""The digits are scikit-learn's."""

from pathlib import Path

import pytest
from labelscape.cli import digits


def test_the_digits_are_scikit_learns_pixel_by_pixel(tmp_path: Path) -> None:
    import cv2
    import numpy as np
    from sklearn.datasets import load_digits

    paths, shown = digits.write_digits(tmp_path, count=20)
    step = digits.SCALE
    images = np.stack([cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[::step, ::step] for path in paths])
    assert np.array_equal(np.round(images * (16 / 255)), load_digits().images[:20])
    assert np.array_equal(shown, load_digits().target[:20])


@pytest.mark.parametrize("count", [0, 1798])
def test_asking_for_digits_that_do_not_exist_is_an_error(count: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"count is {count}.*1 to 1797"):
        digits.write_digits(tmp_path, count=count)
