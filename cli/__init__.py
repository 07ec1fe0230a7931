"""The command line `labelscape`: look whether all is well, install the plugin, see the demo, serve Label Studio."""

from importlib.metadata import version
from typing import Annotated

import typer

app = typer.Typer(
    help="Labelscape, the data explorer for FiftyOne and Label Studio.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def _print_version(asked: bool) -> None:
    if asked:
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
    """Check everything Labelscape stands on, and say how to mend what is broken.

    Looks at MongoDB, PyTorch, the plugin as FiftyOne sees it, the place of the vectors, the model hubs and
    the graphics card. Ends with code 1 when something essential is broken.
    """
    from .doctor import CHECKS, report

    raise typer.Exit(report(check() for check in CHECKS))


@app.command("install-plugin")
def link_plugin() -> None:
    """Put a link to this package into FiftyOne's plugins folder, so that the App shows Labelscape.

    Overwrites nothing: where another copy of the plugin is installed, says where and how to remove it.
    """
    from .plugin_link import install

    try:
        typer.echo(install())
    except ValueError as error:
        _fail(error)


@app.command("demo")
def run_demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The App is served at this port.")] = 5151,
    address: Annotated[
        str, typer.Option(help="The App listens at this address; 0.0.0.0 lets other machines in.")
    ] = "localhost",
    browser: Annotated[bool, typer.Option(help="Open the App in a browser.")] = True,
    reset: Annotated[
        bool,
        typer.Option("--reset", help="Make the demo's dataset anew; labels given in it are lost."),
    ] = False,
) -> None:
    """Show 1,797 real handwritten digits on a map in the FiftyOne App, most of them still to be labeled.

    Needs no network. The dataset is kept, so a second run starts at once; stop it with Ctrl-C.
    """
    from .demo import run

    try:
        run(port=port, address=address, browser=browser, reset=reset)
    except ValueError as error:
        _fail(error)


@app.command("serve")
def run_serve(
    host: Annotated[
        str, typer.Option(help="The backend listens at this address; another than loopback needs $LABELSCAPE_SECRET.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="And at this port; 0 = a free one.")] = 9090,
) -> None:
    """Serve the Label Studio backend: pre-annotations that improve with each annotation. “connect” adds projects.

    Every request has to show the secret, which is made at the first start. Stop it with Ctrl-C or SIGTERM.
    """
    from .serve import run

    try:
        run(host=host, port=port)
    except ValueError as error:
        _fail(error)


@app.command("connect")
def run_connect(
    project: Annotated[int, typer.Option(help="The project's number: it is in its address, /projects/3/.")],
    url: Annotated[str, typer.Option(envvar="LABEL_STUDIO_URL", help="Label Studio's address.")],
    token: Annotated[
        str,
        typer.Option(
            envvar="LABEL_STUDIO_API_KEY",
            prompt="Token (Label Studio: Account & Settings, Personal Access Token)",
            hide_input=True,
            help="A personal access token or a legacy token; asked for where it is not given.",
        ),
    ],
    backend: Annotated[
        str, typer.Option(help="The address at which Label Studio reaches “labelscape serve”.")
    ] = "http://127.0.0.1:9090",
) -> None:
    """Connect a Label Studio project: its tasks open with pre-annotations from what is labeled already.

    Registers the backend and its webhook with the project. “labelscape serve” has to run. Can be repeated.
    """
    from ..ml_backend.server.connecting import connect

    try:
        connection = connect(url, token, project, backend.rstrip("/"))
    except ValueError as error:
        _fail(error)
    else:
        for sentence in connection.sentences:
            typer.echo(f"✓ {sentence}")


def _fail(error: ValueError) -> None:
    typer.secho(f"✗ {error}", fg=typer.colors.RED, err=True)
    raise typer.Exit(1) from error
