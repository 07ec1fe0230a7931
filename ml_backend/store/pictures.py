"""Small pictures for notebooks: a map, and the first samples of a view."""

import base64
import io
from html import escape

import fiftyone as fo
import fiftyone.core.patches as fop
from PIL import Image, UnidentifiedImageError

from ..embedding.base import local_path
from .labels import default_label_field, read_labels
from .maps import load_map

_SHOWN = 8
_SIDE = 96  # pixels


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
    unlabeled = labels.unlabeled
    figure = Figure(figsize=(inches, inches), layout="constrained")
    axes = figure.add_subplot()
    x, y = drawn.points[:, 0], drawn.points[:, 1]
    axes.scatter(x[unlabeled], y[unlabeled], s=4, c="#9a9a9a", linewidths=0)
    axes.scatter(x[~unlabeled], y[~unlabeled], s=8, c=labels.codes[~unlabeled], cmap="tab20", linewidths=0)
    axes.set(xticks=[], yticks=[], aspect="equal", title=f"{key}, colored by {label_field.name}")
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)
    return picture.getvalue()


def map_html(dataset: fo.Dataset, key: str) -> str:
    """A map as an HTML image that contains its picture."""
    return _image_html("png", draw_map(dataset, key), f"map {key}")


def thumbnails_html(view: fo.DatasetView) -> str:
    """The first samples of a view, or objects of a view of patches, as a row of HTML images with their pictures inside.

    What cannot be read as an image is left out; "" if nothing is left.
    """
    images = []
    for sample in view.limit(_SHOWN):
        box = sample[view.patches_field].bounding_box if isinstance(view, fop.PatchesView) else None
        try:
            images.append(_image_html("jpeg", _thumbnail(local_path(sample.filepath), box), sample.id))
        except (OSError, UnidentifiedImageError, ValueError):
            continue
    return f'<div style="display:flex;gap:4px;flex-wrap:wrap">{"".join(images)}</div>' if images else ""


def _thumbnail(path: str, box: list[float] | None) -> bytes:
    with Image.open(path) as picture:
        image = picture.convert("RGB")
    if box is not None:
        left, top, width, height = box
        w, h = image.size
        image = image.crop((int(left * w), int(top * h), int((left + width) * w) + 1, int((top + height) * h) + 1))
    image.thumbnail((_SIDE, _SIDE))
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=80)
    return encoded.getvalue()


def _image_html(kind: str, content: bytes, name: str) -> str:
    return f'<img alt="{escape(name)}" src="data:image/{kind};base64,{base64.b64encode(content).decode()}">'
