"""The settings of the Label Studio backend: where Label Studio is, its secrets, its projects and its limits."""

import dataclasses
import json
import math
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from ..embedding import find_family, register
from ..errors import Refusal
from ..store.settings import data_directory
from ..store.zoo_models import ZOO
from .decisions import RULES, Rule
from .spans import Cut

register(ZOO)  # the settings may name a model of FiftyOne's zoo

SECRET_VARIABLE = "LABELSCAPE_SECRET"
URL_VARIABLE = "LABEL_STUDIO_URL"
TOKEN_VARIABLE = "LABEL_STUDIO_API_KEY"

T = TypeVar("T")
_NUMBER = (int, float)
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
# The pages of Label Studio (1.23) whose address somebody may copy.
_PAGE = re.compile(r"^(?P<base>.*?)/(?:projects(?:/(?P<project>\d+))?|user|organization|data|api|tasks)(?:/.*)?$")
_SETTINGS: dict[str, type | tuple[type, ...]] = {
    "url": str,
    "token": str,
    "secret": str,
    "aliases": list,
    "projects": list,
    "media_roots": list,
    "model": str,
    "model_options": dict,
    "precision": _NUMBER,
    "annotation": str,
    "prefill_from": (*_NUMBER, type(None)),
    "window_seconds": _NUMBER,
    "hop_seconds": (*_NUMBER, type(None)),
    "limits": dict,
    "pace": dict,
}


@dataclass(frozen=True)
class Limits:
    """Limits on requests, one medium, and the media cache; all above 0.

    Attributes:
        body_bytes: the largest request body.
        tasks_per_call: the most tasks in one request for predictions.
        connections: the most connections at a time; fewer if the process may not open that many files.
        request_seconds: the time within which a request's headers, and then its body, must arrive.
        media_bytes: the largest medium that is fetched.
        media_pixels: the largest image that is decoded.
        cache_bytes: the size of the cache of fetched media.
        predict_seconds: the time for a request for predictions; Label Studio (1.23) gives up after 100 s.
        fetch_seconds: the time for fetching one medium.
    """

    body_bytes: int = 64 * 2**20
    tasks_per_call: int = 2_000
    connections: int = 256
    request_seconds: float = 15.0
    media_bytes: int = 64 * 2**20
    media_pixels: int = 100_000_000
    cache_bytes: int = 50 * 2**30
    predict_seconds: float = 80.0
    fetch_seconds: float = 15.0


@dataclass(frozen=True)
class Pace:
    """How often the backend works on a project; all above 0. Shorter times put more load on Label Studio.

    Attributes:
        poll_seconds: the time between two checks for changes that no event reported.
        patience_seconds: how much longer such a check can wait while somebody annotates.
        settled_seconds: the time without an event after which columns, tabs, and other work that can wait are done.
        columns_seconds: the time between two updates of the columns and tabs.
        retry_seconds: the longest time before a project that failed is tried again.
        missing_seconds: the time for which a project must be missing before it counts as deleted.
        media_seconds: the time before a medium that could not be read is tried again; it doubles each time, up to ten
            minutes.
    """

    poll_seconds: float = 20.0
    patience_seconds: float = 10.0
    settled_seconds: float = 30.0
    columns_seconds: float = 60.0
    retry_seconds: float = 60.0
    missing_seconds: float = 60.0
    media_seconds: float = 20.0


_LIMITS: dict[str, type | tuple[type, ...]] = {
    limit.name: _NUMBER if isinstance(limit.default, float) else int for limit in dataclasses.fields(Limits)
}
_PACE: dict[str, type | tuple[type, ...]] = {each.name: _NUMBER for each in dataclasses.fields(Pace)}


