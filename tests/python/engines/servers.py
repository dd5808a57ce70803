"""Servers of other engines, each on loopback, its files in a folder of its own."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class NotInstallableError(Exception):
    """The engine is not here and was not to be had."""


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs, the newest version's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if there := shutil.which("initdb"):
        return Path(there).parent
    raise NotInstallableError("no server: install Debian's package postgresql")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that a server of another user reaches, as those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="intent-engine-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def postgres(folder: Path) -> Iterator[dict[str, str]]:
    """Run a server; gives the variables by which clients find it."""
    programs, port = postgres_programs(), str(free_port())
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder.mkdir(parents=True)
    if user:
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)

    def run(program: str, arguments: Sequence[str]) -> None:
        subprocess.run(
            [str(programs / program), *arguments],
            user=user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    data, log = str(folder / "data"), str(folder / "log")
    run(
        "initdb",
        ["-D", data, "-U", "intent", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
    )
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", ["-D", data, "-l", log, "-o", options, "-w", "start"])
    try:
        run("createdb", ["-h", "127.0.0.1", "-p", port, "-U", "intent", "intent"])
        yield {
            "PGHOST": "127.0.0.1",
            "PGPORT": port,
            "PGUSER": "intent",
            "PGPASSWORD": "",
            "PGDATABASE": "intent",
        }
    finally:
        run("pg_ctl", ["-D", data, "-m", "immediate", "-w", "stop"])
