"""The dataset of a mirrored project: whose it is, and the fields of its samples."""

import fiftyone as fo

from ..errors import Refusal
from ..store.labels import label_field
from ..store.medium_fields import CARRIED, declare_medium_field, declare_windows, medium_kind
from .config import Control
from .marks import declare_annotations
from .migration import FIELD_TYPES, migrate_labels
from .objects import TaskObject

FIELD = "ground_truth"
TASK = "task_id"
INFO = "label_studio"


def owned_dataset(url: str, project: int) -> fo.Dataset:
    """The dataset of a project, made if there is none.

    Raises:
        Refusal: the dataset of that name belongs to something else.
    """
    name = f"label-studio-{project}"
    owner = {"url": url, "project": project}
    if not fo.dataset_exists(name):
        created = fo.Dataset(name, persistent=True)
        created.info[INFO] = owner
        created.save()
    dataset = fo.load_dataset(name)
    if dataset.info.get(INFO) != owner:
        raise Refusal(
            f"The dataset '{name}' belongs to {dataset.info.get(INFO) or 'something else'}, not to project {project} "
            f"of {url}: rename or delete it."
        )
    return dataset


def declare_medium(dataset: fo.Dataset, shown: TaskObject) -> None:
    """Declare the field that holds what tasks show, where that is no picture.

    Raises:
        Refusal: the dataset has samples of another kind.
    """
    present = medium_kind(dataset)
    if len(dataset) and present != shown.modality:
        raise Refusal(
            f"The label config now shows {shown.tag} “{shown.name}”, and the dataset '{dataset.name}' has samples of "
            f"the kind “{present}”: rename that dataset, and a new one will be made."
        )
    if present in CARRIED and present != shown.modality:  # of a config that never had a task
        dataset.delete_sample_field(present)
    if shown.modality in CARRIED:
        declare_medium_field(dataset, shown.modality, shown.modality)


def declare_fields(dataset: fo.Dataset, control: Control) -> list[str]:
    """Declare the fields of a mirror's samples; returns sentences on labels that had to be migrated."""
    if not dataset.has_sample_field(TASK):
        dataset.add_sample_field(TASK, fo.IntField, description="The task in Label Studio")
        dataset.create_index(TASK)
    news = migrate_labels(dataset, FIELD, FIELD_TYPES[control.kind, control.multi])
    field = label_field(dataset, FIELD, FIELD if control.boxes else None)
    declare_annotations(dataset, field)
    if control.windows:
        declare_windows(dataset, FIELD)
    if control.boxes and dataset.get_field(f"{field.path}.region") is None:
        dataset.add_sample_field(f"{field.path}.region", fo.StringField)
    if list(dataset.default_classes) != list(control.classes):
        dataset.default_classes = list(control.classes)
    return news
