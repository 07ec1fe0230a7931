"""The plugin works three ways: linked, downloaded, and installed with pip."""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

REPOSITORY = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
MANIFEST = yaml.safe_load((REPOSITORY / "fiftyone.yml").read_text())
PLUGIN = MANIFEST["name"]
BUNDLES = {MANIFEST["js_bundle"]} if "js_bundle" in MANIFEST else set()

# What FiftyOne sees of the plugin, asked in a process of its own: the plugin is loaded only once a process.
LOOK = f"""
import json
import fiftyone.plugins as fop
from fiftyone.plugins.context import PluginContext

offered = []
register = PluginContext.register
PluginContext.register = lambda context, cls: (offered.append(cls), register(context, cls))

plugin = fop.get_plugin({PLUGIN!r})
context = PluginContext(plugin)
context.register_all()
print(json.dumps({{
    "directory": plugin.directory,
    "bundle": plugin.has_js,
    "offered": len(offered),
    "names": sorted(instance.name for instance in context.instances),
    "errors": context.errors,
}}))
"""


def run(command: list[str | Path], plugins: Path, **options: Any) -> str:
    environment = {**os.environ, "FIFTYONE_PLUGINS_DIR": str(plugins)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_fiftyone_runs_the_plugin_in(directory: Path, plugins: Path, python: str | Path = sys.executable) -> None:
    # From an empty folder: the repository must not be importable by chance.
    seen = json.loads(run([python, "-c", LOOK], plugins, cwd=plugins).splitlines()[-1])
    assert seen["errors"] == []
    assert Path(seen["directory"]) == directory
    assert seen["bundle"] == bool(BUNDLES)
    # FiftyOne skips what fiftyone.yml does not declare, without a word.
    assert seen["names"] == sorted([*MANIFEST["operators"], *MANIFEST.get("panels", [])])
    assert len(seen["names"]) == seen["offered"]


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """What a clone of the repository holds, as paths relative to it."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return [path for path in files.splitlines() if (REPOSITORY / path).is_file()]


@pytest.fixture(scope="module")
def clone(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "labelscape-main"
    for path in tracked:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / path, folder / path)
    return folder


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(clone)], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    return folder


def test_the_requirements_file_names_the_packages_of_the_project() -> None:
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    named = [line for line in lines if not line.startswith("#")]
    project = PROJECT["project"]
    assert sorted(named) == sorted(project["dependencies"] + project["optional-dependencies"]["label-studio"])


def test_the_plugin_has_the_version_and_the_fiftyone_of_the_package() -> None:
    assert MANIFEST["version"] == PROJECT["project"]["version"]
    assert f"fiftyone{MANIFEST['fiftyone']['version']}" in PROJECT["project"]["dependencies"]


@pytest.mark.slow
def test_fiftyone_runs_the_plugin_behind_a_link(plugins: Path) -> None:
    (plugins / "labelscape").symlink_to(REPOSITORY)
    assert_fiftyone_runs_the_plugin_in(plugins / "labelscape", plugins)


def test_fiftyone_does_not_walk_the_repository_behind_the_link(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone.plugins.core as fopc

    (plugins / "labelscape").symlink_to(REPOSITORY)
    walked: list[str] = []
    walk = os.walk

    def counted(*arguments: Any, **options: Any) -> Iterator[tuple[str, list[str], list[str]]]:
        for step in walk(*arguments, **options):
            walked.append(step[0])
            yield step

    monkeypatch.setattr(fopc.os, "walk", counted)
    manifests = list(fopc._iter_plugin_metadata_files(str(plugins)))
    assert manifests == [str(plugins / "labelscape" / "fiftyone.yml")]
    assert walked == [str(plugins), str(plugins / "labelscape")]


@pytest.fixture(scope="module")
def left_out(tracked: list[str]) -> set[str]:
    """The folders that an archive of the repository lacks, as a code host makes it for FiftyOne to download."""
    folders = sorted({Path(path).parts[0] for path in tracked})
    asked = ["git", "check-attr", "export-ignore", "--", *folders]
    answers = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return {line.split(":")[0] for line in answers.splitlines() if line.endswith(": set")}


def test_a_download_lacks_what_only_developers_need_and_nothing_else(left_out: set[str]) -> None:
    assert left_out == {".ci", ".github", "benchmarks", "scripts", "testing", "tests"}
    assert left_out.isdisjoint(name.split(".")[1] for name in PROJECT["tool"]["setuptools"]["packages"] if "." in name)


@pytest.mark.slow
def test_fiftyone_downloads_and_runs_the_plugin(clone: Path, left_out: set[str], plugins: Path, tmp_path: Path) -> None:
    archived = tmp_path / clone.name
    shutil.copytree(clone, archived, ignore=lambda folder, _: left_out if Path(folder) == clone else [])
    shutil.make_archive(str(tmp_path / "labelscape"), "zip", tmp_path, archived.name)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/labelscape.zip"
        fiftyone = Path(sys.executable).with_name("fiftyone")
        run([fiftyone, "plugins", "download", url], plugins, cwd=plugins)
        server.shutdown()
    assert_fiftyone_runs_the_plugin_in(plugins / PLUGIN, plugins)


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_what_fiftyone_reads(wheel: Path, tracked: list[str]) -> None:
    packages = [name.split(".")[1:] for name in PROJECT["tool"]["setuptools"]["packages"]]
    folders = {Path(*package) for package in packages}
    outside = {"tests", "testing", "benchmarks", "docs", "scripts"}
    modules = {path for path in tracked if path.endswith(".py") and Path(path).parts[0] not in outside}
    assert {path for path in modules if Path(path).parent not in folders} == set()
    names = set(zipfile.ZipFile(wheel).namelist())
    skills = {path for path in tracked if Path(path).name == "SKILL.md"}
    needed = {f"labelscape/{path}" for path in modules | skills | BUNDLES | {"fiftyone.yml", "requirements.txt"}}
    assert needed - names == set()
    assert not [path for path in names if Path(path).parts[1] in outside]


@pytest.mark.slow
def test_wheel_and_source_distribution_are_valid_to_publish(wheel: Path, clone: Path, tmp_path: Path) -> None:
    build = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=clone, check=True, capture_output=True)
    files = [wheel, next(tmp_path.glob("*.tar.gz"))]
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("PASSED") == 2


def test_fiftyone_finds_every_declared_skill(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone as fo
    import fiftyone.plugins as fop

    (plugins / "labelscape").symlink_to(REPOSITORY)
    monkeypatch.setattr(fo.config, "plugins_dir", str(plugins))
    skills = fop.list_skills(plugin=PLUGIN)
    assert sorted(skill.name for skill in skills) == sorted(MANIFEST["skills"])
    assert all(skill.description for skill in skills)


def test_a_skill_names_only_operators_that_exist() -> None:
    for skill in (REPOSITORY / "skills").glob("*/SKILL.md"):
        text = skill.read_text()
        named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", text)) - set(MANIFEST["operators"])
        assert not named, f"{skill.parent.name} names {named}"


@pytest.mark.slow
def test_fiftyone_runs_the_plugin_of_the_installed_wheel(wheel: Path, plugins: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    python = venv / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True)
    site = next((venv / "lib").glob("python*")) / "site-packages"
    # FiftyOne and the rest come from this environment, its Labelscape does not: such a path runs no .pth.
    (site / "others.pth").write_text(str(Path(pytest.__file__).parent.parent))
    said = run([venv / "bin" / "labelscape", "install-plugin"], plugins, cwd=plugins)
    assert str(site / "labelscape") in said
    assert (plugins / "labelscape").resolve() == site / "labelscape"
    assert_fiftyone_runs_the_plugin_in(plugins / "labelscape", plugins, python)
