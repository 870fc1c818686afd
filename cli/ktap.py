"""What kernels have shown, as kernel CI reads it: KTAP, version 1.

Source: Documentation/dev-tools/ktap.rst.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .output.streams import one_line

if TYPE_CHECKING:
    from memhp.lab.conform.results import Seen

__all__ = ["ktap"]

_HEAD = "KTAP version 1"


def ktap(kernels: Iterable[Seen]) -> Iterator[str]:
    """The lines: a test for each kernel, and within it one for each operation and scenario."""
    tests = list(kernels)
    yield _HEAD
    yield f"1..{len(tests)}"
    for number, seen in enumerate(tests, 1):
        for line in _within(seen):
            yield f"  {line}"
        yield f"{_word(seen.agrees)} {number} {_name(seen.kernel)}"


def _within(seen: Seen) -> Iterator[str]:
    yield _HEAD
    yield f"1..{len(seen.operations) + len(seen.scenarios) + 1}"
    yield f"# {one_line(seen.version)}, seed {seen.seed}"
    number = 0
    for name, tally in seen.operations.items():
        number += 1
        yield f"# {name}: {tally.steps} steps, {tally.changed} changed, {tally.disagreed} disagreed"
        yield f"{_word(tally.agrees)} {number} {_name(name)}"
    for name, agrees in seen.scenarios.items():
        number += 1
        yield f"{_word(agrees)} {number} {_name(name)}"
    yield f"{_word(not seen.lost)} {number + 1} no guest is lost"


def _word(agrees: bool) -> str:
    return "ok" if agrees else "not ok"


def _name(text: str) -> str:
    """A description: a # in it would begin a directive."""
    return one_line(text).replace("#", "")
