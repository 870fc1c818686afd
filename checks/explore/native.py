"""The search as a program: generated, compiled with the machine's C compiler, run.

Sources and program live in a temporary folder that is gone as soon as the
program runs; what a killed process left there is removed by the next.
"""

from __future__ import annotations

import errno
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files

from ..ground.model import Model
from ..support.compiler import Compiler, NativeError, NoMemory, built
from ..support.scratch import temporary_folder
from .code import header, steps
from .digits import tables
from .packing import Packing
from .results import Progress
from .split import Split

__all__ = [
    "WHEN_SEEN",
    "WHEN_STUCK",
    "Outcome",
    "run",
    "run_bits",
]

WHEN_SEEN, WHEN_STUCK = 2, 3
"""When a search is over that only looks for traces."""
SOURCES = ("search.c", "pages.h", "threads.h", "table.h", "follow.h")


@dataclass
class Outcome:
    """What the compiled search printed: how it ended, how much it saw, and the ways to it.

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


def run(
    model: Model,
    packing: Packing,
    cc: Compiler,
    *,
    jobs: int,
    memory: int,
    depth: int | None,
    stop: int,
    progress: Callable[[Progress], None] | None,
) -> Outcome:
    """The outcome of a breadth-first search with states as packed words.

    Args:
        jobs: threads.
        memory: bytes after which the search ends.
        depth: the steps to go at most.
        stop: when to end. 0: when there is nothing new; 1: with the layer in which a property
            is violated; `WHEN_SEEN`: as soon as every claim was seen; `WHEN_STUCK`: and a
            state without a step.
        progress: called now and then while the search goes on.

    Raises:
        NativeError: the compiler or the program fails.
    """
    generated = {"model.h": header(model, packing), "steps.h": steps(model, packing)}
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
    """The outcome of a search of all states with one bit each.

    Args:
        claims: how many properties are watched.
        jobs: threads.
        layers: breadth-first; without, faster, and no depths are known.
        progress: called now and then while the search goes on.

    Raises:
        NativeError: the compiler or the program fails.
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
