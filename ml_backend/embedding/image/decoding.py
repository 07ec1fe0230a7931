"""Image bytes to 8-bit RGB as a person would see them: alpha on a background, deep values scaled, upright."""

import io
import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from ..base import UnreadableMedium

Pixels = NDArray[np.uint8]

_REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
_JPEG = ("JPEG", "MPO")  # cameras that add a preview or a depth picture write MPO
_TAIL = 512  # bytes in which a complete file has its end mark
_PNG_DEPTH_AT = 24  # offset of the bit depth in a PNG's first chunk
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_BITS = 256, 257, 258  # ImageWidth, ImageLength, BitsPerSample
_WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_DEEP_GRAY = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_NEARLY_WHITE = 200  # mean luminance, 0..255, above which a drawing would be invisible on white
# Full scales of what sensors and software write: 8, 10, 12, 14 and 16 bits; 0..1 is for floating point alone.
_INTEGER_SCALES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
_FLOAT_SCALES = (1.0, *_INTEGER_SCALES)
_FLAT = 1e-30  # values closer than this are equal; their scale would overflow
_LEAST_SPAN = 1 / 8  # of a full scale; what uses less (thermal cameras) is stretched between its own extremes


@dataclass(frozen=True)
class Header:
    """The header of an image file: size in pixels, format, and how its values have to be read."""

    width: int
    height: int
    kind: str
    transparent: bool
    deep: bool  # more than 8 bits per value


def read_header(data: bytes) -> Header:
    """Read the header of an image file.

    Raises:
        UnreadableMedium: not an image in a known format, or one with too many pixels.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return Header(
                width=image.width,
                height=image.height,
                kind=image.format or "",
                transparent=image.mode in _WITH_ALPHA or "transparency" in image.info,
                deep=_is_deep(image, data),
            )
    except Image.DecompressionBombError:
        raise UnreadableMedium("the image has more pixels than allowed") from None
    except (OSError, ValueError, SyntaxError):
        size = _tiff_size(data)
        if size is None:
            raise UnreadableMedium("it is not an image in a known format") from None
        return Header(*size, kind="TIFF", transparent=False, deep=True)


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a TIFF with pixels that Pillow (13) does not know, such as 64-bit or colored floats."""
    if data[:4] not in (b"II*\x00", b"MM\x00*"):
        return None
    try:
        entries = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(entries.next)
        entries.load(file)
        return int(entries[_TIFF_WIDTH]), int(entries[_TIFF_HEIGHT])
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, struct.error):
        return None


def decode(data: bytes, header: Header, *, shrink: float = 1.0) -> Pixels:
    """Pixels (height, width, 3) uint8 RGB, upright.

    Alpha is composited on white, or on black if the content is nearly white. Values of more than 8 bits are scaled by
    their actual range. For a file with several pages or frames, the first one is used.

    Args:
        shrink: how many times smaller the result may be; a JPEG is then decoded at 1/2, 1/4 or 1/8 of its size.

    Raises:
        UnreadableMedium: the file is damaged.
    """
    if header.deep:
        return _decode_deep(data)
    if header.transparent or not _looks_complete(data, header.kind):
        return _decode_strictly(data)
    flag = cv2.IMREAD_COLOR
    if header.kind in _JPEG:
        flag = next((_REDUCED[by] for by in _REDUCED if shrink >= by), flag)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if pixels is None:
        return _decode_strictly(data)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def scale_to_8_bits(values: NDArray[np.generic]) -> Pixels:
    """Values of any type and shape as uint8, by the full scale that they use.

    That is the smallest of 8, 10, 12, 14 and 16 bits (and 0..1 for floating point) that holds them. Values that fit
    none of them, or use less than an eighth, are stretched between their 0.1 and 99.9 percentiles. NaN becomes the
    lowest value.

    Raises:
        UnreadableMedium: no value is finite.
    """
    data = np.asarray(values, np.float32)
    finite = data[np.isfinite(data)]
    if not finite.size:
        raise UnreadableMedium("the image has no finite values")
    low, high = _value_range(finite, floating=np.issubdtype(values.dtype, np.floating))
    whole = np.nan_to_num(data, nan=low, posinf=high, neginf=low)
    return np.asarray(np.clip((whole - low) * (255 / (high - low)), 0, 255).round(), np.uint8)


