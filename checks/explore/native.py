"""The search as a program: generated, compiled with the machine's C compiler, run.

Sources and program live in a temporary folder that is gone as soon as the
program runs; what a killed process left there is removed by the next.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import gettempdir

from memhp.checks.files import cache_home
from memhp.checks.parallel import said_by
from memhp.checks.scratch import temporary_folder

from .code import header, steps
from .digits import tables
from .layout import Layout
from .model import Model
from .results import Progress
from .split import Split

__all__ = [
    "WHEN_SEEN",
    "WHEN_STUCK",
    "Compiler",
    "NativeError",
    "NoMemory",
    "Outcome",
    "built",
    "compiler",
    "run",
    "run_bits",
    "why_no_compiler",
]

WHEN_SEEN, WHEN_STUCK = 2, 3
"""When a search is over that only looks for traces."""
SOURCES = ("search.c", "pages.h", "threads.h", "table.h", "follow.h")


class NativeError(Exception):
    """The program could not be made, or failed; the message says what to do."""


class NoMemory(NativeError):
    """The memory that the search may use cannot be had, or no more threads."""


@dataclass
class Outcome:
    """What the program printed.

    ``end`` is one of *complete*, *depth*, *memory*, *interrupted*, *refuted* and *overflow*;
    ``depth``, the steps within which every state was seen; ``layers``, the new
    states at each depth, and all transitions up to there; ``ways``, for the
    number of a claim (one more: a deadlock) the numbers of the steps to it;
    ``followed``, the problems of which all runs were seen; ``lassos``, for the number
    of a problem the numbers of the steps, and how many of them are before the cycle;
    ``seen``, the numbers of the claims that are violated or reached somewhere.
    """

    end: str = ""
    depth: int = 0
    states: int = 0
    transitions: int = 0
    deadlocks: int = 0
    layers: list[tuple[int, int]] = field(default_factory=list)
    boot: list[int] = field(default_factory=list)
    ways: dict[int, list[list[int]]] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    followed: set[int] = field(default_factory=set)
    lassos: dict[int, tuple[list[list[int]], int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Compiler:
    """A C compiler that works: its command, and a folder from which programs can be run."""

    command: tuple[str, ...]
    folder: Path


def compiler() -> Compiler | None:
    """The C compiler: ``$CC``, split as a shell does, or the first of cc, gcc and clang.

    None if there is none, or what it makes cannot be run: it is tried, once for each value
    of the environment that says so.
    """
    found = _tried(os.environ.get("CC", ""), os.environ.get("TMPDIR", ""))
    return found if isinstance(found, Compiler) else None


def why_no_compiler() -> str:
    """Why `compiler` gives none; empty if it gives one."""
    found = _tried(os.environ.get("CC", ""), os.environ.get("TMPDIR", ""))
    return found if isinstance(found, str) else ""


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
        made = Compiler((*command,), folder)
        try:
            with temporary_folder(folder) as inside:
                (inside / "try.c").write_text("int main(void) { return 0; }\n")
                program = built(made, ("-O1", "-pthread"), inside, "try.c")
                if subprocess.run([program], check=False).returncode == 0:
                    return made
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


def run(
    model: Model,
    layout: Layout,
    cc: Compiler,
    *,
    jobs: int,
    memory: int,
    depth: int | None,
    stop: int,
    progress: Callable[[Progress], None] | None,
) -> Outcome:
    """Search.  Parameters: see `memhp.checks.explore.run.explore`; ``stop``:
    1, with the layer in which a property is violated; `WHEN_SEEN`, as soon as every claim
    was seen; `WHEN_STUCK`, and a state without a step.

    Raises `NativeError` if the compiler or the program fails.
    """
    generated = {"model.h": header(model, layout), "steps.h": steps(model, layout)}
    # What is watched is much code that seldom runs.
    level = "-O1" if model.watches or model.problems else "-O2"
    arguments = [jobs, memory, depth or 0, stop]
    return _run(cc, level, generated, SOURCES, arguments, progress)


def run_bits(
    split: Split,
    claims: int,
    cc: Compiler,
    *,
    jobs: int,
    layers: bool,
    progress: Callable[[Progress], None] | None,
) -> Outcome:
    """Search with one bit a state: all of it, layer by layer or without depths.

    Raises `NativeError` as `run` does.
    """
    generated = {"digits.h": tables(split, claims)}
    return _run(cc, "-O3", generated, ("bits.c", "pages.h", "threads.h"), [jobs, layers], progress)


def _run(
    cc: Compiler,
    level: str,
    generated: Mapping[str, str],
    sources: Sequence[str],
    arguments: Sequence[int],
    progress: Callable[[Progress], None] | None,
) -> Outcome:
    try:
        with temporary_folder(cc.folder) as folder:
            for name, text in generated.items():
                (folder / name).write_text(text)
            for name in sources:
                text = (files("memhp.checks.explore") / name).read_text()
                (folder / name).write_text(text)
            program = built(cc, (level, "-pthread"), folder, sources[0])
            command = [str(program), *(str(int(argument)) for argument in arguments)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.ENOMEM):
            raise NoMemory(f"no process can be started: {error.strerror}") from None
        raise NativeError(f"the search cannot be put in {cc.folder}: {error.strerror}") from None
    try:
        assert process.stdout
        with _passed_on(process):
            outcome = _read(process.stdout, progress)
    finally:
        process.kill()
        process.wait()
    if not outcome.end:
        raise NoMemory("the search program ended early; is there less memory than --memory?")
    return outcome


def built(cc: Compiler, options: Sequence[str], folder: Path, source: str) -> Path:
    """What the compiler makes of a source in the folder, which is put there.

    Raises `NativeError` if it fails.
    """
    program = folder / "search"
    command = [*cc.command, *options, "-o", str(program), str(folder / source)]
    made = said_by(command, folder)
    if made.returncode:
        lines = made.stderr.decode(errors="replace").splitlines()
        first = next((line for line in lines if "error" in line), " ".join(lines[:1]))
        name = shlex.join(cc.command)
        raise NativeError(f"{name} cannot compile the search: {first.strip() or made.returncode}")
    if not program.exists():
        raise NativeError(f"{shlex.join(cc.command)} makes nothing")
    return program


@contextmanager
def _passed_on(process: subprocess.Popen[str]) -> Iterator[None]:
    """Ctrl-C asks the program to end with what it has; a second time it just ends."""

    def ask(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        process.send_signal(signal.SIGINT)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _read(lines: Iterator[str], progress: Callable[[Progress], None] | None) -> Outcome:
    outcome = Outcome()
    way: list[list[int]] = []
    last = (0, 0, 0)
    for line in lines:
        word, *rest = line.split()
        match word:
            case "progress" if progress:
                last = (int(rest[0]), int(rest[1]), int(rest[2]))
                progress(Progress(*last, float(rest[3])))
            case "layer":
                outcome.layers.append((int(rest[1]), int(rest[2])))
            case "way":
                way = outcome.ways[int(rest[0])] = []
            case "following" if progress:
                at, problems, seconds = rest
                doing = f"looking for runs without end, {at} of {problems}"
                progress(Progress(*last, float(seconds), doing))
            case "seen":
                outcome.seen.add(int(rest[0]))
            case "followed":
                outcome.followed.add(int(rest[0]))
            case "lasso":
                way = []
                outcome.lassos[int(rest[0])] = way, int(rest[1])
            case "step":
                way.append(list(map(int, rest)))
            case "boot":
                outcome.boot = list(map(int, rest))
            case "failed":
                raise NoMemory(" ".join(rest))
            case "done":
                outcome.end = rest[0]
                numbers = map(int, rest[1:])
                outcome.depth, outcome.states = next(numbers), next(numbers)
                outcome.transitions, outcome.deadlocks = next(numbers), next(numbers)
    return outcome
