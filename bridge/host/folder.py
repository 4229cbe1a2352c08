"""Folder of a host's files: which one it is, and whether it can be used."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from bridge.errors import ConfigError

VARIABLE = "BRIDGE_RUN_DIR"


def planned_folder(run_dir: Path | None, database_url: str) -> Path:
    """Return the folder that ``Host.of`` would use, without creating it."""
    if run_dir is not None:
        return run_dir.absolute()
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return database_file(url).parent
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(runtime) if runtime else own_folder()


def folder_problem(folder: Path) -> str | None:
    """Say why a folder cannot be used or created; None if it can.

    The check creates nothing.
    """
    if folder == own_folder() and folder.exists():
        return _not_own(folder)
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return None
    return f"{folder} cannot be {'written' if nearest == folder else 'created'}"


def database_file(url: URL) -> Path:
    """Return the path of SQLite's file."""
    return Path(url.database or "").resolve()


def usable(folder: Path) -> Path:
    """Create a folder if it is missing, and return it if it can be written.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise ConfigError({VARIABLE: f"{folder} cannot be written ({error.strerror})"}) from error


def own_folder() -> Path:
    """Return the folder of this user: in the user's runtime folder, or in the temporary one."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    home = runtime if runtime.is_absolute() and os.access(runtime, os.W_OK) else Path(tempfile.gettempdir())
    return home / f"bridge-{os.getuid()}"


def own(folder: Path) -> Path:
    """Create a folder that only this user can write.

    Another user may have created one of that name before.
    """
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        problem = _not_own(folder)
    except OSError as error:
        raise ConfigError({VARIABLE: f"needed: {folder} cannot be created ({error.strerror})"}) from error
    if problem:
        raise ConfigError({VARIABLE: f"needed: {problem}"})
    return folder


def _not_own(folder: Path) -> str | None:
    status = folder.lstat()
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return None if is_own else f"{folder} can be written by other users, or is no folder"
