"""Work beside a process: its results come while there are any, whatever becomes of it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from memhp.checks.support.beside import beside

_BEGIN = """
import os, signal
from memhp.checks.support.beside import beside
"""
_SCRIPTS = {
    "results come from another process in their order": """
def work(take):
    for number in range(3):
        take((number, os.getpid()))
with beside(work) as results:
    (first, process), *others = results
assert (first, others) == (0, [(1, process), (2, process)])
assert process != os.getpid()
""",
    "the work goes on while nobody takes its results": """
done, told = os.pipe()
def work(take):
    for number in range(100):
        take((number, bytes(1000)))
    os.write(told, b"!")
with beside(work) as results:
    assert os.read(done, 1) == b"!"
    assert [number for number, _ in results] == list(range(100))
""",
    "results end where the work fails": """
def work(take):
    take(1)
    raise ValueError("no more")
with beside(work) as results:
    assert list(results) == [1]
""",
    "results end where the work is killed": """
def work(take):
    take(1)
    os.kill(os.getpid(), signal.SIGKILL)
with beside(work) as results:
    assert list(results) == [1]
""",
    "work that nobody waits for ends": """
def work(take):
    take(os.getpid())
    signal.pause()
with beside(work) as results:
    process = next(results)
try:
    os.kill(process, 0)
except ProcessLookupError:
    pass
else:
    raise AssertionError("it is still there")
""",
}


@pytest.mark.parametrize("what", _SCRIPTS)
def test_beside_a_process_that_is_alone(what: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + _SCRIPTS[what]],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_beside_a_thread_nothing_is_made_ahead() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    with beside(lambda take: take(1)) as results:
        assert list(results) == []
    end.set()
    thread.join()
