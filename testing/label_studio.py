"""A real Label Studio, and the real `labelscape serve` that it calls, each in its own process and folder."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import jwt
import requests

from .processes import free_port, start, stop, wait_for
from .recording_proxy import Recorder

REPOSITORY = Path(__file__).resolve().parent.parent
LABEL_STUDIO = REPOSITORY / ".venv-label-studio" / "bin" / "label-studio"
LABELSCAPE = Path(sys.executable).with_name("labelscape")
USER = "annotator@example.com"
PASSWORD = "a-password-of-tests"
BANNED_ADDRESS = "127.0.0.2"  # Label Studio refuses it, as it refuses all private addresses by default
_FIRST_START_SECONDS = 900  # including migrations, on a busy machine
# What takes the backend a minute with many people at work takes seconds where only a test waits for it.
QUICK_PACE = {
    "poll_seconds": 10,
    "settled_seconds": 5,
    "columns_seconds": 10,
    "missing_seconds": 10,
    "media_seconds": 5,
}


class _Server:
    """A server process that can be started, stopped, killed, and made to hang."""

    name: str
    process: subprocess.Popen[bytes]

    def __init__(self, folder: Path, command: list[str], environment: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [*command, "--port", str(self.port)]
        self._environment = os.environ | environment

    def configure(self, environment: Mapping[str, str]) -> None:
        """Add variables to its environment; they count from its next start."""
        self._environment |= environment

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log_file.open("ab") as log:
            self.process = start(
                self._command, cwd=self.folder, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        wait_for(self.name, self.answers, self.process, _FIRST_START_SECONDS)

    def ensure_running(self) -> None:
        """Start it unless it is running."""
        if self.process.poll() is not None:
            self.start()

    def stop(self) -> None:
        """Stop it cleanly, even if it hangs."""
        self.resume()
        stop(self.process, seconds=30)

    def restart(self) -> None:
        """Stop it cleanly and start it again."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def hang(self) -> None:
        """Make it accept connections but never answer, until `resume`."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it continue."""
        self.process.send_signal(signal.SIGCONT)

    def answers(self) -> bool:
        """Whether its health check answers."""
        try:
            requests.get(f"{self.url}/health", timeout=5)
        except requests.RequestException:
            return False
        return True

    def log(self) -> str:
        """Everything it has written to its log."""
        return self._log_file.read_text()

    @property
    def _log_file(self) -> Path:
        return self.folder / "log"


class LabelStudioServer(_Server):
    """Label Studio on SQLite, with one user, whose browser session `ask` uses.

    Files in ``media`` are served as ``/data/local-files/?d=files/…``.
    """

    name = "Label Studio"

    def __init__(self, folder: Path, starter: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        """Prepare the server.

        Args:
            folder: for its data.
            starter: the command that starts it, without options; by default Label Studio's own.
            environment: what the starter needs to know.
        """
        if not LABEL_STUDIO.exists():
            raise FileNotFoundError("No Label Studio is installed to test against: run scripts/setup label-studio")
        self.media = folder / "media" / "files"
        self.media.mkdir(parents=True, exist_ok=True)
        self._session = requests.Session()
        command = [*(starter or [str(LABEL_STUDIO), "start"]), "--no-browser", "--internal-host", "127.0.0.1"]
        options = ["--log-level", "WARNING", "--username", USER, "--password", PASSWORD]
        super().__init__(folder, [*command, *options], _environment(folder) | dict(environment or {}))

    def copy_database(self, other: "LabelStudioServer", statement: str, values: Sequence[str] = ()) -> None:
        """Before the first start, copy another one's database, which saves the migrations, and change it by SQL."""
        theirs, ours = other.folder / "data", self.folder / "data"
        ours.mkdir(parents=True)
        shutil.copy(theirs / ".env", ours / ".env")
        name = "label_studio.sqlite3"
        with closing(sqlite3.connect(theirs / name)) as source, closing(sqlite3.connect(ours / name)) as copy:
            source.backup(copy)
            copy.execute(statement, values)
            copy.commit()

    def start(self) -> None:
        """Start, wait until it answers, and log in."""
        super().start()
        self._session.cookies.clear()
        self._session.get(f"{self.url}/user/login")
        form = {"email": USER, "password": PASSWORD, "csrfmiddlewaretoken": self._session.cookies["csrftoken"]}
        answer = self._session.post(f"{self.url}/user/login", data=form, headers=self._headers(), allow_redirects=False)
        assert answer.status_code == requests.codes.found, "the login failed"

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Call the API as the user's browser would, and return the JSON of its answer.

        Raises:
            requests.HTTPError: the API refuses; the message contains its answer
        """
        answer = self._session.request(method, f"{self.url}/api/{path}", headers=self._headers(), **options)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:500]}", response=answer)
        return answer.json() if answer.content else None

    @cached_property
    def token(self) -> str:
        """The user's personal access token; Label Studio issues one at a time."""
        return str(self.ask("POST", "token/")["token"])

    def revoke_token(self) -> str:
        """Revoke the user's token and return it; from now on, `token` is a new one."""
        revoked = self.token
        self.ask("POST", "token/blacklist/", json={"refresh": revoked})
        del self.token
        return revoked

    def expired_token(self) -> str:
        """A personal access token of the user, signed by this server, that expired a minute ago."""
        claims = jwt.decode(self.token, options={"verify_signature": False})
        settings = (self.folder / "data" / ".env").read_text()
        key = settings.split("SECRET_KEY=")[1].strip()
        return jwt.encode({**claims, "exp": int(time.time()) - 60}, key, algorithm="HS256")

    def take_legacy_tokens(self, taken: bool) -> None:
        """Allow legacy tokens in the user's organization, or forbid them, which is Label Studio 1.23's default."""
        self.ask("POST", "jwt/settings", json={"api_tokens_enabled": True, "legacy_api_tokens_enabled": taken})

    def _headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self._session.cookies.get("csrftoken") or "", "Referer": self.url}


