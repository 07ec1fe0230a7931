"""The generated pages of docs/reference: operators, keys, command line, settings, and HTTP API.

The pages are committed. `tests/test_reference.py` fails when one of them no longer matches the code, and when
something a user can name has no description; `make reference` runs that test so that it writes the pages instead.
"""

import dataclasses
import inspect
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PREFIX = "@labelscape/data-explorer"
ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
_NOTE = "<!-- Generated: change the code, then run `make reference`. -->\n\n"
_KEY = re.compile(r'\{ key: "(?P<key>[^"]+)", command: "\w+", says: "(?P<says>[^"]+)" \}')
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
_SIZE = re.compile(r"\b(\d+\.\d) (KB|MB)\b")
_NOT_ASKED = ("Notice", "Warning", "Error", "Header", "Hidden", "Image", "Markdown")


class Undocumented(Exception):
    """Something that a user can name has no description."""


def write_pages(folder: Path, dataset: Any) -> dict[str, str]:
    """Write every page into a folder; return them by file name."""
    pages = {
        "operators.md": operators_page(dataset),
        "keys.md": keys_page(),
        "cli.md": cli_page(),
        "settings.md": settings_page(),
        "http.md": http_page(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text)
    return pages


def operators_page(dataset: Any) -> str:
    """Every operator, with the parameters of its form as it opens on this dataset."""
    from labelscape.operators import OPERATORS

    parts = [
        "# Operators",
        f"Press <kbd>`</kbd> in the App and type “Labelscape”. From Python, "
        f'`foo.execute_operator("{PREFIX}/<name>", ctx={{…}})` takes the parameters listed here. '
        "They are those of the form as it opens; some choices add more.",
    ]
    for kind in OPERATORS:
        operator = kind()
        require(operator.description, f"the operator {operator.operator_name}")
        parts.append(f"## `{operator.operator_name}`\n\n**{operator.label}.** {operator.description}.")
        rows = list(_form_rows(operator.operator_name, dataset))
        if rows:
            parts.append(_table(("parameter", "type", "meaning"), rows))
    return _page(parts)


def keys_page() -> str:
    """The keys of the panel, read from the TypeScript that handles them."""
    source = (ROOT / "plugin/web/src/explorer/keymap.ts").read_text()
    rows = [(f"<kbd>{found['key']}</kbd>", found["says"]) for found in _KEY.finditer(source)]
    if not rows:
        raise Undocumented("the keys in keymap.ts are not written as this script expects them")
    return _page(
        [
            "# Keys",
            "The keys of the data explorer panel; <kbd>?</kbd> shows them in the panel. They apply while the panel has "
            "the focus and no text field does.",
            _table(("key", "does"), rows),
        ]
    )


def cli_page() -> str:
    """Every command, as Typer documents it."""
    import typer
    import typer.cli
    from labelscape.cli import app

    command = typer.main.get_command(app)
    context = command.make_context("labelscape", [], resilient_parsing=True)
    text = typer.cli.get_docs_for_click(obj=command, ctx=context, name="labelscape")
    for name, one in sorted(command.commands.items()):  # type: ignore[attr-defined]
        require(one.help, f"the command labelscape {name}")
    return _NOTE + text.replace("# `labelscape`", "# Command line", 1)


def settings_page() -> str:
    """The settings of the backend, and the environment variables."""
    from labelscape.ml_backend.label_studio.settings import Limits, Pace, ServerSettings

    return _page(
        [
            "# Settings",
            "`labelscape connect` writes the backend's settings to `label-studio/settings.json` in the data folder "
            "(`labelscape doctor` names it). The backend applies changes without a restart.",
            _settings_table(ServerSettings),
            "## Limits",
            "The fields of the setting `limits`.",
            _settings_table(Limits),
            "## Pace",
            "The fields of the setting `pace`. Shorter times put more load on Label Studio.",
            _settings_table(Pace),
            "## Environment variables",
            _table(("variable", "meaning"), _ENVIRONMENT),
        ]
    )


def http_page() -> str:
    """The routes of the backend: those that Label Studio calls, and those of the actions."""
    from labelscape.ml_backend.server.actions_api import KEY_HEADER, openapi_document
    from labelscape.ml_backend.server.app import create_app

    paths = openapi_document()["paths"]
    rows = []
    for route in _routes(create_app):
        if re.sub(":int", "", route.path) in paths or route.path == "/v1/openapi.json":
            continue
        said = inspect.getdoc(route.endpoint) or ""
        require(said, f"the route {route.path}")
        rows.append((_methods(route.methods), f"`{route.path}`", " ".join(said.split("\n\n")[0].split())))
    parts = [
        "# HTTP API",
        "What `labelscape serve` answers. Every request needs the secret, as HTTP basic authentication or as the "
        "webhook's header, unless only this machine can reach the backend and no secret is set.",
        _table(("method", "route", "does"), rows),
        "## Actions",
        "`GET /v1/openapi.json` describes these routes as OpenAPI 3.1. An action starts a job, which is asked for its "
        "progress; its `/preview` says what it would do and changes nothing. To repeat a start whose answer was lost, "
        f"send the same `{KEY_HEADER}` again: a key returns the job that it started, as long as that job is "
        "remembered (an hour after its end, the last 1,000 jobs, and until the backend stops).",
    ]
    for path, operations in paths.items():
        for method, operation in operations.items():
            require(operation["summary"], f"the route {path}")
            parts.append(f"### `{method.upper()} {path}`\n\n{operation['summary']}.")
            fields = _body_rows(operation)
            if fields and not path.endswith("/preview"):
                parts.append(_table(("field", "type", "meaning"), fields))
    return _page(parts)


def _methods(methods: Iterable[str]) -> str:
    return ", ".join(sorted(set(methods) - {"HEAD"}))


def _body_rows(operation: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The fields of a request's body; those that every action takes are described by the schema, too."""
    if "requestBody" not in operation:
        return []
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    rows = []
    for name, field in schema["properties"].items():
        require(field.get("description"), f"the field {name} of {operation['operationId']}")
        kind = ", ".join(f"`{one}`" for one in field["enum"]) if "enum" in field else field.get("type", "")
        needed = "; required" if name in schema["required"] else ""
        rows.append((f"`{name}`", f"{kind or 'IDs or `all`'}{needed}", field["description"]))
    return rows


_ENVIRONMENT = [
    ("`LABELSCAPE_DIR`", "the data folder: vectors, trained heads, neighbor tables, and the backend's settings"),
    ("`LABELSCAPE_SECRET`", "the backend's secret; overrides the settings"),
    (
        "`LABELSCAPE_BACKEND`",
        "the address at which Label Studio reaches `labelscape serve`, for `connect` and `status`",
    ),
    ("`LABELSCAPE_SERVER`", "the address at which the app inside Label Studio finds `labelscape serve`"),
    ("`LABEL_STUDIO_URL`", "Label Studio's address; overrides the settings"),
    ("`LABEL_STUDIO_API_KEY`", "the access token of the backend's account in Label Studio; overrides the settings"),
    ("`LABELSCAPE_LOG`", "`console` writes the backend's log for people, one line each, instead of JSON"),
    ("`FIFTYONE_BRAIN_SIMILARITY_LANCEDB_URI`", "the folder or address of the LanceDB tables alone"),
    ("`FIFTYONE_DATABASE_URI`", "FiftyOne's own: the MongoDB to use"),
    ("`LABELSCAPE_VECTORS`", "the database of new embeddings: `lancedb`, `pgvector`, `milvus`, `qdrant`, …"),
    ("`LABELSCAPE_ENGINE`", "where embedding models run: `local`, `ray`, or `ray://host:10001`"),
    ("`LABELSCAPE_WORKERS`", "the number of workers on Ray"),
    ("`LABELSCAPE_MEDIA_ROOTS`", "addresses below which remote media are read, separated by spaces"),
    (
        "`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`",
        "the certificate authority that signed the certificates of Label Studio, of the backend, and of hosts of media",
    ),
]


def _form_rows(name: str, dataset: Any) -> Iterator[tuple[str, str, str]]:
    from fiftyone.operators.executor import ExecutionContext
    from fiftyone.operators.registry import OperatorRegistry

    operator = OperatorRegistry().get_operator(f"{PREFIX}/{name}")
    request = {"dataset_name": dataset.name, "params": {}, "selected": dataset.limit(1).values("id")}
    ctx = ExecutionContext(request_params=request, operator_uri=operator.uri)
    for parameter, prop in operator.resolve_input(ctx).to_json()["type"]["properties"].items():
        view = prop.get("view") or {}
        if _is_shown_only(prop):
            continue
        label = view.get("label") or prop.get("label") or ""
        require(label, f"the parameter {parameter} of {name}")
        yield f"`{parameter}`", _type_name(prop), _meaning(label, view.get("description") or "")


def _is_shown_only(prop: dict[str, Any]) -> bool:
    """Whether a form shows this and asks nothing: a notice, thumbnails, or an object that holds only such."""
    kind, view = prop["type"], prop.get("view") or {}
    if kind["name"] == "Object":
        return all(_is_shown_only(one) for one in kind["properties"].values())
    return kind["name"] == "Void" or str(view.get("name", "")).startswith(_NOT_ASKED)


def _type_name(prop: dict[str, Any]) -> str:
    choices = prop["type"].get("values")
    if choices and all(isinstance(choice, str) for choice in choices) and len(choices) <= 6:
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    names = {"Boolean": "yes or no", "String": "text", "Number": "number", "Enum": "a choice", "List": "list"}
    return names.get(prop["type"]["name"], prop["type"]["name"].lower())


def _meaning(label: str, description: str) -> str:
    text = f"{label}: {description}" if description else label
    # Sizes vary with the ids of the samples, which compress differently each time.
    return _SIZE.sub(lambda size: f"{round(float(size[1]))} {size[2]}", text)


def _settings_table(kind: type) -> str:
    described = {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(inspect.getdoc(kind) or "")}
    rows = []
    for field in dataclasses.fields(kind):
        require(described.get(field.name, ""), f"the setting {field.name}")
        rows.append((f"`{field.name}`", f"`{_default(field)}`", described[field.name].replace("``", "`")))
    return _table(("setting", "default", "meaning"), rows)


def _default(field: "dataclasses.Field[Any]") -> str:
    value = field.default if field.default is not dataclasses.MISSING else field.default_factory()  # type: ignore[misc]
    if dataclasses.is_dataclass(value):
        return "{}"
    return json.dumps(list(value) if isinstance(value, (tuple, frozenset)) else value)


def _routes(create_app: Any) -> list[Any]:
    from unittest.mock import MagicMock

    return [route for route in create_app(MagicMock(), MagicMock()).routes if hasattr(route, "endpoint")]


def require(text: str | None, owner: str) -> None:
    """Raise `Undocumented` if what `owner` names has no text."""
    if not (text or "").strip():
        raise Undocumented(f"{owner} has no description")


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _page(parts: list[str]) -> str:
    return _NOTE + "\n\n".join(parts) + "\n"


def reference_dataset(folder: Path) -> Any:
    """A small dataset with all that forms offer: labels, predictions, embeddings, a map, a segment, and a function."""
    import fiftyone as fo
    import labelscape as ls
    from labelscape.cli.digits import write_digits

    paths, digits = write_digits(folder, count=60)
    dataset = fo.Dataset()
    dataset.add_samples(
        fo.Sample(filepath=str(path), ground_truth=fo.Classification(label=str(digit)) if i < 40 else None)
        for i, (path, digit) in enumerate(zip(paths, digits, strict=True))
    )
    ls.embed(dataset, name="pixels", progress=False)
    ls.project(dataset, method="pca", name="pixels_pca", progress=False)
    return dataset
