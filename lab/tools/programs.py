"""Programs of this machine that the lab runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .errors import LabError

__all__ = ["said", "tool"]

_SECONDS = 1800.0
"""How long a program may take: apt brings a hundred megabytes."""


def tool(name: str, package: str) -> str:
    """The path of a program.

    Raises:
        LabError: it is not installed; the message names Debian's package.
    """
    found = shutil.which(name)
    if found is None:
        raise LabError(f"{name} is missing; on Debian and Ubuntu: apt install {package}")
    return found


def said(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What a program said, and how it ended.

    Raises:
        LabError: it cannot be run, or does not end.
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
