"""The reference in docs/ matches the code, and everything a user can name is described."""

import importlib.util
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPEC = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
assert SPEC is not None
assert SPEC.loader is not None
reference = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(reference)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    dataset = reference.reference_dataset(folder / "digits")
    target = reference.FOLDER if "WRITE_REFERENCE" in os.environ else folder / "pages"
    yield reference.write_pages(target, dataset)
    dataset.delete()


@pytest.mark.parametrize("name", ["operators.md", "keys.md", "cli.md", "settings.md", "http.md"])
def test_the_reference_matches_the_code(pages, name):
    written = (ROOT / "docs" / "reference" / name).read_text()
    assert written == pages[name], f"docs/reference/{name} is out of date: run `make reference`."


def test_every_operator_is_described(pages):
    from labelscape.operators import OPERATORS

    missing = [kind.operator_name for kind in OPERATORS if f"## `{kind.operator_name}`" not in pages["operators.md"]]
    assert missing == []


def test_every_environment_variable_that_is_read_is_described_and_no_other(pages):
    read = {
        name
        for folder in ("cli", "ml_backend", "operators", "plugin")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"""["'](LABELSCAPE_[A-Z_]+)["']""", path.read_text())
    }
    documented = set(re.findall("`(LABELSCAPE_[A-Z_]+)`", pages["settings.md"]))
    assert documented == read


def test_something_without_a_description_is_an_error():
    with pytest.raises(reference.Undocumented, match="the command labelscape x has no description"):
        reference.require("  ", "the command labelscape x")
