"""The choice of a section size: cycles by hand, the front and the optimum by brute force."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from memhp.checks.numbers.section_choice import (
    CRITERIA,
    ITANIUM2,
    Choice,
    choices,
    load_cycles,
    optimum,
    pareto_front,
    show_optimal,
    weighted_costs,
)
from memhp.checks.numbers.section_size import candidates, memory_of
from memhp.checks.support.verdicts import Verdict
from memhp.spec.numbers.architectures import (
    ARCHITECTURES,
    GIB,
    KIB,
    MIB,
    Architecture,
    architecture,
)
from memhp.spec.numbers.section_size import ANY_MEMORY, CONSTRAINTS, Memory

IA64 = architecture("ia64-16k")
EVEN = dict.fromkeys(CRITERIA, Fraction(1))


def options_on(arch: Architecture, random: Random) -> tuple[Memory, list[Choice]]:
    """The choices for a map of up to 1 TiB with a few holes, and what it asks of them."""
    edges = sorted(random.sample(range(1 << 14), 8))
    ranges = [(a * 64 * MIB, b * 64 * MIB) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    options = choices(arch, candidates(arch, ranges, kernel_frames=random.randrange(5000)))
    return memory_of(ranges), options


def test_cycles_are_those_worked_out_by_hand() -> None:
    """A quarter of the caches: 4 KiB at 2 cycles, 64 KiB at 6, 768 KiB at 16, memory at 224."""
    assert load_cycles(8, ITANIUM2) == 2
    assert load_cycles(64 * KIB, ITANIUM2) == Fraction(2 + 15 * 6, 16)
    assert load_cycles(1536 * KIB, ITANIUM2) == Fraction(
        4 * 2 + 60 * 6 + 704 * 16 + 768 * 224, 1536
    )


def test_half_of_a_table_of_two_granules_needs_a_translation() -> None:
    cold = replace(ITANIUM2, levels=())
    assert load_cycles(16 * MIB, cold) == 224
    assert load_cycles(32 * MIB, cold) == 224 + Fraction(15, 2)


def test_a_larger_table_is_never_faster() -> None:
    cycles = [load_cycles(1 << bits, ITANIUM2) for bits in range(3, 36)]
    assert cycles == sorted(cycles)


def test_a_flat_table_is_one_load_and_a_two_level_table_two() -> None:
    flat, two = choices(IA64, candidates(IA64, [(0, 1 << 50)], range(30, 31)))
    assert (flat.loads, two.loads) == (1, 2)
    assert flat.cycles == load_cycles(16 * MIB, ITANIUM2)  # 2**20 sections of 16 bytes
    assert two.cycles == flat.cycles + load_cycles(8 * KIB, ITANIUM2)  # 1024 roots


@pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda a: a.name)
def test_the_optimum_is_that_of_brute_force_and_z3_agrees(arch: Architecture) -> None:
    random = Random(arch.name)
    asks, options = options_on(arch, random)
    weights = {name: Fraction(random.randrange(1, 100), 10) for name in CRITERIA}
    worst = {
        name: max(value(it) for it in options if not it.candidate.forbidden_by) or 1
        for name, value in CRITERIA.items()
    }
    cheapest = None
    for it in options:
        if all(holds(arch, asks, it.candidate.section) for holds in CONSTRAINTS.values()):
            cost = sum(weights[name] * CRITERIA[name](it) / worst[name] for name in CRITERIA)
            cheapest = cost if cheapest is None else min(cost, cheapest)
    best = optimum(arch, asks, options, weights)
    assert best is not None
    assert best.cost == cheapest
    assert best.verdict is Verdict.proved
    assert best.choice in pareto_front(options)


@pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda a: a.name)
@pytest.mark.parametrize("end", [64 * MIB, 3 * GIB, 1 << 40, 1 << 46])
def test_every_size_that_the_constraints_allow_is_a_candidate(arch: Architecture, end: int) -> None:
    ranges = [(0, end)]
    allowed = {
        1 << bits
        for bits in range(80)
        if all(holds(arch, memory_of(ranges), 1 << bits) for holds in CONSTRAINTS.values())
    }
    listed = candidates(arch, ranges)
    assert {it.section for it in listed if not it.forbidden_by} == allowed
    assert arch.section in {it.section for it in listed}


def test_a_large_map_without_small_holes_is_cheapest_with_sections_above_128_gib() -> None:
    """1 PiB with 1000 holes of 64 MiB: 1 TiB less 64 MiB between them, so 512 GiB fits."""
    step = (1 << 50) // 1000 // GIB * GIB
    ranges = [(i * step, (i + 1) * step - 64 * MIB) for i in range(1000)]
    weights = {**EVEN, "waste": Fraction(0), "removable": Fraction(0)}
    options = choices(IA64, candidates(IA64, ranges, kernel_frames=1000))
    best = optimum(IA64, memory_of(ranges), options, weights)
    assert best is not None
    assert best.choice.candidate.section == memory_of(ranges).whole > 128 * GIB
    assert best.verdict is Verdict.proved


def test_a_size_that_is_allowed_and_not_looked_at_leaves_it_undetermined() -> None:
    ranges = [(0, 1 << 40)]
    options = choices(IA64, candidates(IA64, ranges, range(21, 38)))
    best = optimum(IA64, memory_of(ranges), options, EVEN)
    assert best is not None
    assert best.verdict is Verdict.undetermined


def test_what_the_caches_hold_by_hand() -> None:
    """A quarter of 16 KiB, 256 KiB and 3 MiB; entries of 16 MiB, 8 KiB of pointers."""
    flat, two = choices(IA64, candidates(IA64, [(0, 1 << 50)], range(30, 31)))
    assert (flat.lines, two.lines) == (1, 2)
    assert (flat.looked_up, two.looked_up) == (16 * MIB, 16 * MIB + 8 * KIB)
    assert flat.held == {
        "L1": Fraction(4, 16384),
        "L2": Fraction(64, 16384),
        "L3": Fraction(768, 16384),
    }
    assert two.held == {
        "L1": Fraction(4 + 4, 16392),
        "L2": Fraction(64 + 8, 16392),
        "L3": Fraction(768 + 8, 16392),
    }


def test_the_front_is_what_nothing_dominates() -> None:
    options = choices(IA64, candidates(IA64, [(0, 1 << 50)], kernel_frames=99))
    front = pareto_front(options)
    feasible = [it for it in options if not it.candidate.forbidden_by]
    assert 1 < len(front) < len(feasible)
    for it in feasible:
        dominated = any(
            all(value(other) <= value(it) for value in CRITERIA.values())
            and any(value(other) < value(it) for value in CRITERIA.values())
            for other in feasible
        )
        assert (it in front) is not dominated


def test_z3_refutes_a_choice_that_is_not_the_cheapest() -> None:
    asks, options = options_on(IA64, Random(3))
    costs = weighted_costs(options, EVEN)
    best = optimum(IA64, asks, options, EVEN)
    assert best is not None
    for it in options:
        verdict = show_optimal(IA64, asks, options, costs, it)
        assert (verdict is Verdict.proved) is (it == best.choice)
        assert verdict is not Verdict.undetermined


def test_z3_refutes_a_forbidden_choice_although_it_was_taken_for_feasible() -> None:
    """Sections of 512 MiB break a constraint of ia64; here `candidates` is made to miss it."""
    ranges = [(0, GIB // 2), (GIB, 9 * GIB)]
    options = [
        replace(it, candidate=replace(it.candidate, forbidden_by=()))
        for it in choices(IA64, candidates(IA64, ranges))
    ]
    waste = {**dict.fromkeys(CRITERIA, Fraction(0)), "waste": Fraction(1)}
    best = optimum(IA64, memory_of(ranges), options, waste)
    assert best is not None
    assert best.choice.candidate.section < IA64.max_order_block
    assert best.verdict is Verdict.refuted


def test_the_weights_decide() -> None:
    options = choices(IA64, candidates(IA64, [(0, 1 << 50)], kernel_frames=10**6))
    none = dict.fromkeys(CRITERIA, Fraction(0))
    small = optimum(IA64, ANY_MEMORY, options, {**none, "removable": Fraction(1)})
    large = optimum(IA64, ANY_MEMORY, options, {**none, "table": Fraction(1)})
    assert small is not None
    assert large is not None
    assert small.choice.candidate.section == GIB
    assert large.choice.candidate.section == 1 << 49


def test_without_a_feasible_size_there_is_no_optimum() -> None:
    options = choices(IA64, candidates(IA64, [(0, GIB)], range(21, 24)))
    assert optimum(IA64, ANY_MEMORY, options, EVEN) is None
