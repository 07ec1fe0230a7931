"""Connect a Label Studio project: register backend and webhook there, and check that both sides reach each other."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from ..certificates import trusted_certificates
from ..embedding.base import UnreadableMedium
from ..errors import Refusal
from ..label_studio.client import LabelStudio, LabelStudioError
from ..label_studio.config import Control, additional_controls, read_label_config, unfilled_controls
from ..label_studio.media import MediaCache
from ..label_studio.publishing import VERSION_STEM, connected_backend, next_version
from ..label_studio.settings import (
    ServerSettings,
    ensure_secret,
    load_settings,
    parse_address,
    same_address,
    save_settings,
)
from ..label_studio.spans import NOTHING
from ..label_studio.task_media import obtain, task_medium
from ..label_studio.task_menu import COMMANDS, add_menu
from ..label_studio.windows import cut_windows
from ..wording import agree, count, listing
from .guard import SECRET_HEADER
from .project_model import project_model

USER = "labelscape"  # user name for basic authentication; only the password is checked
_SECONDS = 5.0
_MEDIA_TRIED = 5
_REFUSED_ADDRESS = "reserved network address"
_STATES = {"CO": "connected", "DI": "disconnected", "ER": "error", "TR": "training", "PR": "predicting"}


@dataclass(frozen=True)
class Connection:
    """The result of connecting a project, in sentences: what was set up, and warnings about what will not work."""

    project: int
    title: str
    sentences: list[str]
    warnings: list[str]


def connect(url: str, token: str, project: int | None, backend_url: str, *, menu: bool = False) -> Connection:
    """Register the backend and its webhook with a project, and save it in the settings.

    Can be repeated: existing registrations are corrected, and nothing is created twice.

    Args:
        url: Label Studio's address, or that of one of its pages.
        token: of an account that may change the project.
        project: its number; None = the one whose page ``url`` is.
        backend_url: where Label Studio reaches `labelscape serve`.
        menu: add the menu on each task (`task_menu`) to the label config, for a Label Studio without our app.

    Raises:
        Refusal: something about Label Studio, the token, the project, or the backend is wrong; the message says what to
            change.
    """
    address, shown = parse_address(url)
    project = shown if project is None else project
    if project is None:
        raise Refusal("Name the project: --project and its number, or the address of one of its pages as --url.")
    studio = LabelStudio(address, token)
    me = studio.whoami()
    info = studio.project(project)
    control = read_label_config(info["label_config"])
    config = _config_with_menu(info["label_config"], control) if menu else info["label_config"]
    filled = [control, *additional_controls(info["label_config"], control)]
    former, secret_before = load_settings({}).url, load_settings().secret
    settings = _remember(address, token, project, str(info["created_at"]))
    check_backend(backend_url, settings)
    sentences = [
        f"{settings.url} accepts the token; we are {me['email']} there.",
        f"Project {project} “{info['title']}”: {listing([_offer(filled_control) for filled_control in filled])} "
        f"{agree(len(filled), 'is')} filled in.",
    ]
    if len(filled) > 1:
        sentences.append(
            f"Columns, the map, and actions use “{control.from_name}”; predictions cover all that is filled in."
        )
    backend = _register_backend(studio, settings, project, info, backend_url)
    sentences.append(f"The backend is registered as “{backend['title']}”, and Label Studio can reach it.")
    sentences.append(_register_webhook(studio, settings, project, backend_url))
    if config != info["label_config"]:
        studio.update_project(project, label_config=config)
    if menu:
        sentences.append(
            f"Each task has a menu under “Labelscape”: {listing([f'“{command}”' for command in COMMANDS])}."
        )
    if info.get("model_version") != backend["title"]:
        studio.update_project(project, model_version=backend["title"])
        was = f" (it was “{info['model_version']}”)" if info.get("model_version") else ""
        sentences.append(f"The project now shows the predictions of “{backend['title']}”{was}.")
    warnings = [*_changed_secret(former, secret_before, settings.secret), *_warnings(studio, settings, info, filled)]
    return Connection(project, str(info["title"]), sentences, warnings)


def _config_with_menu(config: str, control: Control) -> str:
    if control.boxes:
        raise Refusal(
            "The menu on the task works on whole tasks, but this project labels regions inside them: connect it "
            "without --stock."
        )
    return add_menu(config, control.to_name)


def _remember(address: str, token: str, project: int, created_at: str) -> ServerSettings:
    """Save the connection, and return the settings in use, including it."""
    saved = _same_server_or_new(load_settings({}), address, project, created_at)
    save_settings(saved)
    settings = dataclasses.replace(ensure_secret(load_settings()), url=saved.url, token=token)
    saved = load_settings({})  # without values from the environment
    save_settings(dataclasses.replace(saved, url=settings.url, token=token, projects=saved.projects | {project}))
    return settings


def _same_server_or_new(saved: ServerSettings, address: str, project: int, created_at: str) -> ServerSettings:
    """The saved settings; the new address becomes an alias if it names the same Label Studio, else they are emptied.

    Another Label Studio has other projects with the same IDs, and the former one still knows our secret.
    """
    if not saved.url or saved.url == address or address in saved.aliases:
        return saved if saved.url else dataclasses.replace(saved, url=address)
    if same_address(saved.url, address) or _shows_project(saved, project, created_at):
        return dataclasses.replace(saved, aliases=(*saved.aliases, address))
    return dataclasses.replace(saved, url=address, aliases=(), token="", secret="", projects=frozenset())


def _shows_project(saved: ServerSettings, project: int, created_at: str) -> bool:
    """Whether the saved Label Studio has the same project, checked with the given token."""
    if not saved.token:
        return False
    try:
        return str(LabelStudio(saved.url, saved.token).project(project)["created_at"]) == created_at
    except LabelStudioError:
        return False


def _changed_secret(former: str, before: str, now: str) -> list[str]:
    """What to do if the former Label Studio, with our app, still has the old secret."""
    if before in ("", now):
        return []
    return [
        f"The backend has a new secret, because it served {former} before. If your Label Studio runs the "
        "Labelscape app, restart it with “labelscape label-studio”."
    ]


def _offer(control: Control) -> str:
    offered = [name for name in control.classes if name != NOTHING]
    return f"“{control.from_name}” with {count(len(offered), 'class')}"


def _warnings(
    studio: LabelStudio, settings: ServerSettings, info: dict[str, Any], filled: Sequence[Control]
) -> list[str]:
    """Warnings about what will not be served although the project is connected."""
    control = filled[0]
    warnings = [f"Not filled in: {other}." for other in unfilled_controls(info["label_config"], control)]
    if note := project_model(settings, control.task_object.modality).note:
        warnings.append(note)
    nested = next((control for control in filled if not control.takes_imports), None)
    if nested is not None:
        warnings.append(
            f"“{nested.from_name}” has nested choices, whose predictions Label Studio takes one at a time, about five "
            "a second: the least certain come first, and a task that is opened gets its own at once."
        )
    warnings += [
        f"“{control.from_name}” has {count(len(control.classes), 'class')}: nothing can be suggested until it has two."
        for control in filled
        if len(control.classes) < 2
    ]
    return [*warnings, *_media_warnings(studio, settings, int(info["id"]), control)]


def _media_warnings(studio: LabelStudio, settings: ServerSettings, project: int, control: Control) -> list[str]:
    """Why the first tasks get no suggestions; files in cloud storage are not tried."""
    cache = MediaCache(settings, studio.headers)
    warnings: list[str] = []
    for task in studio.first_tasks(project, _MEDIA_TRIED):
        medium = task_medium(control.task_object, task)
        if "/presign/" in medium.address:
            continue
        try:
            [obtained] = obtain([medium], control.task_object, cache.fetch_many, None)
            if control.windows and isinstance(obtained, dict):
                cut_windows(control, obtained, settings.cut)
        except Refusal as error:  # a package is missing: it is for every task
            return [*warnings, str(error)]
        except UnreadableMedium as error:
            warnings.append(f"Task {task['id']} gets no suggestion: {error}.")
            continue
        if isinstance(obtained, ValueError):
            warnings.append(f"Task {task['id']} gets no suggestion: {obtained}")
    return warnings


def check_backend(backend_url: str, settings: ServerSettings) -> None:
    """Raise a Refusal that says what to do unless our own server answers there, with our secret."""
    try:
        answer = httpx.get(
            f"{backend_url}/health", auth=(USER, settings.secret), timeout=_SECONDS, verify=trusted_certificates()
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refusal(
            f"No Labelscape backend responds at {backend_url} ({type(error).__name__}): start it in another terminal "
            "with “labelscape serve”, then run this command again. Your input has been saved."
        ) from error
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise Refusal(" ".join([f"The backend at {backend_url} cannot work now.", *_problems(answer)]))
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise Refusal(
            f"The backend at {backend_url} runs with another secret: restart “labelscape serve”, which rereads the "
            "settings, then run this command again."
        )
    if not answer.is_success:
        raise Refusal(f"{backend_url}/health answers with status {answer.status_code}: is that “labelscape serve”?")


def _problems(answer: httpx.Response) -> list[str]:
    try:
        return [str(problem) for problem in answer.json()["problems"]]
    except (ValueError, KeyError, TypeError):
        return []


def _register_backend(
    studio: LabelStudio, settings: ServerSettings, project: int, info: dict[str, Any], backend_url: str
) -> dict[str, Any]:
    registered = connected_backend(studio, project)
    # Keep an earlier version: its predictions are still the ones shown.
    current = str(info.get("model_version") or "")
    title = registered["title"] if registered else current if current.startswith(VERSION_STEM) else next_version("")
    target = {
        "project": project,
        "title": title,
        "url": backend_url,
        "description": "Labelscape: pre-annotations based on existing labels",
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": USER,
        "basic_auth_pass": settings.secret,
        "is_interactive": False,
    }
    try:
        backend = studio.update_backend(registered["id"], target) if registered else studio.create_backend(target)
    except LabelStudioError as error:
        raise _refusal(error, backend_url) from error
    if backend.get("state") not in (None, "CO"):
        state = _STATES.get(backend["state"], backend["state"])
        raise Refusal(f"Label Studio shows {backend_url} as {state}: {backend.get('error_message') or ''}")
    return {**backend, "title": title}


def _register_webhook(studio: LabelStudio, settings: ServerSettings, project: int, backend_url: str) -> str:
    """Label Studio creates a webhook for a backend by itself, without the secret: reuse that one."""
    address = f"{backend_url}/webhook"
    registered = [webhook for webhook in studio.webhooks(project) if webhook["url"].rstrip("/") == address]
    target = {
        "project": project,
        "url": address,
        "send_payload": True,
        "send_for_all_actions": True,
        "headers": {SECRET_HEADER: settings.secret},
        "is_active": True,
    }
    try:
        if registered:
            studio.update_webhook(registered[0]["id"], target)
        else:
            studio.create_webhook(target)
    except LabelStudioError as error:
        raise _refusal(error, backend_url) from error
    for double in registered[1:]:
        studio.delete_webhook(double["id"])
    return "Its webhook carries the secret: each annotation improves the predictions of its neighbors."


def _refusal(error: LabelStudioError, backend_url: str) -> Refusal:
    if _REFUSED_ADDRESS not in str(error):
        return Refusal(f"Label Studio did not accept the backend at {backend_url}. {error}")
    return Refusal(
        f"Label Studio refuses to call {backend_url}, because it is a private address. Start Label Studio with\n"
        "    USE_DEFAULT_BANNED_SUBNETS=false USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16\n"
        "which keeps the cloud's metadata address blocked, then run this command again."
    )
