"""An operator that runs delegated: progress and result are kept, and it can be stopped."""

import subprocess
import sys
import time
from pathlib import Path

import fiftyone.operators as foo
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionContext
from labelscape.ml_backend.errors import Cancelled
from labelscape.operators.running import LabelscapeOperator, Outcome

PREFIX = "@labelscape/data-explorer"


class Steps(LabelscapeOperator):
    operator_name, label, description, icon = "steps", "Take steps", "A test.", "/assets/icon.svg"

    def run(self, ctx, progress):
        progress(0.5, "Took 1 step")
        progress(1.0, "Took 2 steps")
        return Outcome("Took 2 steps.")


def queue(dataset, name, **params):
    ctx = {"dataset": dataset, "params": params, "request_delegation": True}
    foo.execute_operator(f"{PREFIX}/{name}", ctx=ctx)
    return DelegatedOperationService().list_operations(dataset_name=dataset.name)[-1].id


@pytest.mark.slow
def test_a_delegated_run_embeds_with_progress_and_ends_with_its_message(make_digits_dataset):
    dataset = make_digits_dataset(120)
    operation = queue(dataset, "compute_embeddings", key="emb")
    worker = subprocess.Popen(
        [str(Path(sys.executable).with_name("fiftyone")), "delegated", "launch"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 600
        service = DelegatedOperationService()
        while (record := service.get(operation)).run_state not in ("completed", "failed"):
            assert time.monotonic() < deadline
            time.sleep(0.5)
    finally:
        worker.kill()
        worker.wait()
    assert record.run_state == "completed", record.result
    assert "Embedded 120 samples" in record.result.result["message"]
    assert record.status.label.startswith("Embedded")
    dataset.reload()
    assert dataset.load_brain_results("emb").total_index_size == 120


def test_a_delegated_run_marked_as_failed_stops(make_digits_dataset):
    dataset = make_digits_dataset(5)
    operation = queue(dataset, "compute_embeddings", key="emb")
    ctx = ExecutionContext(
        request_params={"dataset_name": dataset.name, "delegated": True}, delegated_operation_id=operation
    )
    assert Steps().execute(ctx) == {"message": "Took 2 steps."}
    DelegatedOperationService().set_failed(operation)
    with pytest.raises(Cancelled):
        Steps().execute(ctx)
