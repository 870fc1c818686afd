"""Programs of this machine that the lab runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .errors import LabError

__all__ = ["run", "tool"]

_SECONDS = 1800.0
"""How long a program may take: apt brings a hundred megabytes."""


def tool(name: str, package: str) -> str:
    """The path of a program.

    Raises:
        LabError: it is not installed; the message names Debian's package.
    """
    path = shutil.which(name)
    if path is None:
        raise LabError(f"{name} is missing; on Debian and Ubuntu: apt install {package}")
    return path


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program; returns its exit status and output.

    Raises:
        LabError: it cannot be run, or does not end within half an hour.
    """
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"{command[0]} took over {_SECONDS:.0f} s") from None
    except OSError as error:
        raise LabError(f"{command[0]} cannot be run: {error.strerror}") from None
