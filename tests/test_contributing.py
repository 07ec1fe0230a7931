"""CONTRIBUTING.md names every folder and fixture, and nothing that does not exist."""

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text()


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(line) for line in listed.splitlines()]


def first_cells(heading: str) -> list[str]:
    """The code in the first cell of each row of the tables under these column headings."""
    rows = re.findall(rf"\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", TEXT)
    return [name for table in rows for row in table.splitlines() for name in re.findall("`([^`]+)`", row.split("|")[1])]


def test_every_folder_is_in_a_table_or_below_one_that_is() -> None:
    named = [name.rstrip("/") for name in first_cells("folder") if name.endswith("/")]
    folders = {str(path.parent) for path in tracked() if len(path.parts) > 1 and not path.parts[0].startswith(".")}
    below = {folder for folder in folders if any(folder == name or folder.startswith(f"{name}/") for name in named)}
    assert folders - below - {"plugin", "ml_backend"} == set()


def test_every_path_in_a_table_exists() -> None:
    there = {str(path) for path in tracked()} | {f"{parent}/" for path in tracked() for parent in path.parents}
    near = [name for name in first_cells("folder") if name not in there and f"ml_backend/{name}" not in there]
    assert near == []


def test_every_shared_fixture_is_in_the_table() -> None:
    tree = ast.parse((ROOT / "tests/conftest.py").read_text())
    fixtures = {
        function.name
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        and any("fixture" in ast.unparse(one) for one in function.decorator_list)
    }
    assert {name.split("(")[0] for name in first_cells("fixture")} == fixtures - {"database"}
