"""The closing message of a computation of embeddings reports what was embedded, reused, skipped, and unavailable."""

from dataclasses import replace

import pytest
from labelscape.ml_backend.actions.embedding_report import EmbeddingReport
from labelscape.ml_backend.embedding.equal_vectors import EqualVectors

PLAIN = EmbeddingReport("clip", "open_clip/ViT-B-32", 512, 10, 0, 0, 0, None, "sample")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({}, "Embedded 10 samples with open_clip/ViT-B-32 (512 numbers each) in 'clip'."),
        ({"embedded": 1, "noun": "patch"}, "Embedded 1 patch with"),
        ({"reused": 1}, "; 1 was up to date"),
        ({"reused": 2}, "; 2 were up to date"),
        ({"removed": 1}, "; removed 1 vector of deleted or changed samples"),
        ({"failed": 1, "first_failure": "the file is empty"}, "; 1 could not be read and was skipped: “"),
        ({"failed": 2, "first_failure": "the file is empty"}, "(first: the file is empty)"),
        ({"restarted": True}, "The stored vectors were damaged, so all of them were recomputed. Embedded"),
        ({"predictions": "predicted"}, "The classes that it predicts are in the field 'predicted'."),
        ({"equal": EqualVectors(3, ("a.png", "b.png"))}, "at least 3 different samples have the same vector, such as"),
    ],
)
def test_the_message_says_what_happened_in_numbers(changes, part):
    assert part in replace(PLAIN, **changes).sentence()


def test_files_that_are_unavailable_come_first_with_what_to_do():
    message = replace(PLAIN, unavailable=2, first_unavailable="the folder /mnt is missing").sentence()
    assert message.startswith(
        "The files of 2 samples cannot be read now (first: the folder /mnt is missing); their vectors were kept. "
        "If a disk or share is missing, mount it."
    )
