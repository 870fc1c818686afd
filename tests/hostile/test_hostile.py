"""A few hundred wrong inputs are taken well, and what is not would be noticed.

`run.py` beside this tries tens of thousands.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from . import bounded
from .bounded import Case, Found, judged, run
from .progress import counted

RUN = Path(__file__).parent / "run.py"


def test_wrong_inputs_of_every_reader_are_taken_well(tmp_path: Path) -> None:
    done = hostile(tmp_path, 124, 11)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "124 inputs of 32 readers, seed 11: 0 failed" in done.stdout


@pytest.mark.slow
def test_thousands_of_wrong_cores_logs_and_listings_are_taken_well(tmp_path: Path) -> None:
    done = hostile(tmp_path, 2_668, 12, "core", "compressed dump", "log", "listing")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2,668 inputs of 4 readers, seed 12: 0 failed" in done.stdout


def hostile(keep: Path, inputs: int, seed: int, *readers: str) -> subprocess.CompletedProcess[str]:
    """Inputs of these readers, or of all, tried by `run.py`."""
    words = [sys.executable, str(RUN), "--inputs", str(inputs), "--seed", str(seed)]
    words += ["--jobs", "2", "--keep", str(keep)]
    words += [word for reader in readers for word in ("--reader", reader)]
    return subprocess.run(words, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("code", "out", "err", "kind"),
    [
        (0, b"well\n", b"", None),
        (2, b"", b"memhp x: wrong\n", None),
        (4, b"", b"", "exit code 4"),
        (-9, b"", b"", "exit code -9"),
        (2, b"", b"memhp x: wrong\nand more\n", "2 lines with exit code 2"),
        (2, b"", b"", "0 lines with exit code 2"),
        (2, b"", b"x" * 5000 + b"\n", "a line without end"),
        (0, b"\x1b[31m", b"", "control character on stdout"),
        (1, b"", "\x9b31m".encode(), "control character on stderr"),
        (0, b"\xff", b"", "stdout is no UTF-8"),
        (3, b"", b"memory ran out\n", "memory ran out"),
    ],
)
def test_what_a_command_may_not_do_is_a_fault(
    code: int, out: bytes, err: bytes, kind: str | None
) -> None:
    found = judged(code, out, err)
    assert (found and found[0]) == kind


@pytest.mark.parametrize("out", [b"{", b'{"a": NaN}', b"[" * 100_000])
def test_what_json_promises_is_json(out: bytes) -> None:
    assert judged(0, b"{}", b"", is_json=True) is None
    found = judged(0, out, b"", is_json=True)
    assert found
    assert found[0] == "--json writes no JSON"


def forever() -> int:
    while True:
        pass


def raising() -> int:
    raise RecursionError("deep")


def writing() -> int:
    Path("unasked").touch()
    return 0


def taking() -> int:
    return len(bytes(2 << 30)) * 0


def dying() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def waiting() -> int:
    signal.pause()
    return 0


def tried(work: Callable[[], int], count: int = 1) -> list[Found]:
    """What is found wrong with a command that does this."""
    found: list[Found] = []

    def make(number: int, folder: Path) -> Case:
        return Case("toy", work)

    assert run(make, iter(range(count)), 1, lambda number, each, place: found.append(each)) == count
    return found


@pytest.mark.parametrize(("often", "kinds"), [(False, []), (True, ["memory ran out"])])
def test_an_input_for_which_others_left_no_memory_is_made_anew(
    often: bool, kinds: list[str]
) -> None:
    made: list[int] = []
    found: list[str] = []

    def make(number: int, folder: Path) -> Case:
        made.append(number)
        if number == 1 and (often or len(made) > 1):
            raise MemoryError
        return Case("toy", lambda: 0)

    run(make, iter(range(2)), 1, lambda number, each, place: found.append(each.kind))
    assert found == kinds


@pytest.mark.parametrize(
    ("work", "kind"),
    [
        (forever, "overtime"),
        (raising, "traceback RecursionError"),
        (writing, "a file is written where none was asked for"),
        (taking, "traceback MemoryError"),
        (dying, "the process was killed"),
    ],
)
def test_a_fault_is_found_and_the_next_input_is_tried(
    work: Callable[[], int], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "SECONDS", 0.2)
    found = tried(work, 2)
    assert [each.kind.startswith(kind) for each in found] == [True, True], found


def test_what_waits_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "HANGS", 0.5)
    assert [each.kind for each in tried(waiting)] == ["hangs"]


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("to", "seconds", "told"),
    [
        (
            io.StringIO(),
            100,
            "1 of 5 inputs, 0 a second, 7 failed\n3 of 5 inputs, 0 a second, 7 fai",
        ),
        (io.StringIO(), 10, ""),
        (Terminal(), 0.5, "\r1 of 5 inputs, 1 a second, 7 failed\x1b[K\r3 of 5 inputs, 2 a second"),
    ],
)
def test_how_far_a_run_is_is_told_now_and_then(to: io.StringIO, seconds: float, told: str) -> None:
    times = (seconds * number for number in range(10))
    assert list(counted(range(5), 5, lambda: 7, to, lambda: next(times))) == list(range(5))
    assert to.getvalue().startswith(told)
    assert bool(to.getvalue()) == bool(told)
