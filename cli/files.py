"""Files that a user names, and what is said when one cannot be used."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from .output.streams import USAGE, UsageError, one_line

NOBODY_READS = 141
"""The exit code of work that ends early since nobody reads on, as a shell tells it."""


def free_path(path: Path) -> Path:
    """The path; if it is taken, with the first number from 2 to 999 that is free."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in range(2, 1000))
    return next((each for each in (path, *numbered) if not each.exists()), path)


def write_json(path: Path, document: Any) -> None:
    """Write a document as the whole of a file, or nothing.

    Raises:
        UsageError: it cannot be written.
    """
    write_file(path, json.dumps(document, indent=1) + "\n")


def write_file(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write the whole file, or nothing.

    Args:
        path: the file.
        content: what it has then.
        private: only this user may read it.

    Raises:
        UsageError: it cannot be written.
    """
    from memhp.checks.support.files import write_whole

    try:
        write_whole(path, content, private=private)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def fail(command: str, error: Exception) -> int:
    """Say on standard error what is wrong with the user's input; returns the exit code for that."""
    print(f"memhp {command}: {one_line(str(error))}", file=sys.stderr)
    return USAGE
