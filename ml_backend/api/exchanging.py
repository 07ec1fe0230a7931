"""Send samples to Label Studio, and pull the annotations."""

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from ..actions.pull_from_label_studio import pull
from ..actions.pull_report import PullReport
from ..actions.send_report import SendReport
from ..actions.send_to_label_studio import send
from ..label_studio.exchange import saved_connection
from .defaults import default_field


def send_to_label_studio(samples: SampleCollection, project: int, *, field: str | None = None) -> SendReport:
    """Send samples to a Label Studio project as tasks with their media and a pre-annotation each.

    The address and the token come from ``LABEL_STUDIO_URL`` and ``LABEL_STUDIO_API_KEY``, or `labelscape connect`.

    Raises:
        Refusal: no connection is configured, or the project does not fit the samples.
    """
    dataset = samples._root_dataset
    return send(
        dataset,
        samples.values("id"),
        studio=saved_connection({}),
        project=project,
        field=default_field(dataset, field, None),
    )


def pull_from_label_studio(
    dataset: fo.Dataset, project: int, *, field: str | None = None, replace: bool = False
) -> PullReport:
    """Import the annotations of sent samples as labels, in one action that `undo` reverts.

    Args:
        replace: overwrite labels that were changed here after they were sent.

    Raises:
        Refusal: no connection is configured, or nothing was sent to the project.
    """
    return pull(
        dataset,
        studio=saved_connection({}),
        project=project,
        field=default_field(dataset, field, None),
        replace=replace,
    )
