"""How a reader is run: as a command of memhp, or as a function that is taken for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from memhp.cli.files import fail
from memhp.cli.main import main

from .bounded import Case

__all__ = ["Reader", "command", "said"]

Reader = Callable[[Random, Path], Case]
"""Makes an input in the folder, and says how it is read."""


def command(reader: str, *words: str, writes: frozenset[str] = frozenset()) -> Case:
    return Case(reader, lambda: main(words), json="--json" in words, writes=writes)


def said(work: Callable[[], object], *refusals: type[Exception]) -> Callable[[], int]:
    """A function as if it were a command: what it refuses is told in a line, with exit code 2."""

    def run() -> int:
        try:
            work()
        except refusals as error:
            return fail("lab", error)
        return 0

    return run
