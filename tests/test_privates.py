"""Tests use what the package offers: none imports, reads, or replaces one of its private names."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
HOSTS = {
    # FiftyOne offers no public way to these.
    "_build",
    "_delegated_operation_id",
    "_doc",
    "_from_dict",
    "_get_model_in_dir",
    "_id",
    "_is_patches",
    "_iter_plugin_metadata_files",
    "_requests",
    "_root_dataset",
    "_sample_collection",
    "_serialize",
    # Hugging Face's tokenizers.
    "_tokenizer",
    # IPython's protocol.
    "_repr_html_",
}


def is_private(name: str) -> bool:
    return any(part.startswith("_") and not part.startswith("__") and part != "_" for part in name.split("."))


def is_ours(name: str) -> bool:
    """Whether a name to replace is in our package: a name alone, or one with the path of a module of ours."""
    return "." not in name or name.startswith("labelscape.")


def private_names(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the private name of each import, attribute, and replaced name of `source`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in HOSTS:
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if called in ("setattr", "delattr", "getattr"):
                texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                yield from ((node.lineno, text) for text in texts[:1] if is_private(text) and is_ours(text))


def test_no_test_imports_reads_or_replaces_a_private_name() -> None:
    files = {str(path.relative_to(TESTS)): path.read_text() for path in sorted(TESTS.rglob("*.py"))}
    assert len(files) > 200
    uses = {f"{name}:{line} {private}" for name, source in files.items() for line, private in private_names(source)}
    assert uses == set()


def test_every_way_to_a_private_name_is_found() -> None:
    ways = [
        "from labelscape.operators.running import _cancelled",
        "saves._store(dataset)",
        'monkeypatch.setattr(saves, "_store", None)',
        'monkeypatch.setattr("labelscape.ml_backend.store.saves._store", None)',
        'getattr(saves, "_store")',
    ]
    assert [len(list(private_names(way))) for way in ways] == [1] * len(ways)
    assert not list(private_names("dataset._sample_collection; self._own; module.__name__"))
