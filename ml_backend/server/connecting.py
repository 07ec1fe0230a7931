"""Connect a Label Studio project: register backend and webhook there, and check that both sides reach each other."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import requests

from ..label_studio.client import LabelStudio, LabelStudioError
from ..label_studio.config import read_label_config
from ..label_studio.publishing import VERSION_STEM, connected_backend, next_version
from ..label_studio.settings import ServerSettings, ensure_secret, load_settings, save_settings
from .guard import SECRET_HEADER

USER = "labelscape"  # of basic authentication; only its password counts
_SECONDS = 5.0
_REFUSED_ADDRESS = "reserved network address"
_STATES = {"CO": "connected", "DI": "disconnected", "ER": "error", "TR": "training", "PR": "predicting"}


@dataclass(frozen=True)
class Connection:
    """What connecting a project set, in sentences for the user."""

    project: int
    title: str
    sentences: list[str]


def connect(url: str, token: str, project: int, backend_url: str) -> Connection:
    """Register the backend and its webhook with a project, and remember it in the settings.

    Can be repeated: what is there already is mended, nothing is made twice.

    Raises:
        ValueError: Label Studio, the token, the project or the running backend is not as needed; the message says
            what to change.
    """
    address = url.rstrip("/")
    studio = LabelStudio(address, token)
    me = studio.whoami()
    info = studio.project(project)
    control = read_label_config(info["label_config"])
    _leave_former_server(address)
    settings = dataclasses.replace(ensure_secret(load_settings()), url=address, token=token)
    saved = load_settings({})  # what the environment says stays there
    save_settings(dataclasses.replace(saved, url=settings.url, token=token, projects=saved.projects | {project}))
    check_backend(backend_url, settings)
    sentences = [
        f"{settings.url} takes the token; we are {me['email']} there.",
        f"Project {project} “{info['title']}”: “{control.from_name}” with {len(control.classes)} classes is filled in.",
    ]
    backend = _register_backend(studio, settings, project, info, backend_url)
    sentences.append(f"The backend is registered as “{backend['title']}”, and Label Studio reaches it.")
    sentences.append(_register_webhook(studio, settings, project, backend_url))
    if info.get("model_version") != backend["title"]:
        studio.update_project(project, model_version=backend["title"])
        was = f" (it was “{info['model_version']}”)" if info.get("model_version") else ""
        sentences.append(f"The project now shows the predictions of “{backend['title']}”{was}.")
    return Connection(project, str(info["title"]), sentences)


def _leave_former_server(url: str) -> None:
    """Another Label Studio has other projects of the same numbers, and the former one still knows our secret."""
    saved = load_settings({})
    if saved.url and saved.url != url:
        save_settings(dataclasses.replace(saved, url=url, token="", secret="", projects=frozenset()))


def check_backend(backend_url: str, settings: ServerSettings) -> None:
    """Raise a ValueError with the mend unless our own server answers there, with our secret."""
    try:
        answer = requests.get(
            f"{backend_url}/health", auth=(USER, settings.secret), timeout=_SECONDS, allow_redirects=False
        )
    except requests.RequestException as error:
        raise ValueError(
            f"No Labelscape backend answers at {backend_url} ({type(error).__name__}): start it in another terminal "
            "with “labelscape serve”, then run this command again. What you gave is remembered."
        ) from error
    if answer.status_code == requests.codes.unauthorized:
        raise ValueError(
            f"The backend at {backend_url} runs with another secret: restart “labelscape serve”, which reads the "
            "settings anew, then run this command again."
        )
    if not answer.ok:
        raise ValueError(f"{backend_url}/health answers {answer.status_code}: is that “labelscape serve”?")


def _register_backend(
    studio: LabelStudio, settings: ServerSettings, project: int, info: dict[str, Any], backend_url: str
) -> dict[str, Any]:
    held = connected_backend(studio, project)
    # An earlier version goes on: its predictions are still the ones shown.
    current = str(info.get("model_version") or "")
    title = held["title"] if held else current if current.startswith(VERSION_STEM) else next_version("")
    wanted = {
        "project": project,
        "title": title,
        "url": backend_url,
        "description": "Labelscape: pre-annotations from what is labeled already",
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": USER,
        "basic_auth_pass": settings.secret,
        "is_interactive": False,
    }
    try:
        backend = studio.update_backend(held["id"], wanted) if held else studio.create_backend(wanted)
    except LabelStudioError as error:
        raise _refusal(error, backend_url) from error
    if backend.get("state") not in (None, "CO"):
        state = _STATES.get(backend["state"], backend["state"])
        raise ValueError(f"Label Studio holds {backend_url} for {state}: {backend.get('error_message') or ''}")
    return {**backend, "title": title}


def _register_webhook(studio: LabelStudio, settings: ServerSettings, project: int, backend_url: str) -> str:
    """Label Studio makes a webhook for a backend by itself, without the secret: that one is taken over."""
    address = f"{backend_url}/webhook"
    held = [webhook for webhook in studio.webhooks(project) if webhook["url"].rstrip("/") == address]
    wanted = {
        "project": project,
        "url": address,
        "send_payload": True,
        "send_for_all_actions": True,
        "headers": {SECRET_HEADER: settings.secret},
        "is_active": True,
    }
    try:
        if held:
            studio.update_webhook(held[0]["id"], wanted)
        else:
            studio.create_webhook(wanted)
    except LabelStudioError as error:
        raise _refusal(error, backend_url) from error
    for double in held[1:]:
        studio.delete_webhook(double["id"])
    return "Its webhook carries the secret: each annotation improves the predictions of its neighbors."


def _refusal(error: LabelStudioError, backend_url: str) -> ValueError:
    if _REFUSED_ADDRESS not in str(error):
        return ValueError(f"Label Studio did not take the backend at {backend_url}. {error}")
    return ValueError(
        f"Label Studio refuses to call {backend_url}, because it is a private address. Start Label Studio with\n"
        "    USE_DEFAULT_BANNED_SUBNETS=false USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16\n"
        "which keeps the cloud's metadata address blocked, then run this command again."
    )
