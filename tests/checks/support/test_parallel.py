"""Workers: they end with their parent, whatever ends it, and nothing else makes processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

import memhp
from memhp.checks.support.parallel import CONTEXT, worker_started

_ROOT = Path(memhp.__file__).parent

_PARENT = """
import sys, threading, time
from memhp.checks.support.parallel import workers
if __name__ == "__main__":
    if {threads}:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    pool = workers(2)
    print(pool._mp_context.get_start_method(), flush=True)
    started = [pool.submit(time.sleep, 600) for _ in range(2)]
    print(*pool._processes, flush=True)
    while not all(each.running() for each in started):
        time.sleep(0.01)
    pool.submit(time.sleep, 0)
    print("working", flush=True)
    time.sleep(600)
"""


def wait_until_gone(pid: int) -> None:
    """Until there is no such process, or nobody has asked how it ended; minutes at most."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state in "ZX":
            return
        time.sleep(0.02)
    raise TimeoutError(f"process {pid} stays")


@pytest.mark.parametrize(("threads", "method"), [(0, "fork"), (1, "spawn")])
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent(
    end: signal.Signals, threads: int, method: str, tmp_path: Path
) -> None:
    """Forked only where no thread of the parent may hold a lock."""
    script = tmp_path / "parent.py"
    script.write_text(_PARENT.format(threads=threads))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == f"{method}\n"
        pids = list(map(int, parent.stdout.readline().split()))
        assert len(pids) == 2
        parent.stdout.readline()
        os.kill(parent.pid, end)
    for pid in pids:
        wait_until_gone(pid)


def test_processes_are_made_where_they_are_told_to_end_with_their_parent() -> None:
    for folder in ("checks", "cli", "lab", "machines", "reference", "engine", "spec"):
        for path in (_ROOT / folder).rglob("*.py"):
            text = path.read_text()
            if re.search(r"ProcessPoolExecutor\(|multiprocessing", text):
                assert "worker_started()" in text or "die_with(" in text, path


_HIJACKED = """
import os
open({mark!r}, "a").write(os.path.abspath(__file__))
"""


def test_no_module_of_the_working_directory_is_run_by_a_worker(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for name in ("pickle", "struct", "signal", "numpy"):
        (tmp_path / f"{name}.py").write_text(_HIJACKED.format(mark=str(mark)))
    script = tmp_path / "elsewhere" / "parent.py"
    script.parent.mkdir()
    script.write_text(
        "from memhp.checks.support.parallel import each\n"
        "if __name__ == '__main__':\n"
        "    print(list(each(pow, 2, [3, 4], jobs=2)))\n"
    )
    ended = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert ended.stdout == "[8, 16]\n", ended.stderr
    assert not mark.exists()


def test_an_interrupt_while_a_worker_starts_is_not_its_business() -> None:
    """It comes before the worker can say so itself, in the imports of Python's own start."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    process = CONTEXT.Process(target=worker_started)
    process.start()
    os.kill(process.pid or 0, signal.SIGINT)
    process.join()
    assert process.exitcode == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_an_interrupt_waits_until_a_process_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise it says with a traceback that it was not."""
    told = []

    def start(_: SpawnProcess) -> None:
        signal.raise_signal(signal.SIGINT)
        told.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    monkeypatch.setattr(SpawnProcess, "start", start)
    with pytest.raises(KeyboardInterrupt):
        CONTEXT.Process().start()
    assert told == [True], "the new process would have heard of it, too"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_forked_worker_is_ended_by_what_its_parent_handles() -> None:
    """Also while it is not ready yet: until then it has the parent's handlers."""
    script = """
import os, signal, time
from memhp.checks.support.parallel import workers
os.register_at_fork(after_in_child=lambda: time.sleep(0.5))
signal.signal(signal.SIGTERM, lambda *_: None)
pool = workers(1)
started = pool.submit(time.sleep, 600)
(worker,) = pool._processes.values()
worker.terminate()
while worker.exitcode is None:  # the pool's thread waits for it, too: join() may not
    time.sleep(0.01)
print(worker.exitcode)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300
    )
    assert ended.stdout == "-15\n", ended.stderr


def test_workers_are_forked_also_after_others_have_ended(tmp_path: Path) -> None:
    """Else it would be luck whether a script without a guard of its main module works."""
    script = """
from memhp.checks.support.parallel import each, workers
for _ in range(10):
    with workers(2) as pool:
        print(pool._mp_context.get_start_method(), *pool.map(abs, [1, -2]))
for _ in range(5):
    print(*each(pow, 2, [3, 4], jobs=2))
    try:
        list(each(pow, 2, [3, "4"], jobs=2))
    except TypeError:
        print("no number")
    left = each(pow, 2, [3, 4], jobs=2)
    next(left)
    left.close()
"""
    path = tmp_path / "script.py"
    path.write_text(script)
    ended = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=300)
    assert ended.stdout == 10 * "fork 1 2\n" + 5 * "8 16\nno number\n", ended.stderr


def test_what_is_interrupted_waits_for_no_worker() -> None:
    script = """
import signal, time
from memhp.checks.support.parallel import each
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.alarm(1)
def wait(_, seconds):
    time.sleep(seconds)
try:
    list(each(wait, None, [600, 600, 600], jobs=2))
except KeyboardInterrupt:
    print("interrupted")
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300
    )
    assert (ended.stdout, ended.stderr) == ("interrupted\n", "")
