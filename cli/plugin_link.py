"""Install this package as a FiftyOne plugin, and find out how it is installed."""

from pathlib import Path

import fiftyone as fo
import fiftyone.plugins as fop

from ..ml_backend.errors import Refusal

PLUGIN = "@labelscape/data-explorer"
PACKAGE = Path(__file__).resolve().parent.parent


def installed_plugins() -> list[Path]:
    """All folders in FiftyOne's plugins folder that contain this plugin; FiftyOne uses the first."""
    plugins = fop.list_plugins(enabled="all", shadowed="all")
    return [Path(plugin.directory) for plugin in plugins if plugin.name == PLUGIN]


def how_installed(folder: Path) -> str:
    """In words: a link to this package, a link to another one, or a downloaded copy."""
    if folder.resolve() == PACKAGE:
        origin = "the pip package" if "site-packages" in PACKAGE.parts else "this repository"
        return f"a link to {origin}, {PACKAGE}"
    if folder.is_symlink():
        return f"a link to another Labelscape, {folder.resolve()}"
    return f"a copy, {folder}"


def install() -> str:
    """Link this package into FiftyOne's plugins folder, and return a sentence about it.

    Raises:
        Refusal: another copy of the plugin is installed, or something else occupies the link's path
    """
    installed = installed_plugins()
    others = [folder for folder in installed if folder.resolve() != PACKAGE]
    if others:
        raise Refusal(
            f"FiftyOne already has the plugin {PLUGIN}: {how_installed(others[0])}. To use this one instead, "
            f"remove {others[0]}, then install again."
        )
    if installed:
        return f"Nothing to do: FiftyOne sees the plugin {PLUGIN}, {how_installed(installed[0])}."
    link = Path(fo.config.plugins_dir) / "labelscape"
    if link.exists():
        raise Refusal(f"{link} is something else and will not be overwritten: move it away first.")
    link.parent.mkdir(parents=True, exist_ok=True)
    was_broken = link.is_symlink()
    if was_broken:
        link.unlink()
    link.symlink_to(PACKAGE, target_is_directory=True)
    return f"Installed the plugin {PLUGIN}: {link} → {PACKAGE}" + (
        " (in place of a broken link)." if was_broken else "."
    )
