"""The Python API, `import labelscape as ls`: the operators of the menu, for scripts and notebooks.

Each function calls the same action as the menu's entry and returns the same report, whose ``repr`` is its closing
message. What is left out is chosen as the menu chooses it: the newest embeddings, the default label field, a free name.

Example:
    >>> import labelscape as ls
    >>> ls.embed(dataset, "torchvision/resnet18")
    >>> ls.project(dataset, method="umap")
    >>> ls.suggest(dataset, precision=0.95)
    >>> ls.accept(dataset)
    >>> ls.save(dataset)
"""

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from .actions import label_neighbors as neighbor_actions
from .actions import next_best, rank, segments
from .actions.embed import EmbeddingReport, compute_embeddings
from .actions.map import MapReport, MapSettings, compute_map
from .actions.next_best import LabelNext
from .actions.pull_from_label_studio import pull
from .actions.pull_report import PullReport
from .actions.queue import QueueReport
from .actions.queue import set_label as queue_label
from .actions.rank import Ranking
from .actions.save import SaveReport, discard_changes, save_changes
from .actions.segments import SegmentReport
from .actions.send_report import SendReport
from .actions.send_to_label_studio import send
from .actions.suggest import SuggestReport, Which, accept_suggestions, suggest_labels
from .actions.undo import undo_last
from .analysis.projection import Method
from .errors import Refusal
from .label_studio.exchange import saved_connection
from .progress import Progress, no_progress
from .report import Report
from .store.embeddings import check_embeddings, free_key, list_embeddings
from .store.labels import default_label_field, read_labels
from .store.maps import load_map


@dataclass(frozen=True, repr=False)
class DrawnMap(Report):
    """A map that was computed; a notebook shows its picture, colored by label."""

    dataset: str
    report: MapReport

    def sentence(self) -> str:
        """Say what the map shows and how faithful it is."""
        return self.report.sentence()

    def _repr_html_(self) -> str:
        picture = base64.b64encode(draw_map(fo.load_dataset(self.dataset), self.report.key)).decode()
        return f'<p>{escape(self.sentence())}</p><img alt="map" src="data:image/png;base64,{picture}">'


def embed(
    samples: SampleCollection,
    model: str = "preprocessing",
    *,
    name: str | None = None,
    patches_field: str | None = None,
    progress: bool = True,
    **options: Any,
) -> EmbeddingReport:
    """Embed the samples of a dataset or view, or the patches of one of its fields.

    Args:
        model: a name of the model registry, such as ``timm/vit_small_patch16_224``; its options are keyword arguments.
        name: key of the embeddings; embeddings of that name are updated, and a new one is made where it is left out.
        progress: show a progress bar.

    Raises:
        Refusal: an unknown model, field, or option, or nothing to embed.
    """
    key = name or free_key(samples._root_dataset, model.rpartition("/")[2])
    with _bar(progress, "Embedding") as report:
        return compute_embeddings(
            samples, key=key, model=model, options=options, patches_field=patches_field, progress=report
        )


def project(
    samples: SampleCollection,
    *,
    embeddings: str | None = None,
    method: Method = "umap",
    dims: int = 2,
    name: str | None = None,
    progress: bool = True,
    **settings: Any,
) -> DrawnMap:
    """Compute a map of embeddings in 2 or 3 dimensions.

    Args:
        embeddings: their key; the newest if it is left out.
        settings: further fields of `MapSettings`, such as ``n_neighbors``, ``min_dist``, and ``seed``.

    Raises:
        Refusal: no embeddings, or a setting out of range.
    """
    dataset = samples._root_dataset
    chosen = _embeddings(dataset, embeddings)
    key = name or free_key(dataset, f"{chosen}_{method}")
    with _bar(progress, "Mapping") as report:
        drawn = compute_map(
            samples,
            embeddings=chosen,
            key=key,
            settings=MapSettings(method=method, dims=dims, **settings),
            progress=report,
        )
    return DrawnMap(dataset.name, drawn)


def set_label(
    samples: SampleCollection, label: str, *, field: str | None = None, patches_field: str | None = None
) -> QueueReport:
    """Label every sample of a view, or its patches; pending until `save`.

    Raises:
        Refusal: an empty view or label, or a field that cannot hold labels.
    """
    dataset = samples._root_dataset
    ids = samples.values("id") if patches_field is None else _patch_ids(samples, patches_field)
    return queue_label(dataset, ids, label, field=_field(dataset, field, patches_field), patches_field=patches_field)


