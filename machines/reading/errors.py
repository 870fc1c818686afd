"""What goes wrong when a machine is read, and how its paths are checked."""

from __future__ import annotations

from pathlib import Path


class MachineError(ValueError):
    """The input cannot be read as a machine; the message is one line, for the user."""


class NotPermitted(MachineError):
    """A file is there, but this user may not read it."""


MAX_FILE_BYTES = 16 * 1024 * 1024
"""The largest file that is read whole; the files of interest stay far below it."""


def path_parts(path: str) -> tuple[str, ...]:
    """Split a path relative to the root of a tree into its components.

    Raises:
        MachineError: a component is `..`; no path in a tree needs one.

    >>> path_parts("/sys//devices/./system")
    ('sys', 'devices', 'system')
    """
    parts = tuple([part for part in path.split("/") if part and part != "."])
    if ".." in parts:
        raise MachineError(f"the path {path!r} contains '..'; name files from the root of the tree")
    return parts


def text_of(path: str, content: bytes) -> str:
    """The content as text, undecodable bytes replaced; an attribute of sysfs ends at a NUL.

    GNU tar takes a file of sysfs for as long as a page, and fills it up.

    >>> text_of("sys/x/online", b"1\\n" + bytes(4094))
    '1\\n'
    """
    if path.startswith("sys/") or path_parts(path)[:1] == ("sys",):
        content = content.partition(b"\0")[0]
    return content.decode("utf-8", errors="replace")


def too_large(path: str, most: int | None = None) -> MachineError:
    """The refusal of a file that is too large to be what it is named for.

    Args:
        path: the file.
        most: the bytes that it may have, if not `MAX_FILE_BYTES`: then it can be read otherwise.
    """
    if most is None:
        mib = MAX_FILE_BYTES >> 20
        return MachineError(f"{path}: larger than {mib} MiB, so it is not a sysfs or procfs file")
    return MachineError(f"{path}: larger than {most >> 20} MiB; unpack it, and give the folder")


def shown(text: str, limit: int = 40) -> str:
    """Text from a file as it appears in a message: quoted, on one line, cut short.

    >>> shown("on\\nline")
    "'on\\\\nline'"
    """
    return repr(text if len(text) <= limit else text[:limit] + "…")


def text_in(path: Path) -> str:
    """The text of a file of the user's, undecodable bytes replaced.

    Raises:
        MachineError: it cannot be read, or is larger than a text of a kernel.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise MachineError(f"{shown(str(path), 200)}: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise MachineError(f"{shown(str(path), 200)}: larger than {MAX_FILE_BYTES >> 20} MiB")
    return content.decode("utf-8", errors="replace")
