"""How much is tried; what a candidate may speak of, first little, then more; which come first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from math import log10

from memhp.spec.language.system import System
from memhp.spec.language.terms import Var

from ..proof.case import Limits
from ..proof.obligations import Obligation
from .clauses import Cube
from .words import Writer

__all__ = ["REACHES", "Effort", "Reach", "about", "rank"]


@dataclass(frozen=True)
class Effort:
    """How much is tried.  It is not measured in seconds: the same is found on every machine.

    Attributes:
        rounds: how often what does not go through yet is looked at.
        candidates: how many are tried for each counterexample.
        limits: how much work an answer of a solver may cost.
    """

    rounds: int = 24
    candidates: int = 16
    limits: Limits = field(default_factory=lambda: Limits(z3=500_000, ground=3_000_000))


@dataclass(frozen=True)
class Reach:
    """How much a candidate may speak of: ``wide``: more symbols; ``numbers`` of elements.

    ``fours``: it has four literals, no fewer.
    """

    wide: bool
    numbers: tuple[int, ...]
    fours: bool = False


REACHES = (
    *(Reach(wide, (number,)) for wide in (False, True) for number in (1, 2)),
    Reach(wide=False, numbers=(1, 2), fours=True),
    *(Reach(wide=True, numbers=(number,)) for number in (3, 4, 5)),
)
"""More is looked at only where nothing was found before."""


def about(
    system: System, writer: Writer, obligation: Obligation, names: frozenset[str], reach: Reach
) -> Iterator[tuple[Var, ...]]:
    """What to speak of: one element, or two of the sorts that the obligation is about.

    A wide reach: so many, of all sorts that the symbols are about, but two of a sort at most.

    Args:
        system: the specification.
        writer: names the elements.
        obligation: what is not proved.
        names: of the symbols.
        reach: how much.
    """
    mine = dict.fromkeys(var.sort for var in obligation.constants)
    symbols = (*system.topology, *(variable.symbol for variable in system.variables))
    read = (symbol for symbol in symbols if symbol.name in names)
    others = dict.fromkeys(sort for symbol in read for sort in symbol.domain)
    sorts = mine | others if reach.wide else mine
    for number in reach.numbers:
        for chosen in combinations_with_replacement(sorts if number > 1 else mine | others, number):
            unbounded = any(sort.members is None for sort in chosen)
            if unbounded and max(map(chosen.count, chosen)) < 3:
                yield writer.variables(*chosen)


def rank(cube: Cube, variables: Sequence[Var]) -> float:
    """Less for what is simpler, and for what chance alone would not explain."""
    return cube.cost + 2 * len(variables) - 2 * min(4.0, log10(cube.expected + 0.01))
