"""What a target says, looked at before it is compared: what it answers, tells, and fails with.

A target that does not keep to `memhp.reference.Target` is the user's to mend, and no
finding: a `TargetError`.  One that fails is a finding.
"""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from operator import index
from pathlib import Path
from typing import Any

from memhp.reference.topology import cut
from memhp.spec.language.errnos import errorcode
from memhp.spec.profiles import DEFAULT, PROFILES

__all__ = [
    "Crash",
    "Silence",
    "TargetError",
    "answered",
    "check_observation",
    "failure",
    "guess",
    "profile_of",
    "unfit",
]

_MOST_ERRNO = 4095
"""Source: include/linux/err.h, MAX_ERRNO."""
_MOST = 300
"""So much of what an exception says is repeated."""
_OTHERS = (
    *(str(Path(__file__).parents[2] / room) for room in ("checks", "reference", "spec")),
    *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")),
    *("<string>", "<frozen "),  # what a dataclass writes for itself, and imports
)
"""Where the place at which a target failed is not looked for."""


class TargetError(ValueError):
    """It is no target, or does not keep to what a target must return; the message is one line."""


class Crash(Exception):
    """A target failed in a process of its own: with what, and the traceback if there is one."""

    def __init__(self, text: str, trace: str = "") -> None:
        super().__init__(text, trace)
        self.text, self.trace = text, trace


class Silence(Crash):
    """A target did not answer in time: nobody knows whether it ever would."""


def guess(name: object, known: Iterable[str]) -> str:
    """What the name may stand for, as the end of a message; empty if nothing known is near.

    >>> guess("drainin", ["zone", "draining"])
    ' (did you mean draining?)'
    """
    close = get_close_matches(name[:100], known, n=1) if isinstance(name, str) else []
    return f" (did you mean {close[0]}?)" if close else ""


def profile_of(target: object) -> str:
    """The name of the profile whose design the target follows; `DEFAULT` if it names none.

    Raises:
        TargetError: there is no such profile.
    """
    name: object = getattr(target, "profile", DEFAULT)
    names = [profile.name for profile in PROFILES]
    if not isinstance(name, str) or name not in names:
        raise TargetError(
            f"its profile {cut(name)} is none of {', '.join(names)}{guess(name, names)}"
        )
    return name


def answered(operation: str, got: Any) -> int | None:
    """What `do` returned: None for success, or an errno.

    Raises:
        TargetError: it is anything else; the message says what may be meant.
    """
    if got is None:
        return None
    try:
        errno = 0 if isinstance(got, bool) else index(got)
    except TypeError:
        errno = 0
    if 0 < errno <= _MOST_ERRNO:
        return errno
    raise TargetError(
        f"do({operation!r}, …) returned {cut(got)}: an errno is needed, or None for"
        f" success{_meant(got)}"
    )


def _meant(got: object) -> str:
    numbers = {name: number for number, name in errorcode.items()}
    if isinstance(got, str) and got.upper() in numbers:
        return f" (did you mean errno.{got.upper()}, {numbers[got.upper()]}?)"
    if isinstance(got, int) and -got in errorcode:
        return f" (did you mean {-got}, {errorcode[-got]}?)"
    return " (did you mean None?)" if got in (0, True, "") else ""


def check_observation(seen: object, known: Collection[str]) -> None:
    """Check what `observe` returned: a mapping whose keys are known variables.

    Raises:
        TargetError: it is none.
    """
    if not isinstance(seen, Mapping):
        raise TargetError(
            f"observe() returned {cut(seen)}: a mapping is needed, from names of variables to"
            " their values"
        )
    for name in seen:
        if name not in known:
            raise TargetError(
                f"observe() tells {cut(name)}, which is no variable{guess(name, known)}"
            )


def unfit(error: ValueError) -> TargetError:
    """The error to raise where `reset` has raised that one: the target cannot be such a machine."""
    return TargetError(f"it cannot be that machine: {failure(error)[0]}")


def failure(error: BaseException) -> tuple[str, str]:
    """With what a target failed: a line that says where, and the traceback."""
    if isinstance(error, Crash):
        return error.text, error.trace
    message = " ".join(str(error).split())
    message = message if len(message) <= _MOST else message[:_MOST] + "…"
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_OTHERS)]
    if theirs:
        text += f" ({theirs[-1].filename}, line {theirs[-1].lineno}, in {theirs[-1].name})"
    return text, "".join(traceback.format_exception(error))
