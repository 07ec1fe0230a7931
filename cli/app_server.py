"""The FiftyOne App, served from the command line until Ctrl-C."""

import socket
import time
import webbrowser
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from urllib.parse import quote

import fiftyone as fo
import requests
import typer
from fiftyone.core.service import ServerService
from fiftyone.core.utils import to_slug

from ..ml_backend.errors import Refusal
from .plugin_link import install, installed_plugins

SECONDS_TO_START = 300


class PatientServer(ServerService):
    """FiftyOne's server with a longer timeout: version 1.22 gives up when a busy machine needs a minute to start it."""

    def _wait_for_child_port(self, port: int | None = None, timeout: int = SECONDS_TO_START) -> int:
        return int(super()._wait_for_child_port(port, timeout))


def serve_app(
    prepare: Callable[[], fo.Dataset],
    *,
    workspace: str,
    welcome: Callable[[fo.Dataset, str], str],
    port: int,
    address: str,
    browser: bool,
) -> None:
    """Prepare a dataset while the App starts, show it in a workspace, and keep running until Ctrl-C.

    Args:
        prepare: makes the dataset and its workspace ``workspace``
        welcome: returns the text to print once the App answers, given the dataset and its address

    Raises:
        Refusal: the port is taken, or the App does not answer
    """
    check_port(port, address)
    if not installed_plugins():
        typer.echo(install())
    # Only the server, without a FiftyOne session: a session (1.22) waits 10 s more if the server starts slowly.
    with ThreadPoolExecutor(1) as executor:
        starting = executor.submit(PatientServer, port, address=address, do_not_track=fo.config.do_not_track)
        try:
            dataset = prepare()
        except BaseException:
            starting.result().stop()
            raise
        server = starting.result()
    try:
        url = f"http://{'localhost' if address == '0.0.0.0' else address}:{port}"
        _wait_until_served(url)
        page = f"{url}/datasets/{quote(dataset.name)}?workspace={to_slug(workspace)}"
        typer.echo(welcome(dataset, page))
        if browser:
            webbrowser.open(page)
        server.wait()
    except KeyboardInterrupt:
        typer.echo("\nStopped. The dataset is kept, so the same command shows it again.")
    finally:
        server.stop()


def check_port(port: int, address: str) -> None:
    """Make sure that the App can be served here.

    Raises:
        Refusal: something else listens at the port, or the address does not belong to this machine
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise Refusal(
                f"Cannot serve the App at {address}:{port}: {error.strerror}. Choose another port with --port."
            ) from error


def explorer_workspace() -> fo.Space:
    """The samples beside the data explorer, with FiftyOne's own Embeddings panel in the next tab."""
    samples = fo.Panel(type="Samples", pinned=True)
    explorer, embeddings = fo.Panel(type="data_explorer"), fo.Panel(type="Embeddings")
    # Without an active child, the App (1.22) shows a panel's tab and leaves the panel empty.
    halves = [
        fo.Space(children=[samples], active_child=samples.component_id),
        fo.Space(children=[explorer, embeddings], active_child=explorer.component_id),
    ]
    return fo.Space(children=halves, orientation="horizontal")


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float, str], None]]:
    """Show a progress bar in the terminal while work reports to it."""
    steps = 1000
    with typer.progressbar(length=steps, label=label) as bar:

        def report(fraction: float, _message: str) -> None:
            bar.update(round(fraction * steps) - bar.pos)

        yield report
        bar.update(steps - bar.pos)


def _wait_until_served(url: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        with suppress(requests.ConnectionError):
            requests.get(f"{url}/fiftyone", timeout=SECONDS_TO_START)
            return
        time.sleep(0.1)
    raise Refusal(f"FiftyOne's App did not respond at {url} within {SECONDS_TO_START} s; try again.")
