"""The machine's C compiler, and a folder from which what it makes can be run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import gettempdir

from .files import cache_home
from .parallel import output_of
from .scratch import temporary_folder

__all__ = ["Compiler", "NativeError", "NoMemory", "built", "compiler", "why_no_compiler"]


class NativeError(Exception):
    """The program could not be built, or failed; the message says what to do."""


class NoMemory(NativeError):
    """The memory that the search may use cannot be had, or no more threads."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler that works: its command, and a folder from which programs can be run."""

    command: tuple[str, ...]
    folder: Path


def compiler() -> Compiler | None:
    """The C compiler: ``$CC``, split as a shell does, or the first of cc, gcc and clang.

    It is tried, once for each value of ``$CC`` and ``$TMPDIR``.

    Returns:
        None if there is none, or what it makes cannot be run: see `why_no_compiler`.
    """
    result = _tried(os.environ.get("CC", ""), os.environ.get("TMPDIR", ""))
    return result if isinstance(result, Compiler) else None


def why_no_compiler() -> str:
    """Why `compiler` returns None, in a line; empty if it does not."""
    result = _tried(os.environ.get("CC", ""), os.environ.get("TMPDIR", ""))
    return result if isinstance(result, str) else ""


@cache
def _tried(named: str, _temporary: str) -> Compiler | str:
    """A compiler that was tried, or why there is none."""
    try:
        words = shlex.split(named)
    except ValueError as error:
        return f"CC cannot be read, {str(error).lower()}"
    choices = [words] if words else [["cc"], ["gcc"], ["clang"]]
    command = next((c for c in choices if shutil.which(c[0])), None)
    if command is None:
        return f"there is no C compiler {words[0]}" if words else "there is no C compiler"
    why = ""
    for folder in _folders():
        candidate = Compiler((*command,), folder)
        try:
            with temporary_folder(folder) as inside:
                (inside / "try.c").write_text("int main(void) { return 0; }\n")
                program = built(candidate, ("-O1", "-pthread"), inside, "try.c")
                if subprocess.run([program], check=False).returncode == 0:
                    return candidate
                why = why or f"no C compiler: what {shlex.join(command)} makes does not work"
        except NativeError as error:
            return f"no C compiler: {error}"
        except OSError as error:
            why = why or f"no program can be run in {folder} ({error.strerror})"
    return why or "there is no folder for temporary files"


def _folders() -> Iterator[Path]:
    """Where a program may be put and run: where temporary files go, or in the user's cache."""
    with suppress(OSError):
        yield Path(gettempdir())
    home = cache_home()
    if home is not None:
        with suppress(OSError):
            folder = home / "memhp"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            yield folder


def built(cc: Compiler, options: Sequence[str], folder: Path, source: str) -> Path:
    """The program that the compiler makes of a source.

    Args:
        cc: the compiler.
        options: for it, such as ``-O2``.
        folder: where the source is, and where the program is put.
        source: the file's name.

    Raises:
        NativeError: it fails.
    """
    program = folder / "search"
    command = [*cc.command, *options, "-o", str(program), str(folder / source)]
    process = output_of(command, folder)
    if process.returncode:
        lines = process.stderr.decode(errors="replace").splitlines()
        first = next((line for line in lines if "error" in line), " ".join(lines[:1]))
        name = shlex.join(cc.command)
        raise NativeError(
            f"{name} cannot compile the search: {first.strip() or process.returncode}"
        )
    if not program.exists():
        raise NativeError(f"{shlex.join(cc.command)} makes nothing")
    return program
