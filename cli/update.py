"""Updating a dataset from the command line: for cron, and for scripts that add samples."""

import fiftyone as fo
import typer

from ..ml_backend.actions.new_data import update_dataset
from ..ml_backend.errors import Refusal


def run(*, dataset: str, embeddings: list[str]) -> None:
    """Embed, place, and score what is new in a dataset, and print what was done.

    Raises:
        Refusal: no such dataset, or nothing says what to update.
    """
    if not fo.dataset_exists(dataset):
        names = ", ".join(fo.list_datasets()) or "none yet"
        raise Refusal(f"There is no dataset '{dataset}'; there are: {names}")
    report = update_dataset(fo.load_dataset(dataset), embeddings or None)
    for sentence in report.sentences():
        typer.echo(f"✓ {sentence}")
    for sentence in (*report.functions.skipped, *report.skipped):
        typer.secho(f"! {sentence}", fg=typer.colors.YELLOW, err=True)
    if not report.sentences() and not report.skipped:
        typer.echo("✓ Everything is up to date.")
