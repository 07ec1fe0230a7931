"""The dataset of a mirrored project: which project owns it, and the fields of its samples."""

import fiftyone as fo

from ..errors import Refusal
from ..store.labels import declare_attributes, ensure_label_field, label_field
from ..store.medium_fields import CARRIED, declare_medium_field, declare_windows, medium_kind
from .config import Control
from .label_fields import ProjectHeld
from .marks import annotation_attributes, as_stored_time
from .migration import FIELD_TYPES, migrate_labels
from .objects import TaskObject

FIELD = "ground_truth"
TASK = "task_id"
INFO = "label_studio"
_CREATED = "created_at"  # of the project, to recognize another one with the same number


def owned_dataset(url: str, project: int, created_at: str = "") -> fo.Dataset:
    """The dataset of a project, created if there is none.

    ``created_at``: when the project was created, as Label Studio says; "" where that does not matter.

    Raises:
        Refusal: the dataset of that name belongs to something else.
        ProjectHeld: it belongs to an earlier project with this number.
    """
    name = f"label-studio-{project}"
    owner = {"url": url, "project": project}
    if not fo.dataset_exists(name):
        created = fo.Dataset(name, persistent=True)
        created.info[INFO] = owner
        created.save()
    dataset = fo.load_dataset(name)
    dataset.reload()  # else one that is loaded already lacks what the App changed since
    known = dict(dataset.info.get(INFO) or {})
    of = known.pop(_CREATED, "")
    if known != owner:
        raise Refusal(
            f"The dataset '{name}' belongs to {known or 'something else'}, not to project {project} of {url}: rename "
            "or delete it."
        )
    if created_at and of and as_stored_time(of) != as_stored_time(created_at):
        raise ProjectHeld(
            f"Project {project} of {url} is not the one that the dataset '{name}' belongs to: that one was created at "
            f"{of}, and this one at {created_at}, as after Label Studio lost its data. Nothing is synced, and the "
            "dataset stays as it is. To serve the new project, rename the dataset in FiftyOne, and a new one will be "
            "made; to get the old project back, restore Label Studio's database."
        )
    if created_at and not of:  # new, or of an earlier version
        dataset.info[INFO] = {**owner, _CREATED: created_at}
        dataset.save()
    return dataset


def declare_medium(dataset: fo.Dataset, task_object: TaskObject) -> None:
    """Declare the field that holds what tasks show, unless that is an image.

    Raises:
        Refusal: the dataset has samples of another kind.
    """
    present = medium_kind(dataset)
    if len(dataset) and present != task_object.modality:
        raise Refusal(
            f"The label config now shows {task_object.tag} “{task_object.name}”, and the dataset '{dataset.name}' has "
            f"samples of the kind “{present}”: rename that dataset, and a new one will be created."
        )
    if present in CARRIED and present != task_object.modality:  # of a config that never had a task
        dataset.delete_sample_field(present)
    if task_object.modality in CARRIED:
        declare_medium_field(dataset, task_object.modality, task_object.modality)


def declare_fields(dataset: fo.Dataset, control: Control, field: str = FIELD, *, is_first: bool = True) -> list[str]:
    """Declare the fields of a mirror's samples for a control; returns sentences on labels that had to be migrated."""
    if not dataset.has_sample_field(TASK):
        dataset.add_sample_field(TASK, fo.IntField, description="The task in Label Studio")
        dataset.create_index(TASK)
    notices = migrate_labels(dataset, field, FIELD_TYPES[control.kind, control.multi])
    target = label_field(dataset, field, field if control.boxes else None)
    ensure_label_field(dataset, target)
    declare_attributes(dataset, annotation_attributes(target))
    if control.windows:
        declare_windows(dataset, field)
    if control.boxes and dataset.get_field(f"{target.path}.region") is None:
        dataset.add_sample_field(f"{target.path}.region", fo.StringField)
    if is_first and list(dataset.default_classes) != list(control.classes):
        dataset.default_classes = list(control.classes)
    if is_first and field in dataset.classes:
        dataset.classes = {name: classes for name, classes in dataset.classes.items() if name != field}
    if not is_first and dataset.classes.get(field) != list(control.classes):
        dataset.classes = {**dataset.classes, field: list(control.classes)}
    return notices
