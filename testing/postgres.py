"""A PostgreSQL of the machine's own installation, for a Label Studio to keep its data in."""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from .processes import free_port, listens, start, stop, wait_for

_NEEDED = ("pg_trgm", "btree_gin")  # extensions that Label Studio's migrations create
_UNPRIVILEGED = "postgres"  # PostgreSQL refuses to run as root


@cache
def installed_postgres() -> Path | None:
    """The folder of the programs of a PostgreSQL that Label Studio can use; None if there is none."""
    named = shutil.which("pg_ctl")
    folders = [Path(named).resolve().parent] if named else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if _is_complete(folder)), None)


class PostgresServer:
    """An empty database at ``127.0.0.1:<port>`` that trusts everybody, and ends with this process."""

    name, user = "postgres", "postgres"

    def __init__(self, programs: Path) -> None:
        # Not in pytest's folders, which only their owner can enter.
        self._folder = Path(tempfile.mkdtemp(prefix="labelscape-postgres-"))
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self.port = free_port()
        self._account = None
        if os.geteuid() == 0:
            self._account = _UNPRIVILEGED
            os.chown(self._folder, pwd.getpwnam(_UNPRIVILEGED).pw_uid, -1)
        data = str(self._folder / "data")
        create = [str(programs / "initdb"), "-D", data, "-U", self.user, "--auth=trust", "--no-sync"]
        subprocess.run(create, check=True, user=self._account, cwd=self._folder, stdout=subprocess.DEVNULL)
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        command = [str(programs / "postgres"), "-D", data, "-p", str(self.port)]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("wb") as log:
            self._process = start(command, user=self._account, cwd=self._folder, stdout=log, stderr=log)
        wait_for("PostgreSQL", lambda: listens(self.port), self._process)

    @property
    def url(self) -> str:
        """Its connection string."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which Label Studio keeps its data there."""
        place = {"USER": self.user, "PASSWORD": "", "NAME": self.name, "HOST": "127.0.0.1", "PORT": str(self.port)}
        return {"DJANGO_DB": "default", **{f"POSTGRE_{name}": value for name, value in place.items()}}

    def stop(self) -> None:
        """End it."""
        stop(self._process)


def _is_complete(folder: Path) -> bool:
    config = folder / "pg_config"
    if not config.exists() or not (folder / "initdb").exists():
        return False
    shared = subprocess.run([str(config), "--sharedir"], capture_output=True, text=True, check=True).stdout.strip()
    return all(Path(shared, "extension", f"{name}.control").exists() for name in _NEEDED)
