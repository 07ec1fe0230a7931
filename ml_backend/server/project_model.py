"""The embedding model of a project, and the embeddings of its dataset by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import structlog

from ..actions.embed import FITTED_OPTION, compute_embeddings
from ..actions.models import PREPROCESSING, find_family, load, model_for
from ..embedding.base import Fittable
from ..embedding.registry import Modality
from ..errors import Refusal
from ..label_studio.mirror import EMBEDDINGS, Mirror
from ..label_studio.settings import ServerSettings
from ..progress import Progress
from ..store.embeddings import delete_embeddings, embeddings_status, list_embeddings, plain, provenance_of
from ..store.maps import delete_map, list_maps

MAP = "labelscape_map"
_GROWTH = 2  # growth of the dataset at which a model is fitted again
_ENOUGH = 10_000  # samples; a model fitted on this many knows the data well

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ProjectModel:
    """A model by its full name, its options, and a sentence on why it is not that of the settings, "" if it is."""

    name: str
    options: Mapping[str, Any]
    note: str = ""


def project_model(settings: ServerSettings, kind: Modality) -> ProjectModel:
    """The model for media of a kind: the one in the settings, an image model for frames of videos, or preprocessing.

    One backend serves projects of several kinds, and has one model in its settings.
    """
    family, _ = find_family(settings.model)
    if settings.model == PREPROCESSING or family.modality == kind or not family.in_menus:
        return ProjectModel(model_for(kind, settings.model), settings.model_options)
    if (kind, family.modality) == ("video", "image"):
        return ProjectModel(f"video/{settings.model}", settings.model_options)
    name = model_for(kind, PREPROCESSING)
    note = f"{settings.model}, the model in the settings, embeds {family.modality}, not {kind}: {name} is used instead."
    return ProjectModel(name, {}, note)


def apply_model(mirror: Mirror, settings: ServerSettings) -> None:
    """Drop embeddings of a model other than the one of the settings, once that one is known to load.

    Raises:
        Refusal: the model in the settings cannot be used.
    """
    model = project_model(settings, mirror.control.task_object.modality)
    dataset = mirror.dataset
    if EMBEDDINGS not in list_embeddings(dataset):
        if model.note:
            _log.warning("other_model", project=mirror.project, reason=model.note)
        return
    used = provenance_of(dataset, EMBEDDINGS)
    options = {name: value for name, value in used.options.items() if name != FITTED_OPTION or name in model.options}
    if (used.model, options) == (model.name, plain(model.options)):
        return
    try:
        load(model.name, **model.options)
    except Refusal as error:
        raise Refusal(
            f"The embedding model in the settings, {model.name}, cannot be used; {used.model} stays in use. {error}"
        ) from error
    _drop_embeddings(dataset)
    _log.info("model_changed", project=mirror.project, former=used.model, model=model.name)


def embed_project(mirror: Mirror, settings: ServerSettings, progress: Progress) -> None:
    """Embed new and changed media of a project's dataset.

    A model that learns from the dataset learns again once there are twice as many samples: a project often starts with
    a few tasks.

    Raises:
        Refusal: there is nothing to embed.
    """
    model = project_model(settings, mirror.control.task_object.modality)
    dataset = mirror.dataset
    if EMBEDDINGS in list_embeddings(dataset):
        if embeddings_status(dataset, EMBEDDINGS).complete:
            return
        if _has_outgrown(dataset):
            _drop_embeddings(dataset)
            _log.info("fitting_again", project=mirror.project, samples=len(dataset))
    report = compute_embeddings(
        dataset,
        key=EMBEDDINGS,
        model=model.name,
        options=model.options,
        patches_field=mirror.patches_field,
        progress=progress,
    )
    _log.info("embedded", project=mirror.project, embedded=report.embedded, failed=report.failed)


def _drop_embeddings(dataset: fo.Dataset) -> None:
    delete_embeddings(dataset, EMBEDDINGS)
    if MAP in list_maps(dataset):  # of the former vectors
        delete_map(dataset, MAP)


def _has_outgrown(dataset: fo.Dataset) -> bool:
    """Whether the dataset has grown well beyond what its model learned from."""
    used = provenance_of(dataset, EMBEDDINGS)
    if FITTED_OPTION not in used.options:
        return False
    model = load(used.model, **used.options)
    return isinstance(model, Fittable) and model.fitted_on < min(_ENOUGH, len(dataset) / _GROWTH)
