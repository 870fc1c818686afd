"""How long somebody waits for the answer on a design of their own, and on the next edit of it.

    python tests/bench/designs.py

Each example is checked from nothing, again, and with one of its guards edited.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.proof import run

FOLDER = Path(__file__).parents[2] / "examples" / "designs"
EDITS: Mapping[str, tuple[str, str]] = {
    "pgdat_relocated": ("node_of_section(s) == n, errno", "present[s], errno"),
    "kernel_reserve": ("at_least(RESERVE + 1, Frame", "at_least(RESERVE, Frame"),
    "budget_in_bytes": ("+ FOLIO <= BUDGET)", "+ FOLIO <= BUDGET + FOLIO)"),
    "cache_freed_early": ("stage[o] == Stage.moved, why", "stage[o] != Stage.idle, why"),
    "kernel_in_a_hurry": ("| ~elsewhere", "| elsewhere"),
}
"""In each example a condition of a guard, and another."""


def results(*, quick: bool = False) -> Iterator[tuple[str, str]]:
    """What was measured, and the result with its unit."""
    for name, (old, new) in list(EDITS.items())[: 1 if quick else None]:
        with TemporaryDirectory() as folder:
            text = (FOLDER / f"{name}.py").read_text()
            if text.count(old) != 1:
                raise ValueError(f"{name} does not have {old!r} once")
            design, variables = Path(folder, f"{name}.py"), {"XDG_CACHE_HOME": folder}
            for moment, written in (
                ("from nothing", text),
                ("again", text),
                ("a guard edited", text.replace(old, new)),
            ):
                design.write_text(written)
                seconds, said = run(["check", "--design", str(design)], variables)
                yield f"{name}, {moment}", f"{seconds:.1f} s; {said.partition(':')[0]}"


if __name__ == "__main__":
    for what, result in results():
        print(f"{what}: {result}", flush=True)
