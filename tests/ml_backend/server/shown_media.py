"""Media of each kind that Label Studio shows, in distinguishable classes, and the answers of their tasks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from labelscape.cli.synthetic import make_requests, write_motions, write_sounds

FRAMES, SIDE = 12, 64


@dataclass(frozen=True)
class Shown:
    """A kind of medium: its tag, the control on it, what tasks hold with the true class of each, and a bad task.

    ``field``: the field of a mirror's samples that holds the medium.
    """

    tag: str
    control: str
    make: Callable[[Path], list[tuple[Any, str]]]
    answer: Callable[[str], dict[str, Any]]
    kind: str
    bad: Any
    field: str

    def config(self, classes: Sequence[str]) -> str:
        """The label config."""
        return f"<View>{self.tag}{_CONTROLS[self.control](classes)}</View>"

    def result(self, name: str) -> list[dict[str, Any]]:
        """The result that chooses a class."""
        return [{"from_name": "c", "to_name": "shown", "type": self.kind, "value": self.answer(name)}]


def local(path: str | Path, folder: Path) -> str:
    """The address at which Label Studio serves a file of its media folder."""
    return f"/data/local-files/?d=files/{Path(path).relative_to(folder)}"


def texts(_folder: Path) -> list[tuple[Any, str]]:
    made = make_requests(count=200)
    return list(zip(made.media, made.classes, strict=True))


def pages(folder: Path) -> list[tuple[Any, str]]:
    head = "<head><title>A page of the shop</title><style>p { color: navy }</style></head>"
    return [(f"<html>{head}<body><h3>Request</h3><p>{one}</p></body></html>", name) for one, name in texts(folder)]


def dialogs(folder: Path) -> list[tuple[Any, str]]:
    return [
        ([{"author": "Shop", "text": "How can I help?"}, {"author": "Customer", "text": one}], name)
        for one, name in texts(folder)
    ]


def sounds(folder: Path) -> list[tuple[Any, str]]:
    made = write_sounds(folder / "sounds", count=140)
    return [(local(path, folder), name) for path, name in zip(made.media, made.classes, strict=True)]


def motions(folder: Path) -> list[tuple[Any, str]]:
    made = write_motions(folder / "motions", count=180)
    return [(local(path, folder), name) for path, name in zip(made.media, made.classes, strict=True)]


def videos(folder: Path) -> list[tuple[Any, str]]:
    """A bright disk that moves over a dark or a light ground, or a checkerboard."""
    made = []
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    for number in range(36):
        name = ("night", "day", "checks")[number % 3]
        path = folder / "videos" / f"{name}-{number:02d}.webm"
        if not path.exists():
            _write_video(path, name, np.random.default_rng(number))
        made.append((local(path, folder), name))
    return made


def broken(folder: Path) -> str:
    """A file whose content does not match its name."""
    (folder / "broken").mkdir(exist_ok=True)
    path = folder / "broken" / "nothing.wav"
    path.write_bytes(b"RIFF, and then nothing of the kind")
    return local(path, folder)


def _write_video(path: Path, name: str, rng: np.random.Generator) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"VP80"), 6, (SIDE, SIDE))
    start, ground = rng.integers(10, 30, 2), {"night": 20, "day": 220}.get(name)
    for moment in range(FRAMES):
        frame = np.full((SIDE, SIDE, 3), ground or 0, np.uint8)
        if ground is None:
            frame[:] = 255 * ((np.indices((SIDE, SIDE)).sum(axis=0) // 8 + moment) % 2)[..., None]
        center = (int(start[0] + 2 * moment), int(start[1] + moment))
        cv2.circle(frame, center, 8, (40, 160, 250), -1)
        writer.write(frame)
    writer.release()


def _choices(classes: Sequence[str], more: str = "") -> str:
    inner = "".join(f'<Choice value="the class {name}" alias="{name}"/>' for name in classes)
    return f'<Choices name="c" toName="shown" {more}>{inner}</Choices>'


def _nested(classes: Sequence[str]) -> str:
    inner = "".join(f'<Choice value="{name}"/>' for name in classes)
    return f'<Choices name="c" toName="shown" allowNested="true"><Choice value="all">{inner}</Choice></Choices>'


def _taxonomy(classes: Sequence[str]) -> str:
    inner = "".join(f'<Choice value="{name}"/>' for name in classes)
    return (
        '<Taxonomy name="c" toName="shown" maxUsages="1" leafsOnly="true">'
        f'<Choice value="all">{inner}</Choice></Taxonomy>'
    )


_CONTROLS: dict[str, Callable[[Sequence[str]], str]] = {
    "choices": _choices,
    "multiple": lambda classes: _choices(classes, 'choice="multiple"'),
    "nested": _nested,
    "taxonomy": _taxonomy,
    "rating": lambda _classes: '<Rating name="c" toName="shown"/>',
}
_CHANNELS = "".join(f'<Channel column="{name}"/>' for name in ("acc_x", "ACC_Y", "acc_z"))
TEXT = Shown(
    '<Text name="shown" value="$text"/>', "choices", texts, lambda name: {"choices": [name]}, "choices", "", "text"
)
SHOWN = {
    "Text": TEXT,
    "HyperText": Shown(
        '<HyperText name="shown" value="$text"/>', "taxonomy", pages,
        lambda name: {"taxonomy": [["all", name]]}, "taxonomy", "<p> </p>", "text",
    ),
    "Paragraphs": Shown(
        '<Paragraphs name="shown" value="$text" layout="dialogue"/>', "rating", dialogs,
        lambda name: {"rating": 1 + int(name)}, "rating", [], "text",
    ),
    "Audio": Shown(
        '<Audio name="shown" value="$text"/>', "choices", sounds,
        lambda name: {"choices": [name]}, "choices", broken, "audio",
    ),
    "TimeSeries": Shown(
        f'<TimeSeries name="shown" value="$text" valueType="url" timeColumn="time">{_CHANNELS}</TimeSeries>',
        "nested", motions, lambda name: {"choices": [["all", name]]}, "choices", broken, "series",
    ),
    "Video": Shown(
        '<Video name="shown" value="$text"/>', "multiple", videos,
        lambda name: {"choices": [name]}, "choices", broken, "filepath",
    ),
}  # fmt: skip
