"""The command line `labelscape`: check the setup, install the plugin, explore a folder, serve Label Studio."""

from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ..ml_backend.errors import Refusal
from .models import app as models_app
from .refusals import Commands

BACKEND = "http://127.0.0.1:9090"

app = typer.Typer(
    cls=Commands,
    help="Labelscape, the data explorer for FiftyOne and Label Studio.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_show_locals=False,
)
app.add_typer(models_app, name="model")


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"labelscape {version('labelscape')}")
        raise typer.Exit


@app.callback()
def main(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Labelscape, the data explorer for FiftyOne and Label Studio."""


@app.command("doctor")
def run_doctor() -> None:
    """Check everything Labelscape depends on, and say how to fix what is broken.

    Checks MongoDB, PyTorch, the plugin as FiftyOne sees it, where the vectors are kept, the model hubs, and
    the GPU. Exits with code 1 if something essential is broken.
    """
    from .doctor import CHECKS, report

    raise typer.Exit(report(check() for check in CHECKS))


@app.command("install-plugin")
def link_plugin() -> None:
    """Link this package into FiftyOne's plugins folder, so that the App shows Labelscape.

    Overwrites nothing: if another copy of the plugin is installed, says where it is and how to remove it.
    """
    from .plugin_link import install

    typer.echo(install())


@app.command("demo")
def run_demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve the App at.")] = 5151,
    address: Annotated[
        str, typer.Option(help="Address to serve the App at; 0.0.0.0 makes it accessible to other machines.")
    ] = "localhost",
    browser: Annotated[bool, typer.Option(help="Open the App in a browser.")] = True,
    reset: Annotated[
        bool,
        typer.Option("--reset", help="Recreate the demo dataset; labels set in it are lost."),
    ] = False,
    kind: Annotated[
        str, typer.Option(help="Kind of medium: image (real digits), or synthetic audio, series, or text.")
    ] = "image",
) -> None:
    """Show 1,797 real handwritten digits on a map in the FiftyOne App, most of them not labeled yet.

    With --kind audio, series, or text: synthetic sounds, accelerometer windows, or requests to a shop.
    Needs no network. The dataset is kept, so a second run starts right away. Press Ctrl-C to stop.
    """
    from . import demo, media_demo

    if kind == "image":
        demo.run(port=port, address=address, browser=browser, reset=reset)
    elif kind in media_demo.DEMOS:
        media_demo.run(media_demo.DEMOS[kind], port=port, address=address, browser=browser, reset=reset)
    else:
        raise Refusal(f"--kind is '{kind}'; it must be one of: image, {', '.join(media_demo.DEMOS)}.")


@app.command("import")
def import_command(
    source: Annotated[Path, typer.Argument(help="Folder of files, at any depth, or a CSV or Parquet table.")],
    kind: Annotated[str, typer.Option(help="Kind of medium: audio, series, or text.")],
    name: Annotated[str, typer.Option(help="Name of the dataset; the folder's or file's by default.")] = "",
    column: Annotated[str | None, typer.Option(help="Column of a table with the paths or texts.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of a table with the labels.")] = None,
    label_field: Annotated[str, typer.Option(help="Field for the labels.")] = "ground_truth",
    labels: Annotated[
        bool, typer.Option("--labels-from-folders", help="Take the name of each file's folder as its label.")
    ] = False,
    rate: Annotated[
        float | None, typer.Option(help="Sampling rate of series in Hz, if there is no time column.")
    ] = None,
    channels: Annotated[
        str,
        typer.Option(help="Columns of series that are channels, separated by commas; all numeric columns by default."),
    ] = "",
    window: Annotated[float | None, typer.Option(help="Slice recordings into windows of this many seconds.")] = None,
    hop: Annotated[float | None, typer.Option(help="Seconds between the starts of two windows.")] = None,
) -> None:
    """Create a dataset from recordings, time series, or texts; each sample shows a card of its medium.

    Nothing is copied or changed in the source. Run it again after adding files: only new ones are imported.
    """
    from ..ml_backend.actions.medium_sources import Source
    from .importing import run_import

    names = tuple(channel.strip() for channel in channels.split(",") if channel.strip())
    run_import(
        Source(source, kind, column, label_column, labels, rate, names, window, hop),  # type: ignore[arg-type]
        name,
        label_field,
    )


@app.command("slice")
def slice_command(
    dataset: Annotated[str, typer.Argument(help="Name of a dataset of recordings or series.")],
    length: Annotated[float, typer.Option(help="Length of a window in seconds.")],
    hop: Annotated[float | None, typer.Option(help="Seconds between the starts of two windows.")] = None,
    name: Annotated[str, typer.Option(help="Name of the new dataset; “<old>-windows” by default.")] = "",
) -> None:
    """Slice long recordings into windows: a dataset in which each window is a sample with source, start, and end."""
    from .importing import run_slice

    run_slice(dataset, length, hop, name)


@app.command("segments")
def segments_command(
    dataset: Annotated[str, typer.Argument(help="Name of a dataset of windows.")],
    file: Annotated[Path, typer.Argument(dir_okay=False, help="CSV file to write.")],
    field: Annotated[str, typer.Option(help="Field with the labels of the windows.")] = "ground_truth",
) -> None:
    """Merge the labels of neighboring windows into segments of their recordings, and write them to a CSV file."""
    from .importing import run_segments

    run_segments(dataset, file, field)


@app.command("explore")
def run_explore(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, resolve_path=True, help="Folder of images, at any depth.")
    ],
    name: Annotated[str, typer.Option(help="Name of the dataset; the folder's by default.")] = "",
    model: Annotated[str, typer.Option(help="Embedding model, such as torchvision/resnet18.")] = "preprocessing",
    weights: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File with the model's weights, instead of a hub.")
    ] = None,
    labels: Annotated[
        bool, typer.Option("--labels-from-folders", help="Take each image's folder name as its label.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve the App at.")] = 5151,
    address: Annotated[
        str, typer.Option(help="Address to serve the App at; 0.0.0.0 makes it accessible to other machines.")
    ] = "localhost",
    browser: Annotated[bool, typer.Option(help="Open the App in a browser.")] = True,
) -> None:
    """Explore a folder of images: create a dataset, embed it, map it, and open the App at its map.

    Nothing is copied or changed in the folder. Run it again after adding images: only new ones are embedded.
    """
    from .explore import Exploration, run

    exploration = Exploration(folder, name or folder.name, model, weights, labels)
    run(exploration, port=port, address=address, browser=browser)


@app.command("update")
def run_update(
    dataset: Annotated[str, typer.Argument(help="Name of the FiftyOne dataset.")],
    embeddings: Annotated[
        list[str] | None, typer.Option(help="Embeddings to update; repeat for several. Default: those of functions.")
    ] = None,
) -> None:
    """Bring a dataset up to date: embed new samples, place them on the maps, and score them with every function.

    Suitable for cron: only new samples are computed and written, and an immediate second run changes nothing.
    """
    from .update import run

    run(dataset=dataset, embeddings=embeddings or [])


@app.command("serve")
def run_serve(
    host: Annotated[
        str, typer.Option(help="Address to serve at; any address but loopback needs $LABELSCAPE_SECRET.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve at; 0 picks a free one.")] = 9090,
) -> None:
    """Serve the Label Studio backend: pre-annotations that improve with each annotation. “connect” adds projects.

    Every request must carry the secret, which is generated at the first start. Stop it with Ctrl-C or SIGTERM.
    """
    from .serve import run

    run(host=host, port=port)


@app.command("connect")
def run_connect(
    url: Annotated[
        str, typer.Option(envvar="LABEL_STUDIO_URL", help="Label Studio's address, or that of the project's page.")
    ],
    token: Annotated[
        str,
        typer.Option(
            envvar="LABEL_STUDIO_API_KEY",
            prompt="Token (Label Studio: Account & Settings, Personal Access Token)",
            hide_input=True,
            help="A personal access token or a legacy token; prompted for if it is not given.",
        ),
    ],
    project: Annotated[
        int | None,
        typer.Option(
            help="The project's number, as in its address, /projects/3/. Not needed if --url already contains it."
        ),
    ] = None,
    backend: Annotated[
        str,
        typer.Option(envvar="LABELSCAPE_BACKEND", help="The address at which Label Studio reaches “labelscape serve”."),
    ] = BACKEND,
    stock: Annotated[
        bool,
        typer.Option(
            "--stock",
            help="Add a menu with “Label neighbors” to each task, for a Label Studio that cannot load our app.",
        ),
    ] = False,
) -> None:
    """Connect a Label Studio project: its tasks then open with pre-annotations from the labels so far.

    Registers the backend and its webhook with the project. “labelscape serve” must be running. Safe to repeat.
    """
    from ..ml_backend.server.connecting import connect

    connection = connect(url, token, project, backend.rstrip("/"), menu=stock)
    for sentence in connection.sentences:
        typer.echo(f"✓ {sentence}")
    for warning in connection.warnings:
        typer.secho(f"! {warning}", fg=typer.colors.YELLOW)


@app.command("label-studio", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_label_studio(
    context: typer.Context,
    program: Annotated[
        str | None, typer.Option("--label-studio", help="Label Studio's command; by default the one on the PATH.")
    ] = None,
    backend: Annotated[
        str, typer.Option(envvar="LABELSCAPE_SERVER", help="The address at which “labelscape serve” listens.")
    ] = BACKEND,
    print_settings: Annotated[
        bool, typer.Option("--print-settings", help="Print the settings instead, to start Label Studio yourself.")
    ] = False,
) -> None:
    """Start Label Studio with the Labelscape app: its actions, columns, and panels inside Label Studio.

    Other options go to “label-studio start”, such as --port 8080. “labelscape serve” does the work; connect a project
    with “labelscape connect”. With --print-settings, the secret of the backend is printed, too.
    """
    from .label_studio import settings_lines, start

    if print_settings:
        typer.echo("\n".join(settings_lines(backend.rstrip("/"))))
    else:
        start(program, context.args, backend.rstrip("/"))


@app.command("status")
def run_status(
    project: Annotated[int | None, typer.Option(help="List what is wrong in this project, task by task.")] = None,
    backend: Annotated[
        str, typer.Option(envvar="LABELSCAPE_BACKEND", help="The address of “labelscape serve”.")
    ] = BACKEND,
    dismiss: Annotated[
        bool, typer.Option("--dismiss", help="Dismiss the project's notices about label config changes.")
    ] = False,
) -> None:
    """Show the state of the Label Studio backend: its queue, and each project's last success and last error.

    With --project, also list every task without a medium, with the reason, and the notices about label config changes.
    """
    from ..ml_backend.label_studio.settings import load_secret
    from ..ml_backend.server.inspecting import backend_lines, dismiss_notices, project_lines

    address = backend.rstrip("/")
    secret = load_secret()
    if dismiss:
        if project is None:
            raise Refusal("Specify which project's notices to dismiss, for example --project 3.")
        dismiss_notices(secret, address, project)
    lines = backend_lines(secret, address) if project is None else project_lines(secret, address, project)
    typer.echo("\n".join(lines))


class Shell(str, Enum):
    """Shells that complete commands."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


@app.command("completion")
def print_completion(
    shell: Annotated[Shell, typer.Argument(help="The shell to complete commands and options in.")],
) -> None:
    """Print the script with which a shell completes commands and options.

    For this session of Bash: source <(labelscape completion bash). --install-completion makes it permanent.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # imported there

    script = get_completion_script(prog_name="labelscape", complete_var="_LABELSCAPE_COMPLETE", shell=shell.value)
    typer.echo(script)