def label_studio_with_app(folder: Path, server: "LabelscapeServer | Recorder") -> LabelStudioServer:
    """A Label Studio as `labelscape label-studio` starts it: with the app, which calls this backend."""
    starter = [str(LABELSCAPE), "label-studio", "--label-studio", str(LABEL_STUDIO), "--backend", server.url]
    return LabelStudioServer(folder, starter, server.environment)


class LabelscapeServer(_Server):
    """`labelscape serve` with its own data directory, on the FiftyOne database that the environment names."""

    name = "labelscape serve"

    def __init__(self, folder: Path, pace: Mapping[str, float] | None = None) -> None:
        """Prepare the server.

        Args:
            folder: for its data.
            pace: the setting of that name.
        """
        self.environment = {"LABELSCAPE_DIR": str(folder / "labelscape")}
        if ours := os.environ.get("LABELSCAPE_DIR"):  # one place of vectors for both processes
            self.environment["FIFTYONE_BRAIN_SIMILARITY_LANCEDB_URI"] = str(Path(ours) / "lancedb")
        super().__init__(folder, [str(LABELSCAPE), "serve"], self.environment)
        if pace:
            self._settings_file.parent.mkdir(parents=True)
            self._settings_file.write_text(json.dumps({"pace": dict(pace)}))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that it reads."""
        return dict(json.loads(self._settings_file.read_text()))

    def forget(self, project: int) -> None:
        """Stop serving a project."""
        settings = self.settings
        settings["projects"] = [number for number in settings["projects"] if number != project]
        scratch = self._settings_file.with_suffix(".new")
        scratch.write_text(json.dumps(settings))
        scratch.replace(self._settings_file)

    def send(self, body: dict[str, Any]) -> requests.Response:
        """Call its webhook as Label Studio does."""
        headers = {"X-Labelscape-Secret": self.settings["secret"]}
        return requests.post(f"{self.url}/webhook", json=body, headers=headers, timeout=60)

    def get(self, path: str) -> requests.Response:
        """Get one of its routes, with the secret."""
        return requests.get(f"{self.url}/{path}", auth=("", self.settings["secret"]), timeout=60)

    def events(self, project: int) -> dict[str, int]:
        """The number of a project's events in each state; stop the server first, because it locks the file."""
        query = "SELECT state, count(*) FROM events WHERE project = ? GROUP BY state"
        with sqlite3.connect(self._settings_file.with_name("events.db")) as connection:
            return dict(connection.execute(query, (project,)))

    @property
    def _settings_file(self) -> Path:
        return self.folder / "labelscape" / "label-studio" / "settings.json"


def _environment(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data"),
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(folder / "media"),
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "AZURE_MOUNT_FIX": "1",  # SQLite keeps a write-ahead log: single writes are twice as fast
        # Our backend is at a private address, which a default Label Studio (1.23) refuses to call.
        "USE_DEFAULT_BANNED_SUBNETS": "false",
        "USER_ADDITIONAL_BANNED_SUBNETS": f"169.254.0.0/16,{BANNED_ADDRESS}/32",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
    }
