"""Media are read in threads and embedded in batches; the order is kept and every failure has its reason."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.embedding.base import Media, UnreadableMedium
from labelscape.ml_backend.embedding.pipeline import embed_in_batches, prepare_in_threads
from labelscape.ml_backend.errors import Refusal


def read_numbers(path, parts):
    """A medium is a number, which its path is; “bad” ones cannot be read."""
    return [UnreadableMedium(f"{path} is bad") if path.startswith("bad") else float(path) for _ in parts]


def embedded(paths, *, batch_size=3, read=read_numbers, **more):
    return embed_in_batches(
        paths,
        read=read,
        prepare=lambda number: np.array([number]),
        forward=lambda batch: np.column_stack([batch[:, 0], np.where(batch[:, 0] == 13, np.nan, 1)]).astype(np.float32),
        dim=2,
        batch_size=batch_size,
        **more,
    )


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["1", "2", "3", "bad", "13"]), max_size=20), st.integers(1, 7))
def test_every_medium_is_embedded_in_its_place_or_named_with_the_reason(paths, batch_size):
    result = embedded(paths, batch_size=batch_size)

    good = [index for index, path in enumerate(paths) if path not in ("bad", "13")]
    assert result.kept.tolist() == good
    assert result.vectors[:, 0].tolist() == [float(paths[index]) for index in good]
    assert [(failure.index, failure.reason) for failure in result.failed] == [
        (index, "bad is bad" if path == "bad" else "the model's vector for it is not finite")
        for index, path in enumerate(paths)
        if path in ("bad", "13")
    ]


def test_parts_of_one_file_are_read_together():
    opened = []

    def read(path, parts):
        opened.append((path, len(parts)))
        return [float(part.box[0]) for part in parts]

    media = [Media("a", (number, 0, 1, 1)) for number in range(70)] + [Media("b", (70, 0, 1, 1))]
    result = embedded(media, batch_size=32, read=read)

    assert result.vectors[:, 0].tolist() == list(range(13)) + list(range(14, 71))
    assert sorted(opened) == [("a", 6), ("a", 64), ("b", 1)]


def test_no_more_media_are_in_memory_than_a_few_batches():
    in_memory, most, lock = 0, 0, threading.Lock()

    def read(path, parts):
        nonlocal in_memory, most
        with lock:
            in_memory += 1
            most = max(most, in_memory)
        return [path]

    for _ in prepare_in_threads([str(number) for number in range(200)], read, lambda path: path, 8):
        with lock:
            in_memory -= 1

    assert most <= 10


def test_progress_reaches_the_end_and_what_it_raises_stops_the_reading():
    reported, opened = [], []

    def read(path, parts):
        opened.append(path)
        return read_numbers(path, parts)

    embedded(["1"] * 7, progress=lambda done, message: reported.append((done, message)))
    assert [done for done, _ in reported] == [3 / 7, 6 / 7, 1]
    assert reported[-1][1] == "Embedded 7 of 7"

    def stop(done, message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedded([str(number) for number in range(20, 500)], read=read, progress=stop)
    assert len(opened) < 100


def test_nothing_to_embed_gives_no_vectors_and_a_batch_of_none_is_refused():
    assert embedded([]).vectors.shape == (0, 2)
    with pytest.raises(Refusal, match="batch_size is 0; it must be at least 1"):
        embedded(["1"], batch_size=0)
