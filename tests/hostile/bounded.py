"""One input after the other, each in bounds, and what is wrong with how a command took it."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import monotonic

__all__ = ["Case", "Found", "judged", "run"]

MEMORY = 1 << 30
"""Bytes above those that memhp has when nothing was read."""
SECONDS = 10.0
"""Of the processor: how busy the machine is does not matter."""
HANGS = 120.0
"""Seconds after which a process that waits for something is ended."""
LONGEST = 2_000
"""Characters of a line that says what was wrong."""
_INPUTS = 150
"""After so many, a process is replaced: what one input left behind harms few others."""


@dataclass(frozen=True)
class Case:
    """What is run: a command of memhp or a function, and the files that it may write."""

    reader: str
    run: Callable[[], int]
    json: bool = False
    writes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Found:
    """What was wrong: `kind` is the same for what has the same cause."""

    reader: str
    kind: str
    detail: str


Make = Callable[[int, Path], Case]
"""The case of that number, with its files in the folder."""


class _Overtime(BaseException):
    """The processor's time is up."""


def _overtime(*_: object) -> None:
    raise _Overtime


def judged(
    code: object, out: bytes, err: bytes, *, is_json: bool = False
) -> tuple[str, str] | None:
    """What is wrong with an exit code and what was printed: the kind, and its detail."""
    said = err.decode(errors="backslashreplace")
    if "Traceback (most recent call last)" in said:
        return _cause(said)
    if code not in (0, 1, 2, 3):
        return f"exit code {code}", said[-300:]
    if code == 3 and "memory" in said.lower():
        return "memory ran out", said[-300:]
    for name, data in (("stdout", out), ("stderr", err)):
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return f"{name} is no UTF-8", repr(data[:200])
        wrong = re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
        if wrong:
            return f"control character on {name}", repr(text[max(0, wrong.start() - 60) :][:120])
    if code == 2 and said.count("\n") != 1 and not said.startswith("usage:"):
        return f"{said.count(chr(10))} lines with exit code 2", said[:300]
    if code == 2 and len(said) > LONGEST and not said.startswith("usage:"):
        return "a line without end", f"{len(said)} characters: {said[:100]}"
    if is_json and code in (0, 1):
        try:
            json.loads(out, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            return "--json writes no JSON", str(error)[:200]
    return None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _cause(said: str) -> tuple[str, str]:
    """The exception, and where memhp was when it came."""
    places = re.findall(
        r'File "[^"]*?((?:memhp|wt-\w+|main)?/?[\w./-]*\.py)", line (\d+), in (\w+)', said
    )
    own = [each for each in places if "/lib/python" not in each[0] and "hostile" not in each[0]]
    lines = [line for line in said.splitlines() if re.match(r"[\w.]+(:|$)", line)]
    error = next((line for line in reversed(lines) if not line.startswith("memhp")), "?")
    place = ":".join((*own[-1][:2], own[-1][2])) if own else "?"
    return f"traceback {error.partition(':')[0]} {_short(place)}", error[:200]


def _short(place: str) -> str:
    return re.sub(r".*/(?=(cli|checks|machines|reference|engine|spec)/)", "", place)


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below, with its size and when it was changed."""
    found = {}
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(parent, name)
            stat = os.lstat(path)
            is_file = name in names
            found[os.path.relpath(path, folder)] = (
                (stat.st_size, stat.st_mtime_ns) if is_file else (0, 0)
            )
    return found


def _caught(case: Case) -> tuple[object, bytes, bytes]:
    """Run it: its exit code, and what it printed."""
    files = [os.memfd_create(name) for name in ("out", "err")]
    kept = sys.stdout, sys.stderr
    sys.stdout = io.TextIOWrapper(os.fdopen(files[0], "wb", closefd=False), "utf-8")
    sys.stderr = io.TextIOWrapper(
        os.fdopen(files[1], "wb", closefd=False), "utf-8", "backslashreplace", write_through=True
    )
    code: object
    try:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        code = case.run()
        sys.stdout.flush()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except _Overtime:
        code = "overtime"
    except BaseException:
        signal.setitimer(signal.ITIMER_PROF, 0)
        code = "exception"
        print(traceback.format_exc(limit=-30), file=sys.stderr)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(ValueError, OSError):  # the command may have closed it
                stream.flush()
        sys.stdout, sys.stderr = kept
    told = [os.pread(file, 64 << 20, 0) for file in files]
    for file in files:
        os.close(file)
    return code, told[0], told[1]


def _one(make: Make, number: int, scratch: Path) -> Found | None:
    """Make an input in a fresh folder, and see how it is taken."""
    for name in ("case", "home", "tmp"):
        shutil.rmtree(scratch / name, ignore_errors=True)
        (scratch / name).mkdir()
    os.environ |= {"HOME": str(scratch / "home"), "XDG_CACHE_HOME": str(scratch / "home")}
    os.environ |= {"TMPDIR": str(scratch / "tmp"), "MEMHP_LAB_CACHE": str(scratch / "case" / "lab")}
    tempfile.tempdir = None
    os.chdir(scratch / "case")
    case = make(number, scratch / "case")
    before = _state(scratch / "case")
    code, out, err = _caught(case)
    if code == "overtime":
        return Found(case.reader, "overtime", f"more than {SECONDS:g} s of the processor")
    wrong = judged(code, out, err, is_json=case.json)
    if wrong is None:
        after = _state(scratch / "case")
        places = before.keys() | after.keys()
        changed = {path for path in places if before.get(path) != after.get(path)}
        changed = {path for path in changed if path not in case.writes}
        left = os.listdir(scratch / "tmp")
        if changed or left:
            wrong = (
                "a file is written where none was asked for",
                str([*sorted(changed), *left])[:200],
            )
    return None if wrong is None else Found(case.reader, *wrong)


def _work(make: Make, asked: Connection, scratch: Path) -> None:
    """A process that takes inputs until there are no more."""
    signal.signal(signal.SIGPROF, _overtime)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (512 << 20, 512 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parent = os.getppid()
    while True:
        while not asked.poll(1.0):
            if os.getppid() != parent:  # it was killed
                shutil.rmtree(scratch, ignore_errors=True)
                return
        number = asked.recv()
        try:
            asked.send(_one(make, number, scratch))
        except MemoryError:  # outside of the command, which would have said so itself
            asked.send(_CRAMPED)


class _Worker:
    """A process with a folder of its own, and the input that it has."""

    def __init__(self, make: Make) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="memhp-hostile-"))
        self._make = make
        self.number: int | None = None
        self._start()

    def _start(self) -> None:
        self.end, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_work, args=(self._make, theirs, self.scratch))
        self._process.start()
        theirs.close()
        self.done = 0

    def give(self, number: int) -> None:
        if self.done >= _INPUTS:
            self.restart()
        self.number, self.since, self.is_again = number, monotonic(), False
        self.end.send(number)

    def again(self) -> None:
        """Give the same input to a new process, in which no earlier input has left anything."""
        self.restart()
        self.since, self.is_again = monotonic(), True
        self.end.send(self.number)

    def restart(self) -> None:
        self._process.kill()
        self._process.join()
        self.end.close()
        self._start()

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        shutil.rmtree(self.scratch, ignore_errors=True)


def run(
    make: Make, numbers: Iterator[int], jobs: int, keep: Callable[[int, Found, Path], None]
) -> int:
    """Try these inputs; ``keep`` is told of each that failed, with the folder it is in.

    Returns:
        how many were tried.
    """
    workers = [_Worker(make) for _ in range(jobs)]
    count = 0
    try:
        busy = [worker for worker in workers if _next(worker, numbers)]
        while busy:
            ready = wait([worker.end for worker in busy], timeout=1.0)
            for worker in list(busy):
                found = _answer(worker, worker.end in ready)
                if found is _WAITING:
                    continue
                count += 1
                if isinstance(found, Found):
                    keep(worker.number or 0, found, worker.scratch / "case")
                if not _next(worker, numbers):
                    busy.remove(worker)
    finally:
        for worker in workers:
            worker.close()
    return count


_WAITING = object()
_CRAMPED = "no memory to make the input, or to compare what it left"


def _next(worker: _Worker, numbers: Iterator[int]) -> bool:
    number = next(numbers, None)
    if number is not None:
        worker.give(number)
    return number is not None


def _answer(worker: _Worker, ready: bool) -> object:
    """What came of the worker's input: nothing, a `Found`, or not yet anything."""
    if ready:
        worker.done += 1
        try:
            answer: Found | str | None = worker.end.recv()
        except (EOFError, OSError):
            worker.restart()
            return Found("?", "the process was killed", "")
        if answer != _CRAMPED:
            return answer
        if worker.is_again:
            return Found("?", "memory ran out", "")
        worker.again()
        return _WAITING
    if monotonic() - worker.since > HANGS:
        worker.restart()
        return Found("?", "hangs", f"no end after {HANGS:g} s")
    return _WAITING
