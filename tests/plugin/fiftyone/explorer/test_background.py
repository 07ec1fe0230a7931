"""Work in the background of a panel."""

from concurrent.futures import TimeoutError as StillWaiting

import pytest
from labelscape.plugin.fiftyone.explorer.background import Background


def test_what_is_read_in_background_waits_for_the_points_of_a_map_and_no_longer():
    background, done = Background(), []
    background.later(lambda: done.append("nothing is opened")).result(timeout=120)
    background.open_map_first()
    waiting = background.later(lambda: done.append("opened"))
    with pytest.raises(StillWaiting):
        waiting.result(timeout=0.2)
    background.map_is_open()
    waiting.result(timeout=120)
    assert done == ["nothing is opened", "opened"]
