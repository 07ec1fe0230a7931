"""Near duplicates among look-alikes: `python benchmarks/duplicates.py`.

Of 240 synthetic originals of a kind, 210 are there again, 30 in each of these ways: saved as JPEG, at half the size,
cropped by 4 % or 8 % a side, cropped unevenly by 0 to 3 % or 0 to 7 % a side, or mirrored at two thirds of the size.
With `--photos FOLDER`, the images in a folder serve as originals, too. A pair counts as found when both are in one
group, and as wrong when a group holds two originals. The peer joins all pairs whose difference hashes differ in at
most 4 of 64 bits, the images' mirror images included.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from foreign_groups import page
from labelscape.ml_backend.actions.appearance import read_appearance
from labelscape.ml_backend.analysis.duplicates import near_duplicates
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media
from PIL import Image, ImageDraw, ImageFilter, ImageOps

ORIGINALS, COPIES, BITS = 240, 30, 4
CROPS = {"cropped 4 %": 0.04, "cropped 8 %": 0.08}
UNEVEN = {"uneven 3 %": 0.03, "uneven 7 %": 0.07}
WAYS = ("saved again", "smaller", *CROPS, *UNEVEN, "mirrored")
Pairs = set[tuple[int, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of images")
    images = parser.parse_args().photos
    kinds = KINDS if images is None else {**KINDS, images.name: photos(images)}
    print("recall: " + " / ".join(WAYS))
    for kind, make in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            media, source, ways = saved(make, Path(folder))
            for name, pairs in (("labelscape", ours(media)), ("difference hash", hashed(media))):
                print(f"{kind}, {name}: " + shown(pairs, source, ways), flush=True)


def saved(make: Callable[[int], Image.Image], folder: Path) -> tuple[list[Media], list[int], list[str]]:
    media, source, ways = [], [], []
    for number in range(ORIGINALS):
        image = make(number)
        way = WAYS[number // COPIES] if number < COPIES * len(WAYS) else None
        for name, shown_image, how in versions(image, way, np.random.default_rng(number)):
            path = folder / f"{number}{name}"
            shown_image.save(path, **({"quality": 80} if name.endswith("jpg") else {}))
            media.append(Media(path=str(path)))
            source.append(number)
            ways.append(how)
    return media, source, ways


def versions(
    image: Image.Image, way: str | None, random: np.random.Generator
) -> Iterator[tuple[str, Image.Image, str]]:
    yield ".png", image, "original"
    width, height = image.size
    if way == "saved again":
        yield "_.jpg", image, way
    elif way == "smaller":
        yield "_.png", image.resize((width // 2, height // 2), Image.Resampling.LANCZOS), way
    elif way in CROPS:
        yield "_.png", cropped(image, np.full(4, CROPS[way])), way
    elif way in UNEVEN:
        yield "_.png", cropped(image, random.uniform(0, UNEVEN[way], 4)), way
    elif way == "mirrored":
        yield "_.png", ImageOps.mirror(image).resize((2 * width // 3, 2 * height // 3), Image.Resampling.LANCZOS), way


def cropped(image: Image.Image, shares: np.ndarray) -> Image.Image:
    """The image without these shares of its left, top, right, and bottom."""
    left, top, right, bottom = (int(share * side) for share, side in zip(shares, image.size * 2, strict=True))
    return image.crop((left, top, image.width - right, image.height - bottom))


def ours(media: list[Media]) -> Pairs:
    vectors = load("preprocessing").embed(media).vectors
    found = near_duplicates(vectors, appearance=read_appearance(media).appearance)
    return {pair for rows in found.members() for pair in combinations(rows.tolist(), 2)}


def hashed(media: list[Media]) -> Pairs:
    images = [Image.open(medium.path).convert("L") for medium in media]
    plain = np.stack([difference_hash(image) for image in images])
    mirrored = np.stack([difference_hash(ImageOps.mirror(image)) for image in images])
    apart = np.minimum((plain[:, None] != plain).sum(-1), (mirrored[:, None] != plain).sum(-1))
    return {(a, b) for a, b in zip(*np.nonzero(apart <= BITS), strict=True) if a < b}


def difference_hash(image: Image.Image) -> np.ndarray:
    small = np.asarray(image.resize((9, 8), Image.Resampling.LANCZOS), int)
    return (small[:, 1:] > small[:, :-1]).ravel()


def shown(pairs: Pairs, source: list[int], ways: list[str]) -> str:
    right = [pair for pair in pairs if source[pair[0]] == source[pair[1]]]
    found = [sum(ways[b] == way or ways[a] == way for a, b in right) / COPIES for way in WAYS]
    precision = len(right) / len(pairs) if pairs else float("nan")
    return " / ".join(f"{share:.2f}" for share in found) + f" precision {precision:.3f} of {len(pairs)}"


def photos(folder: Path) -> Callable[[int], Image.Image]:
    """Maker of originals from a folder: an image of its own for each number."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if len(paths) < ORIGINALS:
        raise SystemExit(f"{folder} has {len(paths)} images; at least {ORIGINALS} are needed.")
    chosen = np.random.default_rng(0).permutation(len(paths))
    return lambda number: Image.open(paths[chosen[number]]).convert("RGB")


