"""Exhaustive search against Spin, on the same exported models, in the same run.

Prints, for each model, processor time, wall time and peak memory of Spin's
program (compiled as Spin's manual advises for speed, its own time to generate
and compile left out) and of the whole command `memhp explore` on one thread,
without and with symmetry; the numbers of states and transitions must be equal.

    python tests/bench/explore.py            # about fifteen minutes, 10 GB
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

MOVES = "blocks,frames,migration,destination,fault,unmap"
KERNEL = "blocks,alloc_kernel,free_kernel"
MODELS = (
    ("folios move", ["--scope", "block=2,frame=3,folio=2", "--actions", MOVES], 40_000_000),
    ("kernel frames", ["--scope", "block=5,frame=13", "--actions", KERNEL], 20_000_000),
    ("more alike", ["--scope", "block=5,frame=15", "--actions", KERNEL], 40_000_000),
)
EXPLORE = [sys.executable, "-m", "memhp.cli.main", "explore", "--machine", "1", "--slice"]


def measured(what: str, command: Sequence[str], folder: Path) -> tuple[str, float]:
    """Run it and print what it took; returns its output and its processor time."""
    started = perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, output
    seconds = usage.ru_utime + usage.ru_stime
    wall, megabytes = perf_counter() - started, usage.ru_maxrss >> 10
    print(f"  {what:24} {seconds:8.1f} s CPU {wall:8.1f} s wall {megabytes:7} MB", flush=True)
    return output, seconds


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found[1])


def compare(
    name: str, arguments: list[str], deepest: int, folder: Path
) -> list[tuple[str, int, float]]:
    """One model: Spin, then the search without and with symmetry.

    Returns for each search its name, its states, and how many times as fast as Spin it is.
    """
    print(name, *arguments)
    question = [*EXPLORE, *arguments, "--count"]
    subprocess.run([*question, "--promela", str(folder / "model.pml")], check=True)
    subprocess.run(["spin", "-o2", "-a", "model.pml"], cwd=folder, check=True)
    flags = ["-O2", "-w", "-DSAFETY", "-DNOREDUCE"]
    subprocess.run(["cc", *flags, "-o", "pan", "pan.c"], cwd=folder, check=True)
    spin, slow = measured("Spin", [str(folder / "pan"), f"-m{deepest}"], folder)
    assert "max search depth too small" not in spin, "give Spin more depth"
    found = []
    for what, more in (("memhp explore", []), ("memhp explore --symmetry", ["--symmetry"])):
        command = [*question, *more, "--json", "-q", "--jobs", "1", "--memory", "4G"]
        output, seconds = measured(what, command, folder)
        machine = json.loads(output)["machines"][0]
        if not more:
            # Spin prints eight digits of a large number.
            states = number(r"([\d.e+]+) states, stored", spin)
            assert abs(machine["states"] - states) <= 1e-7 * states
            transitions = number(r"([\d.e+]+) transitions", spin) - 1
            assert abs(machine["transitions"] - transitions) <= 1e-7 * transitions + 1
        counted = f"{machine['states']:,} states, {machine['transitions']:,} transitions"
        print(f"    {counted}: {slow / seconds:.1f} times as fast as Spin")
        found.append((what, machine["states"], slow / seconds))
    return found


def main() -> None:
    with TemporaryDirectory() as name:
        for model in MODELS:
            compare(*model, Path(name))


if __name__ == "__main__":
    main()
