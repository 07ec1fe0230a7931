"""The ledger of Label Studio tasks: concurrent records are all kept, whoever writes them."""

from collections.abc import Iterator

import fiftyone as fo
import pytest
from labelscape.ml_backend.label_studio.ledger import AnnotationLedger, Prediction, Sending, TaskRecord


@pytest.fixture
def ledger() -> Iterator[AnnotationLedger]:
    dataset = fo.Dataset()
    made = AnnotationLedger(dataset, "http://label-studio.test#3")
    yield made
    made.clear()
    dataset.delete()


def test_a_record_comes_back_as_it_was_written(ledger: AnnotationLedger) -> None:
    record = TaskRecord(1, "s1", "/m", sending=Sending((("r1", "Cat"), ("r2", "Dog")), after=7))
    ledger.write([record])
    assert ledger.read() == {1: record}


def test_a_column_leaves_predictions_and_other_columns_as_they_are(ledger: AnnotationLedger) -> None:
    ledger.write([TaskRecord(task, f"s{task}", "/m", columns={"cluster": 2.0}) for task in (1, 2)])
    prediction = Prediction(5, (("", "Cat"),), 0.5, False, "labelscape-0001")
    ledger.set_predictions({1: prediction})
    ledger.set_column([1, 3], "outlier", 0.25)
    records = ledger.read()
    assert records[1].prediction == prediction
    assert records[1].columns == {"cluster": 2.0, "outlier": 0.25}
    assert records[2].columns == {"cluster": 2.0}
    assert 3 not in records
