"""What the Label Studio backend is told once: where Label Studio is, its secrets, its projects and its limits."""

import dataclasses
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..store.settings import data_directory
from .decisions import RULES, Rule

SECRET_VARIABLE = "LABELSCAPE_SECRET"
URL_VARIABLE = "LABEL_STUDIO_URL"
TOKEN_VARIABLE = "LABEL_STUDIO_API_KEY"

T = TypeVar("T")
_NUMBER = (int, float)
_SETTINGS: dict[str, type | tuple[type, ...]] = {
    "url": str,
    "token": str,
    "secret": str,
    "projects": list,
    "media_roots": list,
    "model": str,
    "model_options": dict,
    "precision": _NUMBER,
    "annotation": str,
    "limits": dict,
}


@dataclass(frozen=True)
class Limits:
    """The most that one request, one medium and the media cache may take; all above 0."""

    body_bytes: int = 64 * 2**20
    tasks_per_call: int = 2_000
    media_bytes: int = 64 * 2**20
    media_pixels: int = 100_000_000
    cache_bytes: int = 50 * 2**30
    predict_seconds: float = 80.0  # Label Studio (1.23) gives up after 100 s
    fetch_seconds: float = 15.0


_LIMITS: dict[str, type | tuple[type, ...]] = {
    limit.name: _NUMBER if isinstance(limit.default, float) else int for limit in dataclasses.fields(Limits)
}


@dataclass(frozen=True)
class ServerSettings:
    """All the backend needs to know.

    Attributes:
        url: Label Studio's address, such as ``http://localhost:8080``, without a slash at its end; "" = not connected.
        token: the personal access token or legacy token of our account in Label Studio.
        secret: what Label Studio must show on every request to us.
        projects: ids of the Label Studio projects that are served; others are refused.
        media_roots: where media may come from beside Label Studio itself: addresses (``https://bucket.example.com``),
            local folders.
        model: the embedding model's name, see `embedding.families`.
        model_options: its options.
        precision: how often an accepted suggestion has to be right, in (0, 1].
        annotation: which of several annotations of a task counts: ``ground_truth_first``, ``latest`` or ``majority``.
        limits: the most a request may take.
    """

    url: str = ""
    token: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    projects: frozenset[int] = frozenset()
    media_roots: tuple[str, ...] = ()
    model: str = "preprocessing"
    model_options: dict[str, Any] = field(default_factory=dict)
    precision: float = 0.95
    annotation: Rule = "ground_truth_first"
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if self.url and not is_http_address(self.url):
            raise ValueError(f"'{self.url}' is no address of a Label Studio; it looks like http://localhost:8080.")
        if not self.secret.isascii() or any(character.isspace() for character in self.secret):
            raise ValueError("The secret must be plain letters, digits and signs, without spaces.")
        for root in self.media_roots:
            if not is_http_address(root) and not Path(root).is_absolute():
                raise ValueError(f"'{root}' is no place of media; give an https address or an absolute folder.")
        if not 0 < self.precision <= 1:
            raise ValueError(f"precision is {self.precision}; it must be above 0 and at most 1.")
        if self.annotation not in RULES:
            raise ValueError(f"The setting annotation is '{self.annotation}'; it must be one of {', '.join(RULES)}.")


def server_directory() -> Path:
    """The folder of the backend's settings, event queue and media cache."""
    return data_directory() / "label-studio"


def settings_path() -> Path:
    """The file of the settings; it holds secrets."""
    return server_directory() / "settings.json"


def load_settings(environment: Mapping[str, str] = os.environ) -> ServerSettings:
    """The saved settings, with what the environment says instead (secret, Label Studio's address and token).

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


def save_settings(settings: ServerSettings) -> Path:
    """Write the settings to their file, which only its owner may read; return it."""
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
    # What came from the environment stays there.
    save_settings(dataclasses.replace(load_settings({}), secret=secret))
    return dataclasses.replace(settings, secret=secret)


def same_address(one: str | None, other: str | None) -> bool:
    """Whether both name the same server; a slash at the end says nothing."""
    return str(one or "").rstrip("/") == str(other or "").rstrip("/")


def is_http_address(address: str) -> bool:
    """Whether this is an http(s) address of a host, perhaps with a path, and without a login in it."""
    try:
        parts = urlsplit(address)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:
        return False


def _read() -> dict[str, Any]:
    path = settings_path()
    if not path.is_file():
        return {}
    try:
        saved = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error}); mend it, or remove it and connect again.") from error
    if not isinstance(saved, dict):
        raise ValueError(f"{path} must hold a JSON object; mend it, or remove it and connect again.")
    return saved


def _parse(saved: dict[str, Any]) -> ServerSettings:
    values = _checked(saved, _SETTINGS)
    limits = _checked(values.pop("limits", {}), _LIMITS)
    for name, limit in limits.items():
        if limit <= 0:
            raise ValueError(f"The limit {name} is {limit}; it must be above 0.")
    return ServerSettings(
        **values
        | {
            "url": values.get("url", "").rstrip("/"),
            "projects": frozenset(_list_of(int, values, "projects")),
            "media_roots": tuple(root.rstrip("/") for root in _list_of(str, values, "media_roots")),
            "limits": Limits(**limits),
        }
    )


def _checked(values: dict[str, Any], types: dict[str, type | tuple[type, ...]]) -> dict[str, Any]:
    for name, value in values.items():
        if name not in types:
            raise ValueError(f"'{name}' is no setting; there are: {', '.join(types)}.")
        if isinstance(value, bool) or not isinstance(value, types[name]):
            raise ValueError(f"The setting {name} cannot be a {type(value).__name__}.")
    return dict(values)


def _list_of(kind: type[T], values: dict[str, Any], name: str) -> list[T]:
    listed: list[T] = values.get(name, [])
    if any(isinstance(value, bool) or not isinstance(value, kind) for value in listed):
        raise ValueError(f"The setting {name} must list values of type {kind.__name__} only.")
    return listed
