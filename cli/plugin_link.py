"""Make FiftyOne see this package as its plugin, and find out how it sees it."""

from pathlib import Path

import fiftyone as fo
import fiftyone.plugins as fop

PLUGIN = "@labelscape/data-explorer"
PACKAGE = Path(__file__).resolve().parent.parent


def installed_plugins() -> list[Path]:
    """Every folder of FiftyOne's plugins folder that holds this plugin; FiftyOne uses the first."""
    found = fop.list_plugins(enabled="all", shadowed="all")
    return [Path(plugin.directory) for plugin in found if plugin.name == PLUGIN]


def how_installed(folder: Path) -> str:
    """In words: a link to this package, a link to another one, or a copy as a download leaves it."""
    if folder.resolve() == PACKAGE:
        origin = "the pip package" if "site-packages" in PACKAGE.parts else "this repository"
        return f"a link to {origin}, {PACKAGE}"
    if folder.is_symlink():
        return f"a link to another Labelscape, {folder.resolve()}"
    return f"a copy, {folder}"


def install() -> str:
    """Link this package into FiftyOne's plugins folder and say what was done.

    Raises:
        ValueError: the plugin is there already but is not this package, or something else has its place
    """
    installed = installed_plugins()
    others = [folder for folder in installed if folder.resolve() != PACKAGE]
    if others:
        raise ValueError(
            f"FiftyOne already has the plugin {PLUGIN}: {how_installed(others[0])}. To use this one instead, "
            f"remove {others[0]}, then install again."
        )
    if installed:
        return f"Nothing to do: FiftyOne sees the plugin {PLUGIN}, {how_installed(installed[0])}."
    link = Path(fo.config.plugins_dir) / "labelscape"
    if link.exists():
        raise ValueError(f"{link} is something else and is not overwritten: move it away first.")
    link.parent.mkdir(parents=True, exist_ok=True)
    led_nowhere = link.is_symlink()
    if led_nowhere:
        link.unlink()
    link.symlink_to(PACKAGE, target_is_directory=True)
    return f"Installed the plugin {PLUGIN}: {link} → {PACKAGE}" + (
        " (in place of a link that led nowhere)." if led_nowhere else "."
    )
