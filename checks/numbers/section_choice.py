"""Which section size and table layout to choose: look-up cost, Pareto front, optimum (R1, R2).

Costs are exact fractions, so that z3 and plain Python compare the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from memhp.spec.numbers.architectures import KIB, MIB, Architecture
from memhp.spec.numbers.section_size import CONSTRAINTS, LOOK_UP_LOADS, Memory

from ..proof.solvers import interruptible
from ..support.verdicts import Verdict
from .section_size import Candidate

__all__ = [
    "CRITERIA",
    "ITANIUM2",
    "CacheLevel",
    "Choice",
    "LookUpCosts",
    "Optimum",
    "choices",
    "load_cycles",
    "optimum",
    "pareto_front",
    "show_optimal",
    "weighted_costs",
]

_RESOURCES = 50_000_000

_BITS = 65
"""Sizes of 2**64 bytes and less are looked at: no address space is larger."""

_POINTER = 8
"""Bytes of a root's pointer."""


@dataclass(frozen=True)
class CacheLevel:
    """A data cache: its size in bytes, and the cycles of a load that hits it."""

    name: str
    size: int
    cycles: int


@dataclass(frozen=True)
class LookUpCosts:
    """The costs of a load from the section table; times in cycles, sizes in bytes."""

    name: str
    levels: tuple[CacheLevel, ...]
    """From the nearest on, each holding what those before it hold."""
    line: int
    """The smallest line of a cache."""
    memory: int
    """Cycles of a load that misses every cache."""
    usable: Fraction
    """The share of each cache that the table may take: the rest belongs to other data."""
    translated: int
    """So much of the table has a translation that never leaves the TLB."""
    translation: int
    """Added when the entry lies outside of that."""
    source: str


ITANIUM2 = LookUpCosts(
    "itanium2",
    (
        CacheLevel("L1", 16 * KIB, 2),
        CacheLevel("L2", 256 * KIB, 6),
        CacheLevel("L3", 3 * MIB, 16),
    ),
    line=64,
    memory=16 + 208,
    usable=Fraction(1, 4),
    translated=16 * MIB,
    translation=15,
    source="latencies and lines: 7-cpu.com, Itanium 2 at 1300 MHz (160 ns to memory, 15 cycles for"
    " the VHPT walker, lines of 64 bytes in L1 and 128 beyond); assumed: a quarter of each cache,"
    " one granule of 16 MiB pinned in the TLB",
)
"""The stated costs; the two assumptions in it are ours."""


def load_cycles(size: int, costs: LookUpCosts) -> Fraction:
    """Expected cycles of a load from anywhere in `size` bytes, each equally likely.

    >>> load_cycles(4 * KIB, ITANIUM2), load_cycles(8 * KIB, ITANIUM2)
    (Fraction(2, 1), Fraction(4, 1))
    """
    cycles, held = Fraction(0), Fraction(0)
    for level in costs.levels:
        fits = min(Fraction(1), costs.usable * level.size / size)
        cycles += max(Fraction(0), fits - held) * level.cycles
        held = max(held, fits)
    outside = max(Fraction(0), 1 - Fraction(costs.translated, size))
    return cycles + (1 - held) * costs.memory + outside * costs.translation


def held(arrays: Sequence[int], costs: LookUpCosts) -> dict[str, Fraction]:
    """The share of arrays of so many bytes that each cache level holds, by the level's name.

    Each array has the usable share of a level to itself, as `load_cycles` counts.

    >>> held([8 * KIB], ITANIUM2)["L1"]
    Fraction(1, 2)
    """
    return {
        level.name: sum(min(Fraction(size), costs.usable * level.size) for size in arrays)
        / Fraction(sum(arrays))
        for level in costs.levels
    }