@dataclass(frozen=True)
class ServerSettings:
    """All the backend needs to know.

    Attributes:
        url: Label Studio's address, such as ``http://localhost:8080``, without a trailing slash; "" = not connected.
        aliases: other addresses of the same Label Studio, as tasks may name it; our token goes to ``url`` only.
        token: the personal access token or legacy token of our account in Label Studio.
        secret: the secret that Label Studio must send with every request to us.
        projects: IDs of the Label Studio projects that are served; others are refused.
        media_roots: where media may come from besides Label Studio itself: addresses (``https://bucket.example.com``),
            local folders.
        model: the embedding model's name, see `embedding.families`.
        model_options: its options.
        precision: the target precision of confident suggestions, 0.5 to 1.
        annotation: which of several annotations of a task counts: ``ground_truth_first``, ``latest`` or ``majority``.
        prefill_from: the score, 0 to 1, from which a task opens with its prediction filled in; None = clearly more than
            the share of that class among the labels.
        window_seconds: length of the windows into which recordings and series are cut if the config asks for regions.
        hop_seconds: the time from the start of one window to that of the next; None = adjacent windows.
        limits: limits on requests and media.
        pace: how often the backend works on a project.
    """

    url: str = ""
    token: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    aliases: tuple[str, ...] = ()
    projects: frozenset[int] = frozenset()
    media_roots: tuple[str, ...] = ()
    model: str = "preprocessing"
    model_options: dict[str, Any] = field(default_factory=dict)
    precision: float = 0.95
    annotation: Rule = "ground_truth_first"
    prefill_from: float | None = None
    window_seconds: float = 1.0
    hop_seconds: float | None = None
    limits: Limits = Limits()
    pace: Pace = Pace()

    def __post_init__(self) -> None:
        for address in (self.url, *self.aliases):
            if address and not is_http_address(address):
                raise Refusal(f"“{address}” is not a Label Studio address; one looks like http://localhost:8080.")
        if not self.secret.isascii() or any(character.isspace() for character in self.secret):
            raise Refusal("The secret must consist of ASCII letters, digits, and punctuation, without spaces.")
        for root in self.media_roots:
            if not is_http_address(root) and not Path(root).is_absolute():
                raise Refusal(f"The media root “{root}” is neither an http(s) address nor an absolute folder.")
        _check_model(self.model)
        if not 0.5 <= self.precision <= 1:
            raise Refusal(f"The target precision is {self.precision}; it must be between 0.5 and 1.")
        if self.annotation not in RULES:
            raise Refusal(f"The setting annotation is “{self.annotation}”; it must be one of {', '.join(RULES)}.")
        if self.prefill_from is not None and not 0 <= self.prefill_from <= 1:
            raise Refusal(f"prefill_from is {self.prefill_from}; it must be between 0 and 1, or null for automatic.")
        if not self.window_seconds > 0:
            raise Refusal(f"window_seconds is {self.window_seconds}; it must be above 0.")
        if self.hop_seconds is not None and not 0 < self.hop_seconds <= self.window_seconds:
            raise Refusal(
                f"hop_seconds is {self.hop_seconds}; it must be above 0 and at most window_seconds, which is "
                f"{self.window_seconds}, or null for windows side by side."
            )

    @property
    def cut(self) -> Cut:
        """How recordings and series are cut into windows."""
        return Cut(self.window_seconds, self.window_seconds if self.hop_seconds is None else self.hop_seconds)


def server_directory() -> Path:
    """The folder of the backend's settings, event queue and media cache."""
    return data_directory() / "label-studio"


def settings_path() -> Path:
    """The file of the settings; it contains secrets."""
    return server_directory() / "settings.json"


def load_settings(environment: Mapping[str, str] = os.environ) -> ServerSettings:
    """The saved settings, overridden by the environment (secret, Label Studio's address and token).

    The saved token goes with the saved address only: for another one the environment has to name the token too, or it
    is "".

    Raises:
        ValueError: the file cannot be read, or a value in it or in the environment is not allowed
    """
    saved = _read()
    if not same_address(environment.get(URL_VARIABLE) or saved.get("url"), saved.get("url")):
        saved.pop("token", None)
    for name, variable in (("secret", SECRET_VARIABLE), ("url", URL_VARIABLE), ("token", TOKEN_VARIABLE)):
        if environment.get(variable):
            saved[name] = environment[variable]
    return _parse(saved)


def load_secret(environment: Mapping[str, str] = os.environ) -> str:
    """The secret alone, "" if there is none: it is also known while another value of the file is not allowed.

    Raises:
        Refusal: the file is not a JSON object.
    """
    secret = environment.get(SECRET_VARIABLE) or _read().get("secret")
    return secret if isinstance(secret, str) else ""


