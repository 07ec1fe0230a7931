"""Installing the plugin links this package, and overwrites nothing."""

from pathlib import Path

from .conftest import PLUGIN, REPOSITORY, type_in


def test_install_plugin_links_this_package(plugins: Path) -> None:
    result = type_in("install-plugin")
    assert result.exit_code == 0
    assert (plugins / "labelscape").resolve() == REPOSITORY
    assert str(plugins / "labelscape") in result.output


def test_installing_the_plugin_twice_changes_nothing(plugins: Path) -> None:
    type_in("install-plugin")
    result = type_in("install-plugin")
    assert result.exit_code == 0
    assert "Nothing to do" in result.output


def test_install_plugin_fixes_a_link_that_is_broken(plugins: Path, tmp_path: Path) -> None:
    plugins.mkdir()
    (plugins / "labelscape").symlink_to(tmp_path / "gone")
    assert type_in("install-plugin").exit_code == 0
    assert (plugins / "labelscape").resolve() == REPOSITORY


def test_install_plugin_does_not_overwrite_something_else(plugins: Path) -> None:
    (plugins / "labelscape").mkdir(parents=True)
    (plugins / "labelscape" / "notes.txt").write_text("mine")
    result = type_in("install-plugin")
    assert result.exit_code == 1
    assert "will not be overwritten" in result.output
    assert (plugins / "labelscape" / "notes.txt").read_text() == "mine"


def test_install_plugin_does_not_shadow_a_downloaded_copy(plugins: Path) -> None:
    copy = plugins / "@labelscape" / "data-explorer"
    copy.mkdir(parents=True)
    (copy / "fiftyone.yml").write_text(f'name: "{PLUGIN}"\n')
    result = type_in("install-plugin")
    assert result.exit_code == 1
    assert str(copy) in result.output
    assert not (plugins / "labelscape").exists()
