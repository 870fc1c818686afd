"""How many operations a second the reference and the engine do in lock step.

Run it as `python tests/bench/walk.py [OPERATIONS]`; it is a measurement, not a test.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter, process_time

from memhp.checks.fuzz.topologies import SHAPES, built
from memhp.checks.fuzz.walk import Walk, walk
from memhp.engine.target import EngineTarget
from memhp.spec.system import SYSTEM


def one(name: str, steps: int) -> tuple[str, Walk, float]:
    """Walk on one topology: what came of it, and the seconds of processor time."""
    started = process_time()
    found = walk(SYSTEM, EngineTarget(), built(name), steps=steps, seed=2)
    return name, found, process_time() - started


def everywhere(steps: int) -> list[tuple[str, Walk, float]]:
    """Walk for so many operations in all, on every topology, two at a time."""
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(one, SHAPES, [steps // len(SHAPES)] * len(SHAPES)))


def main() -> None:
    """Print what came of each walk."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    started = perf_counter()
    runs = everywhere(steps)
    for name, found, seconds in runs:
        print(
            f"{name}: {found.steps:,} operations, {found.share_changed:.0%} changed something,"
            f" {seconds:.0f} s of processor time, {found.steps / seconds:,.0f} a second"
        )
        print(found.divergence or "no divergence")
    print(f"{perf_counter() - started:.0f} s in all")


if __name__ == "__main__":
    main()
