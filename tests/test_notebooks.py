"""The notebooks run from their first cell to their last, as a reader runs them."""

from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
ALONE = ["quickstart", "wrong-labels", "few-clicks"]
WITH_LABEL_STUDIO = "confusion-to-label-studio"


def run(name: str) -> str:
    """Execute a notebook; return all that it printed or showed as text."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(str(output.get("text") or output.get("data", {}).get("text/plain", "")) for output in outputs)


def test_every_notebook_is_run_here():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == {*ALONE, WITH_LABEL_STUDIO}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONE)
def test_a_notebook_runs_by_itself(database, name):
    assert "Traceback" not in run(name)


@pytest.mark.slow
def test_the_way_to_label_studio_and_back(database, label_studio, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.token)
    assert "Undid" in run(WITH_LABEL_STUDIO)
