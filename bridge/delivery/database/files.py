"""SQLite's file and its companions.

Only their owner can read them. ``problem`` says what prevents their use.

bridge.db                            the database
bridge.db-wal, bridge.db-shm         created by SQLite, with the mode of the database
bridge.db-turn, bridge.db-turn-next  locks by which writers take turns
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
"""Modes of created files and folders, whatever the umask."""

COMPANIONS = ("-wal", "-shm", "-turn", "-turn-next")
"""Suffixes of the database's name in the names of its companions."""


def problem(file: Path) -> str | None:
    """Say which path or permission prevents use of the database; None if none.

    The check creates nothing. A lock or a full disk is no such problem, because it passes.
    """
    folder = file.parent
    if not folder.exists():
        parent = folder.parent
        if not parent.is_dir():
            return f"the folder {parent} does not exist: create it, or name another file"
        return (
            None if _is_writable_folder(parent) else f"the folder {folder} cannot be created: {parent} is not writable"
        )
    if not folder.is_dir():
        return f"{folder} is not a folder: name another file"
    if not _is_writable_folder(folder):
        return f"the folder {folder} is not writable for {_user()}: SQLite creates files beside the database"
    if file.is_dir():
        return f"{file} is a folder: name a file"
    of_database = (file, *(file.with_name(f"{file.name}{suffix}") for suffix in COMPANIONS))
    unusable = next((one for one in of_database if one.exists() and not _may(one, os.R_OK | os.W_OK)), None)
    return f"{unusable} is not readable and writable for {_user()}" if unusable else None


def make_folder(file: Path) -> None:
    """Create the database's folder if only that folder is missing.

    Raises:
        OSError: it cannot be created.
    """
    with suppress(FileExistsError):
        file.parent.mkdir(mode=PRIVATE_FOLDER)


def make_file(file: Path) -> None:
    """Create an empty database if there is none.

    SQLite gives its mode to the files that it creates beside it.

    Raises:
        OSError: it cannot be created.
    """
    open_lock(file).close()


def open_lock(path: Path) -> BinaryIO:
    """Open a lock file, and create it if it is missing.

    Raises:
        OSError: it can be neither opened nor created.
    """
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE), "ab")


def _is_writable_folder(folder: Path) -> bool:
    return _may(folder, os.W_OK | os.X_OK)


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _user() -> str:
    return f"user {os.geteuid()}"