def form(seed: int) -> Image.Image:
    """The same printed form, a few boxes of it filled in."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (420, 560), (250, 250, 250))
    draw = ImageDraw.Draw(image)
    for row in range(12):
        draw.text((30, 40 + 42 * row), f"{row + 1}. Field of the form", fill=(20, 20, 20))
        draw.rectangle((180, 34 + 42 * row, 390, 58 + 42 * row), outline=(20, 20, 20))
        if random.random() < 0.7:
            word = "".join(map(chr, random.integers(97, 123, random.integers(4, 25))))
            draw.text((186, 40 + 42 * row), word, fill=(20, 30, 120))
    return scanned(image, random)


def screenshot(seed: int) -> Image.Image:
    """One program: the same menus, other contents."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (640, 400), (240, 240, 240))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 640, 30), fill=(50, 60, 80))
    draw.rectangle((0, 30, 120, 400), fill=(220, 225, 235))
    for row in range(12):
        draw.text((10, 45 + 28 * row), f"Menu {row}", fill=(30, 30, 30))
    for row in range(int(random.integers(4, 12))):
        draw.rectangle((140, 50 + 28 * row, 140 + random.integers(50, 480), 66 + 28 * row), fill=(150, 170, 210))
    return image


def slice_(seed: int) -> Image.Image:
    """A slice of a body: one outline, organs that vary a little."""
    random = np.random.default_rng(seed)
    image = Image.new("L", (256, 256), 5)
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 40, 236, 216), fill=90)
    for x, y, size, gray in ((80, 110, 34, 150), (170, 110, 34, 150), (128, 160, 22, 200), (128, 90, 18, 60)):
        x, y, size = x + random.integers(-12, 13), y + random.integers(-12, 13), size + random.integers(-8, 9)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=gray)
    image = image.filter(ImageFilter.GaussianBlur(2))
    return scanned(image.convert("RGB"), random)


def frame(seed: int) -> Image.Image:
    """A frame of a fixed camera: one scene, a few things that move."""
    still = np.random.default_rng(0)
    image = Image.fromarray(still.integers(30, 220, (6, 8, 3)).astype(np.uint8)).resize(
        (320, 240), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(image)
    random = np.random.default_rng(seed)
    for _ in range(int(random.integers(1, 5))):
        x, y, width, height = random.integers((0, 80, 15, 12), (280, 200, 45, 35))
        draw.rectangle((x, y, x + width, y + height), fill=tuple(random.integers(0, 255, 3).tolist()))
    return scanned(image, random)


def scanned(image: Image.Image, random: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image).astype(int)
    return Image.fromarray(np.clip(pixels + random.integers(-3, 4, pixels.shape), 0, 255).astype(np.uint8))


KINDS = {"pages": page, "forms": form, "screenshots": screenshot, "slices": slice_, "fixed camera": frame}

if __name__ == "__main__":
    main()
