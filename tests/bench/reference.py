"""How many steps a second the reference takes on 4 nodes x 8 blocks x 8 frames.

Run it with `make bench`; it is a measurement, not a test.
"""

from __future__ import annotations

import platform
from random import Random
from time import perf_counter

from memhp.reference import Machine, Shape
from memhp.spec.system import SYSTEM

LIFE = (
    ("alloc_folio", lambda o, f: (o, f, "anonymous")),
    ("fault", lambda o, f: (o,)),
    ("store", lambda o, f: (o, 0)),
    ("unmap", lambda o, f: (o,)),
    ("alloc_kernel", lambda o, f: (f,)),
    ("free_kernel", lambda o, f: (f,)),
    ("free_folio", lambda o, f: (o,)),
)
"""The life of a folio, and an attempt of the kernel to take a frame."""


def measured(rounds: int = 60_000) -> tuple[float, float]:
    """Steps a second, and the share that changed the state.

    Steps are taken in the order of `LIFE` on random frames and folios; some are refused.
    """
    shape = Shape(nodes=4, blocks=8, frames=8, folios=64, ptes=64, movable=frozenset(range(16, 32)))
    machine = Machine(SYSTEM, shape.build(SYSTEM))
    random = Random(0)
    frames, step = shape.sizes["Frame"], machine.step
    work = [
        (name, params(random.randrange(64), random.randrange(frames)))
        for _ in range(rounds // len(LIFE))
        for name, params in LIFE
    ]
    for name, params in work[: len(LIFE)]:
        step(name, *params)
    started = perf_counter()
    taken = sum(bool(step(name, *params)) for name, params in work)
    seconds = perf_counter() - started
    return len(work) / seconds, taken / len(work)


def main() -> None:
    """Print both."""
    rate, taken = measured()
    print(f"{platform.machine()}, Python {platform.python_version()}")
    print(f"{rate:,.0f} steps a second")
    print(f"{taken:.0%} of them changed the state, the rest were refused")


if __name__ == "__main__":
    main()