def save_settings(settings: ServerSettings) -> Path:
    """Write the settings to their file, which only its owner can read; return it."""
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    values = asdict(settings) | {"projects": sorted(settings.projects)}
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    scratch.unlink(missing_ok=True)
    with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(values, file, indent=4)
    scratch.replace(path)
    return path


def ensure_secret(settings: ServerSettings) -> ServerSettings:
    """The settings with a secret; one that had to be made is saved for the next start."""
    if settings.secret:
        return settings
    secret = secrets.token_urlsafe(32)
    # Values from the environment are not saved.
    save_settings(dataclasses.replace(load_settings({}), secret=secret))
    return dataclasses.replace(settings, secret=secret)


def same_address(one: str | None, other: str | None) -> bool:
    """Whether both name the same server, regardless of a trailing slash and of the name used for this machine."""
    return _normalized(str(one or "")) == _normalized(str(other or ""))


def parse_address(address: str) -> tuple[str, int | None]:
    """Extract Label Studio's address, and the project if any, from the address of one of its pages.

    ``http://localhost:8080/projects/3/data?tab=1`` → ``("http://localhost:8080", 3)``
    """
    parts = urlsplit(address.strip())
    page = _PAGE.match(parts.path)
    path = page["base"] if page else parts.path
    project = int(page["project"]) if page and page["project"] else None
    return SplitResult(parts.scheme, parts.netloc, path.rstrip("/"), "", "").geturl(), project


def is_http_address(address: str) -> bool:
    """Whether this is an http(s) address of a host, perhaps with a path, and without a login in it."""
    try:
        parts = urlsplit(address)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:
        return False


def _normalized(address: str) -> tuple[str, str, int | None, str]:
    parts = urlsplit(address.rstrip("/"))
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        port = None
    host = "localhost" if parts.hostname in _LOOPBACK_HOSTS else parts.hostname or ""
    return parts.scheme, host, port, parts.path


def _check_model(model: str) -> None:
    try:
        find_family(model)
    except Refusal as error:
        raise Refusal(f"The setting model cannot be used: {error}.") from error


def _read() -> dict[str, Any]:
    path = settings_path()
    if not path.is_file():
        return {}
    try:
        saved = json.loads(path.read_text())
    except ValueError as error:
        raise Refusal(f"{path} is not valid JSON ({error}); fix it, or remove it and connect again.") from error
    if not isinstance(saved, dict):
        raise Refusal(f"{path} must hold a JSON object; fix it, or remove it and connect again.")
    return saved


def _parse(saved: dict[str, Any]) -> ServerSettings:
    values = _checked(saved, _SETTINGS)
    limits = _checked(values.pop("limits", {}), _LIMITS)
    pace = _checked(values.pop("pace", {}), _PACE)
    for name, value in {**limits, **pace}.items():
        if not 0 < value < math.inf:
            raise Refusal(f"The setting {name} is {value}; it must be a number above 0.")
    return ServerSettings(
        **values
        | {
            "url": values.get("url", "").rstrip("/"),
            "aliases": _addresses(values, "aliases"),
            "projects": frozenset(_list_of(int, values, "projects")),
            "media_roots": _addresses(values, "media_roots"),
            "limits": Limits(**limits),
            "pace": Pace(**pace),
        }
    )


def _checked(values: dict[str, Any], types: dict[str, type | tuple[type, ...]]) -> dict[str, Any]:
    for name, value in values.items():
        if name not in types:
            raise Refusal(f"“{name}” is not a setting; the settings are: {', '.join(types)}.")
        if isinstance(value, bool) or not isinstance(value, types[name]):
            raise Refusal(f"The setting {name} cannot be a {type(value).__name__}.")
    return dict(values)


def _addresses(values: dict[str, Any], name: str) -> tuple[str, ...]:
    return tuple(address.rstrip("/") for address in _list_of(str, values, name))


def _list_of(kind: type[T], values: dict[str, Any], name: str) -> list[T]:
    listed: list[T] = values.get(name, [])
    if any(isinstance(value, bool) or not isinstance(value, kind) for value in listed):
        raise Refusal(f"The setting {name} must be a list of values of type {kind.__name__}.")
    return listed
