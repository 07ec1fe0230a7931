"""Write exported files and folders completely or not at all; a failure is reported with its reason."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Refusal


def check_new_folder(target: Path) -> None:
    """Raise a Refusal if a path is not that of a new or an empty folder."""
    with _reasons(target):
        if target.exists() and any(target.iterdir()):
            raise Refusal(f"The folder {target} is not empty: choose a new one, so that nothing is overwritten.")


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """The folder to write to: the target, if it exists, or a new one beside it, which then takes its name.

    If the block fails, the target is as it was. One that exists is kept, with its permissions: it may be a volume, a
    link, or in a folder that nobody may write to.

    Raises:
        Refusal: the file system refused something, such as a full disk or a folder without permission.
    """
    target = target.absolute()  # “.” has no name
    with _reasons(target):
        exists = target.exists()
        folder = target if exists else _beside(target)
        folder.mkdir(parents=True, exist_ok=exists)
        try:
            yield folder
            if not exists:
                folder.rename(target)
        except BaseException:
            _empty(folder)
            if not exists:
                folder.rmdir()
            raise


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """The file to write to: a new one beside the target, which then takes its name.

    If the block fails, the target is as it was. One that is no regular file, such as a pipe, is written to directly.

    Raises:
        Refusal: see `whole_folder`.
    """
    target = target.expanduser()
    with _reasons(target):
        special = target.exists() and not target.is_file()
        file = target if special else _beside(target.resolve())
        try:
            yield file
            if target.is_file():
                shutil.copymode(target, file)
            if not special:
                file.replace(target.resolve())
        except BaseException:
            if not special:
                file.unlink(missing_ok=True)
            raise


@contextmanager
def _reasons(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        of = f": {error.filename}" if error.filename else ""
        unchanged = (
            "" if target.exists() and not (target.is_file() or target.is_dir()) else "; what was there is unchanged"
        )
        raise Refusal(f"{target} could not be written{unchanged} ({reason}{of}).") from error


def _beside(target: Path) -> Path:
    # The suffix stays: writers compress by it.
    return target.with_name(f".{uuid.uuid4().hex[:8]}-{target.name}")


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