def label_neighbors(
    samples: SampleCollection,
    label: str,
    *,
    embeddings: str | None = None,
    field: str | None = None,
    reach: int | None = None,
    precision: float = 0.95,
) -> QueueReport:
    """Label the samples of a view and the neighbors that the label reaches; pending until `save`.

    Args:
        reach: how many neighbors; as many as keep the target ``precision`` if it is left out.

    Raises:
        Refusal: no embeddings, or nothing in the view.
    """
    dataset = samples._root_dataset
    chosen = _embeddings(dataset, embeddings)
    patches_field = check_embeddings(dataset, chosen).patches_field
    ids = samples.values("id") if patches_field is None else _patch_ids(samples, patches_field)
    return neighbor_actions.label_neighbors(
        dataset,
        ids,
        label,
        embeddings=chosen,
        field=_field(dataset, field, patches_field),
        reach=reach,
        precision=precision,
    )


def suggest(
    samples: SampleCollection,
    *,
    embeddings: str | None = None,
    field: str | None = None,
    precision: float = 0.95,
    progress: bool = True,
) -> SuggestReport:
    """Suggest labels for everything unlabeled, at a target precision.

    Raises:
        Refusal: no embeddings, nothing labeled, or a precision outside 0.5..1.
    """
    dataset = samples._root_dataset
    chosen = _embeddings(dataset, embeddings)
    with _bar(progress, "Suggesting") as report:
        return suggest_labels(
            samples,
            embeddings=chosen,
            field=_field(dataset, field, check_embeddings(dataset, chosen).patches_field),
            precision=precision,
            progress=report,
        )


def accept(
    dataset: fo.Dataset,
    ids: Sequence[str] | None = None,
    *,
    which: Which = "confident",
    field: str | None = None,
    patches_field: str | None = None,
) -> QueueReport:
    """Accept suggestions; pending until `save`. Uncertain ones are accepted only if ``which`` says so.

    Raises:
        Refusal: there are no such suggestions.
    """
    return accept_suggestions(
        dataset, ids, which=which, field=_field(dataset, field, patches_field), patches_field=patches_field
    )


def save(dataset: fo.Dataset, *, progress: bool = True) -> SaveReport:
    """Save everything pending as one action: all of it or nothing.

    Raises:
        Refusal: nothing is pending, or somebody else saves at this moment.
    """
    with _bar(progress, "Saving") as report:
        return save_changes(dataset, report)


def discard(dataset: fo.Dataset, ids: Sequence[str] | None = None) -> int:
    """Drop what is pending, for these IDs or for all; returns the number of changes. `undo` restores them."""
    return discard_changes(dataset, ids)


def undo(dataset: fo.Dataset) -> str:
    """Undo the last action, and return a sentence about it.

    Raises:
        Refusal: there is nothing to undo.
    """
    return undo_last(dataset)


def label_next(
    dataset: fo.Dataset, *, embeddings: str | None = None, field: str | None = None, count: int = 9
) -> LabelNext:
    """Choose what to label next: the unlabeled samples whose labels are the most informative, best first.

    Raises:
        Refusal: no embeddings, or nothing left to label.
    """
    chosen = _embeddings(dataset, embeddings)
    named = _field(dataset, field, check_embeddings(dataset, chosen).patches_field)
    return next_best.label_next(dataset, embeddings=chosen, field=named, count=count)


def rank_outliers(
    samples: SampleCollection, *, embeddings: str | None = None, field: str | None = None, progress: bool = True
) -> Ranking:
    """Rank samples by how unusual they are, with reasons; with ``field``, also within their class.

    Raises:
        Refusal: no embeddings, or too few samples.
    """
    with _bar(progress, "Ranking outliers") as report:
        return rank.rank_outliers(
            samples, embeddings=_embeddings(samples._root_dataset, embeddings), field=field, progress=report
        )


