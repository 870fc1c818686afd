"""`memhp explore` when it is bounded or interrupted: what it says, and that it leaves nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memhp.checks.support.compiler import compiler

COMMAND = [sys.executable, "-m", "memhp.cli.main", "explore"]
LARGE = ["--scope", "block=5,frame=15", "--machine", "1", "--actions"]
LARGE += ["blocks,alloc_kernel,free_kernel", "--count"]
SMALL = ["--scope", "block=2", "--machine", "1"]
LONG = 600.0
"""Seconds to wait for what comes at once, on a machine that has much else to do."""

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")


def run(*argv: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    where = {**os.environ, "TMPDIR": str(folder)} if folder else None
    return subprocess.run([*COMMAND, *argv], capture_output=True, text=True, check=False, env=where)


def children(process: int) -> list[int]:
    """The processes that a process has started and that still run."""
    tasks = Path(f"/proc/{process}/task/{process}/children")
    return list(map(int, tasks.read_text().split())) if tasks.exists() else []


def gone(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_an_interrupted_search_says_what_it_covered_and_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, *LARGE, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stderr
    line = process.stderr.readline()
    assert "states" in line
    started = children(process.pid)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=LONG)
    assert process.returncode == 130
    (machine,) = json.loads(out)["machines"]
    assert machine["end"] == "interrupted"
    assert sum(machine["layers"]) <= machine["states"]
    assert machine["depth"] == len(machine["layers"]) - 1
    assert all(map(gone, started))
    assert list(tmp_path.iterdir()) == []


def test_without_a_compiler_an_interrupt_shows_the_layers_that_were_done() -> None:
    process = subprocess.Popen(
        [*COMMAND, *LARGE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CC": "no-such-compiler"},
    )
    assert process.stderr
    for line in iter(process.stderr.readline, ""):
        if re.search(r"depth [1-9]", line):  # a line each second: any depth may be missing
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=LONG)
    assert process.returncode == 130
    assert re.search(r"depth \d+; interrupted: every state within \d+ steps", out)


@pytest.mark.slow
def test_a_line_each_second_says_how_far_the_search_is() -> None:
    """Layers of several seconds are no reason for silence."""
    done = run(*LARGE, "--jobs", "1", "--memory", "120M")
    lines = [line for line in done.stderr.splitlines() if "million states a second" in line]
    seconds = float(re.findall(r"([\d.]+) s \(compiled\)", done.stdout)[0])
    states = [int(re.findall(r"([\d,]+) states", line)[0].replace(",", "")) for line in lines]
    assert states
    assert states == sorted(states)
    assert len(lines) <= seconds + 2


def test_when_memory_runs_out_it_holds_to_a_depth(tmp_path: Path) -> None:
    claim = ["--only", "a_removable_block_is_full", "--only", "folios_do_not_share_frames"]
    done = run(*SMALL, *claim, "--memory", "20M", "-q", folder=tmp_path)
    assert done.returncode == 3
    covered = re.search(r"memory ran out: every state within (\d+) steps, and some", done.stdout)
    assert covered
    assert int(covered[1]) > 2
    assert f"holds to depth {covered[1]}\n" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_depth_is_a_bound_too() -> None:
    done = run(*SMALL, "--only", "folios_do_not_share_frames", "--depth", "4", "-q")
    assert done.returncode == 0
    assert "every state within 4 steps" in done.stdout
    assert "holds to depth 4\n" in done.stdout


def test_a_dead_end_is_counted_and_the_first_is_shown() -> None:
    """With nothing but the start of an offline, a machine is stuck as soon as it is taken."""
    argv = [*SMALL, "--actions", "begin_offline", "--count"]
    assert "1 states without a step; the first after 1 steps" in run(*argv).stdout
    (machine,) = json.loads(run(*argv, "--json", "-q").stdout)["machines"]
    assert machine["states"] == 2
    assert machine["deadlocks"] == 1
    assert [action for action, _ in machine["deadlock"]] == ["begin_offline"]
