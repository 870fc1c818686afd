"""What kernels have shown, as kernel CI reads it: KTAP, version 1.

Source: Documentation/dev-tools/ktap.rst.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .output.streams import one_line

if TYPE_CHECKING:
    from memhp.lab.conform.results import Seen

__all__ = ["Tested", "ktap", "tests_of"]

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


@dataclass(frozen=True)
class Tested:
    """One test of a kernel: whether it is as it should be, and what there is to say."""

    name: str
    agrees: bool
    note: str = ""
    seconds: float = 0.0


def tests_of(seen: Seen) -> Iterator[Tested]:
    """What a kernel was tested for: each operation, each scenario, and that no guest is lost."""
    for name, tally in seen.operations.items():
        note = f"{tally.steps} steps, {tally.changed} changed, {tally.disagreed} disagreed"
        yield Tested(name, tally.agrees, note, tally.seconds)
    for name, agrees in seen.scenarios.items():
        yield Tested(name, agrees)
    yield Tested("no guest is lost", not seen.lost, f"{seen.lost} lost" if seen.lost else "")


def _within(seen: Seen) -> Iterator[str]:
    tests = list(tests_of(seen))
    yield _HEAD
    yield f"1..{len(tests)}"
    yield f"# {one_line(seen.version)}, seed {seen.seed}"
    for number, test in enumerate(tests, 1):
        if test.note:
            yield f"# {_name(test.name)}: {test.note}"
        yield f"{_word(test.agrees)} {number} {_name(test.name)}"


def _word(agrees: bool) -> str:
    return "ok" if agrees else "not ok"


def _name(text: str) -> str:
    """A description: a # in it would begin a directive."""
    return one_line(text).replace("#", "")
