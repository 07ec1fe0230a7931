"""Code and tests stay readable: no file over 400 lines, no function of the package over 40 without its docstring."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
FOLDERS = ("ml_backend", "operators", "plugin", "cli", "testing", "tests", "benchmarks", "scripts")
NOT_OURS = {"node_modules", "dist"}
FILE_LINES, FUNCTION_LINES, POSITIONAL = 400, 40, 7
OPERATOR_LINES = 120  # name, form, and message; more belongs to an action, or to the parts of forms
# Typer makes an option of each parameter; Numba compiles loops over arrays, not over objects that have them.
TAKE_MANY = ("app.command", "numba.njit", "_compiled")


def sources(*endings: str) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in endings and not NOT_OURS & set(path.parts):
                yield path


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield the functions of the package; a test in the App may tell a longer story from start to end."""
    for path in sources(".py"):
        if TESTS in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    has_docstring = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def test_no_file_is_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): path.read_text().count("\n") for path in sources(".py", ".ts", ".tsx", ".css")
    }
    assert len(lengths) > 600
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_long() -> None:
    lengths = {name: body_lines(function) for name, function in functions()}
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def test_no_function_takes_many_parameters_by_position() -> None:
    counts = {
        name: sum(one.arg not in ("self", "cls") for one in function.args.posonlyargs + function.args.args)
        for name, function in functions()
        if not any(ast.unparse(one).startswith(TAKE_MANY) for one in function.decorator_list)
    }
    assert {name: count for name, count in counts.items() if count > POSITIONAL} == {}


def test_no_menu_entry_does_more_than_ask_and_report() -> None:
    operators = {
        path.name: text.count("\n")
        for path in sorted((ROOT / "operators").glob("*.py"))
        if "(LabelscapeOperator)" in (text := path.read_text())
    }
    assert len(operators) > 40
    assert {name: lines for name, lines in operators.items() if lines > OPERATOR_LINES} == {}
