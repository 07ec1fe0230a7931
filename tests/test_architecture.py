"""docs/architecture.md names modules, classes, and functions that exist, and layers as import-linter enforces them."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs/architecture.md").read_text()
FLOWS = TEXT[TEXT.index("## A label, from key press to database") :]
NAMES = sorted(set(re.findall(r"`([^`\s]*[./][^`\s]*)`", FLOWS)))


def sources() -> list[Path]:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in files.splitlines() if not name.startswith("tests/")]


def defines(file: Path, names: list[str]) -> bool:
    """Whether a module defines a function or class, or a class in it a method."""
    body = ast.parse((ROOT / file).read_text()).body
    for name in names:
        matching = [
            node
            for node in body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        ]
        if not matching:
            return False
        body = matching[0].body
    return True


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("/")])
def test_what_a_flow_names_exists(name: str) -> None:
    if name.endswith((".py", ".ts")) or "." not in name:
        assert any(str(file).endswith(f"/{name}") or str(file).startswith(f"{name}/") or str(file) == name
                   for file in sources())  # fmt: skip
        return
    module, *names = name.split(".")
    if module[:1].isupper():  # a class alone, as in ProjectSync.catch_up
        files, names = [file for file in sources() if file.suffix == ".py"], [module, *names]
    else:
        files = [file for file in sources() if f"/{file}".endswith(f"/{module}.py")]
    assert any(defines(file, names) for file in files), f"no {'.'.join(names)} in {files}"


def test_the_shared_modules_are_those_of_the_lowest_layers() -> None:
    table = set(re.findall(r"^\| `(\w+)", TEXT, re.M))
    contract = (ROOT / "pyproject.toml").read_text().split("layers = [")[1].split("]")[0]
    lowest = {name for layer in contract.split(",\n")[-3:] for name in re.findall(r"ml_backend\.(\w+)", layer)}
    assert table == lowest