def _value_range(finite: NDArray[np.float32], *, floating: bool) -> tuple[float, float]:
    lowest, highest = float(finite.min()), float(finite.max())
    scales = _FLOAT_SCALES if floating else _INTEGER_SCALES
    full = next((scale for scale in scales if highest <= scale), None) if lowest >= 0 else None
    if full is not None and (lowest == highest or highest - lowest >= _LEAST_SPAN * full):
        return 0.0, full
    if highest - lowest < _FLAT:
        return lowest, lowest + max(1.0, abs(lowest))  # adding only 1 would not change a huge value
    low, high = (float(value) for value in np.percentile(finite, (0.1, 99.9)))
    return (low, high) if high - low >= _FLAT else (lowest, highest)


def _is_deep(image: Image.Image, data: bytes) -> bool:
    if image.mode in _DEEP_GRAY:
        return True
    if image.format == "PNG":
        return data[_PNG_DEPTH_AT] == 16
    bits = getattr(image, "tag_v2", {}).get(_TIFF_BITS, (8,)) if image.format == "TIFF" else (8,)
    return bool(max(bits if isinstance(bits, tuple) else (bits,)) > 8)


def _looks_complete(data: bytes, kind: str) -> bool:
    """Detect truncated files, whose missing part OpenCV silently fills with gray."""
    mark = b"\xff\xd9" if kind in _JPEG else {"PNG": b"IEND"}.get(kind)
    return mark is not None and mark in data[-_TAIL:]


def _decode_strictly(data: bytes) -> Pixels:
    """Decode with Pillow, which reads more formats and raises if bytes are missing."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode in _WITH_ALPHA or "transparency" in upright.info:
                return _composite(np.asarray(upright.convert("RGBA")))
            return np.asarray(upright.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableMedium(f"the image is damaged: {error}") from None


def _decode_deep(data: bytes) -> Pixels:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()  # raises if bytes are missing, which OpenCV below does not
            if image.mode in _DEEP_GRAY:
                gray = scale_to_8_bits(np.asarray(ImageOps.exif_transpose(image)))
                return np.repeat(gray[..., None], 3, axis=2)
    except UnidentifiedImageError:
        pass  # OpenCV knows more kinds of pixels
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableMedium(f"the image is damaged: {error}") from None
    # Pillow cuts several channels down to 8 bits while it reads them; OpenCV keeps them.
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise UnreadableMedium("its kind of pixels (more than 8 bits a value) cannot be read")
    if values.ndim == 2:
        return np.repeat(scale_to_8_bits(values)[..., None], 3, axis=2)
    colors = scale_to_8_bits(values[..., 2::-1])
    if values.shape[2] < 4:
        return colors
    full = np.iinfo(values.dtype).max if np.issubdtype(values.dtype, np.integer) else 1.0
    alpha = (values[..., 3:].astype(np.float32) * (255 / full)).round().astype(np.uint8)
    return _composite(np.concatenate([colors, alpha], axis=2))


def _composite(rgba: Pixels) -> Pixels:
    """Put RGBA pixels on the background against which the content is visible."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    if (alpha == 1).all():
        return np.ascontiguousarray(rgba[..., :3])
    luminance = rgba[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    weight = float(alpha.sum())
    mean = float((luminance * alpha[..., 0]).sum()) / weight if weight else 0.0
    background = 0.0 if mean >= _NEARLY_WHITE else 255.0
    return np.asarray((rgba[..., :3] * alpha + background * (1 - alpha)).round(), np.uint8)