def lines_touched(entries: Iterable[int], costs: LookUpCosts) -> int:
    """The number of cache lines that loads of so many bytes touch, each aligned to its size.

    >>> lines_touched([8, 16], ITANIUM2)
    2
    """
    return sum(-(-size // costs.line) for size in entries)


@dataclass(frozen=True)
class Choice:
    """A section size with a layout of its table, and the cost of a look-up there."""

    candidate: Candidate
    layout: str
    """"flat" or "two-level"."""
    table: int
    """Bytes of the table."""
    loads: int
    """Loads from the table that a look-up makes."""
    cycles: Fraction
    """Expected cycles of these loads."""
    lines: int
    """Cache lines that these loads touch."""
    looked_up: int
    """Bytes of the table that belong to present sections: no others are loaded."""
    held: Mapping[str, Fraction]
    """The share of `looked_up` that each cache level holds."""


CRITERIA: dict[str, Callable[[Choice], Fraction]] = {
    "table": lambda choice: Fraction(choice.table),
    "waste": lambda choice: Fraction(choice.candidate.memmap_on_holes),
    "removable": lambda choice: 1 - Fraction(choice.candidate.removable),
    "lookup": lambda choice: choice.cycles,
}
"""What should be small: bytes of table, bytes of mem_map on holes, share not removable, cycles."""


def choices(
    arch: Architecture, candidates: Iterable[Candidate], costs: LookUpCosts = ITANIUM2
) -> list[Choice]:
    """The choices: each candidate with either layout of its table.

    Entries of present sections are looked up, no others.

    Args:
        arch: the architecture, whose entries have so many bytes.
        candidates: the section sizes.
        costs: what a load takes.
    """
    result = []
    for candidate in candidates:
        entries, pointers = candidate.present * arch.mem_section, candidate.roots * _POINTER
        arrays = {"flat": [entries], "two-level": [pointers, entries]}
        loaded = {"flat": [arch.mem_section], "two-level": [_POINTER, arch.mem_section]}
        tables = {"flat": candidate.flat_table, "two-level": candidate.two_level_table}
        result += [
            Choice(
                candidate,
                layout,
                table,
                LOOK_UP_LOADS[layout],
                sum((load_cycles(size, costs) for size in arrays[layout]), Fraction(0)),
                lines_touched(loaded[layout], costs),
                sum(arrays[layout]),
                held(arrays[layout], costs),
            )
            for layout, table in tables.items()
        ]
    return result


def _feasible(options: Iterable[Choice]) -> list[Choice]:
    return [choice for choice in options if not choice.candidate.forbidden_by]


def pareto_front(options: Sequence[Choice]) -> list[Choice]:
    """The feasible choices that no other feasible one equals or betters in every criterion.

    Of choices that are equal in every criterion, all stay.
    """
    valued = [
        (choice, [value(choice) for value in CRITERIA.values()]) for choice in _feasible(options)
    ]
    return [
        choice
        for choice, mine in valued
        if not any(
            theirs != mine and all(a <= b for a, b in zip(theirs, mine, strict=True))
            for _, theirs in valued
        )
    ]


def weighted_costs(options: Sequence[Choice], weights: Mapping[str, Fraction]) -> list[Fraction]:
    """The weighted cost of each choice, without a unit.

    A criterion counts by its share of the worst value that a feasible choice has.

    Args:
        options: the choices, forbidden ones included.
        weights: how much each of `CRITERIA` counts, at least 0.
    """
    worst = {
        name: max(map(value, _feasible(options)), default=Fraction(0))
        for name, value in CRITERIA.items()
    }
    return [
        sum(
            (
                weights[name] * value(choice) / worst[name]
                for name, value in CRITERIA.items()
                if worst[name]
            ),
            Fraction(0),
        )
        for choice in options
    ]


@dataclass(frozen=True)
class Optimum:
    """A cheapest feasible choice, its weighted cost, and z3's verdict that none is cheaper."""

    choice: Choice
    cost: Fraction
    verdict: Verdict


def optimum(
    arch: Architecture, asks: Memory, options: Sequence[Choice], weights: Mapping[str, Fraction]
) -> Optimum | None:
    """The cheapest feasible choice, of equals the smallest section; None if none is feasible.

    Args:
        arch: whose constraints hold.
        asks: what the map asks of a section, as `memory_of` has it.
        options: the choices, forbidden ones included.
        weights: how much each of `CRITERIA` counts, at least 0.
    """
    costs = weighted_costs(options, weights)
    allowed = [
        (cost, choice)
        for cost, choice in zip(costs, options, strict=True)
        if not choice.candidate.forbidden_by
    ]
    if not allowed:
        return None
    cost, best = min(allowed, key=lambda each: (each[0], each[1].candidate.section))
    return Optimum(best, cost, show_optimal(arch, asks, options, costs, best))


def show_optimal(
    arch: Architecture,
    asks: Memory,
    options: Sequence[Choice],
    costs: Sequence[Fraction],
    best: Choice,
) -> Verdict:
    """The verdict of z3 that `best` is feasible, and that no feasible choice costs less.

    Feasible is what the constraints of `spec/numbers/section_size.py` say of a variable;
    `Candidate.forbidden_by` is not looked at. If they allow a power of two that is not among
    the options, nothing is known of its cost, and the verdict is *undetermined*.

    Args:
        arch: whose constraints hold.
        asks: what the map asks of a section.
        options: the choices, forbidden ones included.
        costs: the cost of each.
        best: the one that is claimed to be cheapest.
    """
    import z3

    section, layout, cost = z3.Int("section"), z3.String("layout"), z3.Real("cost")

    def is_(choice: Choice) -> object:
        size = section == choice.candidate.section
        return z3.And(size, layout == z3.StringVal(choice.layout))

    solver = interruptible(z3.Solver())
    solver.set("rlimit", _RESOURCES)
    solver.add(*(holds(arch, asks, section) for holds in CONSTRAINTS.values()))
    sizes = {choice.candidate.section for choice in options}
    others = [section == 1 << bits for bits in range(_BITS) if 1 << bits not in sizes]
    unpriced = solver.check(z3.Or(*others))
    solver.add(z3.Or(*map(is_, options)))
    for choice, price in zip(options, costs, strict=True):
        solver.add(z3.Implies(is_(choice), cost == z3.Q(price.numerator, price.denominator)))
    feasible = solver.check(is_(best))
    bound = costs[options.index(best)]
    cheaper = solver.check(cost < z3.Q(bound.numerator, bound.denominator))
    if feasible == z3.sat and cheaper == unpriced == z3.unsat:
        return Verdict.proved
    refuted = feasible == z3.unsat or cheaper == z3.sat
    return Verdict.refuted if refuted else Verdict.undetermined