def rank_mislabels(
    samples: SampleCollection, *, embeddings: str | None = None, field: str | None = None, progress: bool = True
) -> Ranking:
    """Rank labels by how likely they are to be wrong, each with a better one.

    Raises:
        Refusal: no embeddings, or too few labels.
    """
    dataset = samples._root_dataset
    chosen = _embeddings(dataset, embeddings)
    named = _field(dataset, field, check_embeddings(dataset, chosen).patches_field)
    with _bar(progress, "Ranking labels") as report:
        return rank.rank_mislabels(samples, embeddings=chosen, field=named, progress=report)


def find_duplicates(
    samples: SampleCollection,
    *,
    embeddings: str | None = None,
    threshold: float | None = None,
    split: str | None = None,
    progress: bool = True,
) -> Ranking:
    """Find groups of exact and near duplicates.

    Args:
        threshold: largest cosine distance of duplicates; chosen from the data by default.
        split: a field that names the split of each sample; only groups across splits are reported then.

    Raises:
        Refusal: no embeddings, or no such field.
    """
    with _bar(progress, "Finding duplicates") as report:
        return rank.find_duplicates(
            samples,
            embeddings=_embeddings(samples._root_dataset, embeddings),
            threshold=threshold,
            split=split,
            progress=report,
        )


def create_segment(
    samples: SampleCollection,
    name: str,
    *,
    kind: str = "data organization",
    note: str = "",
    patches_field: str | None = None,
) -> SegmentReport:
    """Keep the samples of a view, or its patches, as a segment.

    Args:
        kind: “data quality”, “data organization”, or “collection campaign”.

    Raises:
        Refusal: an empty view, a name that is taken, or an unknown kind.
    """
    ids = samples.values("id") if patches_field is None else _patch_ids(samples, patches_field)
    return segments.create_segment(
        samples._root_dataset, ids, name=name, kind=kind, note=note, patches_field=patches_field
    )


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
        field=_field(dataset, field, None),
    )


def pull_from_label_studio(
    dataset: fo.Dataset, project: int, *, field: str | None = None, replace: bool = False
) -> PullReport:
    """Import the annotations of sent samples as labels, as one action that `undo` reverts.

    Args:
        replace: overwrite labels that were changed here after they were sent.

    Raises:
        Refusal: no connection is configured, or nothing was sent to the project.
    """
    return pull(
        dataset,
        studio=saved_connection({}),
        project=project,
        field=_field(dataset, field, None),
        replace=replace,
    )


def draw_map(dataset: fo.Dataset, key: str, *, field: str | None = None, inches: float = 6) -> bytes:
    """Draw a 2D map as a PNG image: one color per label, gray for unlabeled samples.

    Raises:
        Refusal: there is no such map.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = load_map(dataset, key)
    label_field = default_label_field(dataset, drawn.items.patches_field, chosen=field)
    labels = read_labels(dataset, drawn.items, label_field)
    unlabeled = labels.codes < 0
    figure = Figure(figsize=(inches, inches), layout="constrained")
    axes = figure.add_subplot()
    x, y = drawn.points[:, 0], drawn.points[:, 1]
    axes.scatter(x[unlabeled], y[unlabeled], s=4, c="#9a9a9a", linewidths=0)
    axes.scatter(x[~unlabeled], y[~unlabeled], s=8, c=labels.codes[~unlabeled], cmap="tab20", linewidths=0)
    axes.set(xticks=[], yticks=[], aspect="equal", title=f"{key}, colored by {label_field.name}")
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)
    return picture.getvalue()


def _embeddings(dataset: fo.Dataset, name: str | None) -> str:
    keys = list_embeddings(dataset)
    if name is None and not keys:
        raise Refusal("This dataset has no embeddings yet: make some with labelscape.embed(dataset).")
    return name or keys[-1]


def _field(dataset: fo.Dataset, name: str | None, patches_field: str | None) -> str:
    return default_label_field(dataset, patches_field, chosen=name).name if name is None else name


def _patch_ids(samples: SampleCollection, patches_field: str) -> list[str]:
    from .store.items import list_items

    ids: list[str] = list_items(samples, patches_field).ids.tolist()
    return ids


@contextmanager
def _bar(shown: bool, title: str) -> Iterator[Progress]:
    if not shown:
        yield no_progress
        return
    from tqdm.auto import tqdm

    with tqdm(total=100, desc=title, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}") as bar:

        def report(fraction: float, message: str, /) -> None:
            bar.update(round(100 * fraction) - bar.n)

        yield report
        bar.update(100 - bar.n)
