"""A plan: which blocks go, in which order, where their contents go, how long it takes, or why not.

*Can* is said where every guard lets every block go and all contents find room above the
watermarks, however what is not told turns out; *cannot* where named facts forbid the goal,
whatever is not told; else *may*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from memhp.machines.reading.units import in_units
from memhp.spec.language.system import System

from ..judging.offline import BlockJudgement
from ..judging.removal_time import COSTS, Cost, Reboot
from ..reading.bindings import bound_to
from ..reading.procfs import LEAST_AVAILABLE
from ..reading.sysfs import MachineReading
from .around import Left, left_by, surroundings
from .certify import Certificate, certify
from .choice import Choice, Surroundings, choose, least_cost
from .cores import Fact
from .facts import BlockFacts, block_facts
from .goals import Goal, Wanted, wanted
from .obstacles import obstacles_of
from .optimum import MOST_BLOCKS, Optimum, best
from .order import Move, first_waits, moves_of, ordered
from .times import Duration, durations, together
from .whole import Whole, run_whole

__all__ = ["Plan", "PlanVerdict", "make_plan"]

PlanVerdict = Literal["can", "cannot", "may"]

_MOST_FAILURES, _MOST_BOUND = 8, 16


@dataclass(frozen=True)
class Plan:
    """What comes of a goal on a machine.

    ``moves`` and ``durations`` go together; of *cannot* they are those of the nearest goal, that
    of as many blocks as can or may go (``nearest``). ``doubts`` says why it is only *may*;
    ``obstacles`` has smallest sets of facts that forbid the goal. ``cost`` is pages times distance
    of this choice, if all finds room, and ``least`` that which no choice of as sure blocks is
    below; ``optimal`` if it is proved that none is better. ``certificate`` is what the reference
    says of the moves one by one, ``whole`` what the engine says of all (None: not asked).
    ``bound`` says who may use memory of nodes alone that have none then.
    """

    goal: Goal
    wanted: Wanted
    verdict: PlanVerdict
    moves: tuple[Move, ...]
    durations: tuple[Duration, ...]
    reboot: Reboot | None
    left: Left | None
    doubts: tuple[str, ...] = ()
    obstacles: tuple[tuple[Fact, ...], ...] = ()
    nearest: PlanVerdict | None = None
    cost: int | None = None
    least: int | None = None
    optimal: bool = False
    certificate: Certificate = field(default_factory=lambda: Certificate(0, ()))
    whole: Whole | None = None
    bound: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def duration(self) -> Duration:
        """That of all moves, one after the other."""
        return together(self.durations)


def make_plan(
    goal: Goal,
    reading: MachineReading,
    judgements: Sequence[BlockJudgement],
    system: System,
    *,
    costs: Mapping[str, Cost] = COSTS,
    reboot: Reboot | None = None,
) -> Plan:
    """The plan for a goal.

    Args:
        goal: what is to go.
        reading: the machine; its page size is known, or is what is to be reckoned in.
        judgements: on all its blocks, by the same design.
        system: the design that the machine has.
        costs: seconds for a unit of each kind of work.
        reboot: what the time is compared with.

    Raises:
        GoalError: the goal makes no sense on the machine.
    """
    want = wanted(goal, reading)
    by_number = {judged.number: judged for judged in judgements}
    inside = set(want.blocks)
    may = block_facts(reading, (each for each in judgements if each.number in inside))
    around = replace(surroundings(reading, system, goal.to), whole=_whole(reading, want))
    last = _last(reading, system, may)
    if not want.named:
        may = {number: each for number, each in may.items() if number not in last}
    obstacles = obstacles_of(goal, want, by_number, may, around, reading)
    candidates = [may[number] for number in want.blocks if number in may]
    choice = choose(candidates, want.count, around, named=want.named) if want.count else None
    verdict: PlanVerdict = "can" if not want.count else "may"
    cores: tuple[tuple[Fact, ...], ...] = ()
    if choice is None and want.count:
        verdict = "cannot" if obstacles.forbidden else "may"
        cores = obstacles.all_of() if verdict == "cannot" else ()
        most = min(want.count, _spared(reading))
        choice = _nearest(candidates, most, around, certain=True)
        choice = choice or _nearest(candidates, want.count, around, certain=False)
    return _with_moves(
        Plan(goal, want, verdict, (), (), reboot, None, obstacles=cores),
        choice,
        candidates,
        around,
        (reading, system, costs, last),
    )


def _whole(reading: MachineReading, want: Wanted) -> frozenset[int]:
    """The nodes that a goal takes all memory of."""
    inside = {*want.blocks} if want.named else set()
    online = [block for block in reading.blocks if block.state != "offline"]
    stay = {node for block in online if block.number not in inside for node in block.nodes}
    return frozenset(node for block in online for node in block.nodes if node not in stay)


def _last(reading: MachineReading, system: System, may: Mapping[int, BlockFacts]) -> frozenset[int]:
    """The first block of each node, where the design has it go after all others of the node."""
    if not may or not first_waits(system):
        return frozenset()
    first: dict[int, int] = {}
    for block in reading.blocks:
        for node in block.nodes:
            first.setdefault(node, block.number)
    return frozenset(first.values())


def _spared(reading: MachineReading) -> int:
    """How many blocks can go before less memory is available than memhp apply goes on with."""
    if reading.available is None or not reading.block_size:
        return len(reading.blocks)
    return max(0, reading.available - LEAST_AVAILABLE) // reading.block_size


def _nearest(
    candidates: Sequence[BlockFacts], count: int, around: Surroundings, *, certain: bool
) -> Choice | None:
    """A choice of as many blocks as can go for certain, or else may; None if none does."""
    low, high, found = 0, min(count, len(candidates)), None
    while low < high:
        middle = (low + high + 1) // 2
        choice = choose(candidates, middle, around, named=False)
        if choice is None or (certain and not (choice.fits and not choice.cost[0])):
            high = middle - 1
        else:
            low, found = middle, choice
    return found


def _with_moves(
    plan: Plan,
    choice: Choice | None,
    candidates: Sequence[BlockFacts],
    around: Surroundings,
    more: tuple[MachineReading, System, Mapping[str, Cost], frozenset[int]],
) -> Plan:
    """The plan with what the choice comes to."""
    reading, system, costs, last = more
    if choice is None:
        return plan
    optimum = _optimum(plan, choice, candidates, around)
    choice = optimum.choice or choice
    moves = moves_of(ordered(choice.blocks, around, last), around, last)
    certificate, engine = certify(moves, around, system), run_whole(moves, reading, around)
    failures = [*certificate.failures, *(engine.failures if engine and engine.unit == 1 else ())]
    doubts = (*_doubts(choice, around, reading), *failures[:_MOST_FAILURES])
    sure: PlanVerdict = "may" if doubts else "can"
    whole = len(choice.blocks) == plan.wanted.count
    times, notes = durations(moves, reading, costs)
    left = left_by(reading, moves)
    alone = left.memoryless if reading.live and left is not None else ()
    unsure = max(block.sure for block in choice.blocks)
    alike = [block for block in candidates if block.sure <= unsure]
    return replace(
        plan,
        moves=moves,
        durations=times,
        left=left,
        bound=tuple(islice(bound_to(alone), _MOST_BOUND)) if alone else (),
        verdict=sure if whole else plan.verdict,
        nearest=None if whole else sure,
        doubts=doubts,
        cost=choice.cost[1] if choice.fits else None,
        least=least_cost(alike, len(choice.blocks), around) if choice.fits else None,
        optimal=optimum.proved and optimum.choice is not None,
        certificate=certificate,
        whole=engine,
        notes=notes,
    )


def _optimum(
    plan: Plan, choice: Choice, candidates: Sequence[BlockFacts], around: Surroundings
) -> Optimum:
    """The best choice, where a goal leaves one and there are few enough candidates."""
    free = not plan.wanted.named and plan.verdict != "cannot"
    if not free or len(candidates) > MOST_BLOCKS:
        return Optimum(None, False)
    return best(candidates, plan.wanted.count, around, choice if choice.fits else None)


def _doubts(choice: Choice, around: Surroundings, reading: MachineReading) -> list[str]:
    """Why it is not certain that the choice can go."""
    doubts = []
    unsure = sum(block.sure > 0 for block in choice.blocks)
    if unsure:
        doubts.append(f"of {unsure} blocks it cannot be told whether they go")
    if any(not room.told for room in around.rooms.values()) or not around.rooms:
        doubts.append("how much room there is for what moves is not told: no /proc/zoneinfo")
    elif choice.certain.short or choice.certain.reclaimed:
        doubts.append(
            "what moves may find less room than is free above the watermarks: the kernel then has"
            " to take memory back first"
        )
    elif choice.drained:
        doubts.append("what stays may have less memory free than the low watermarks of its zones")
    if huge := _huge_without_room(choice, reading):
        doubts.append(
            f"{in_units(huge)} of huge pages in use find no free huge page elsewhere for certain:"
            " the kernel then has to make new ones, of memory in one piece"
        )
    if len(choice.blocks) > _spared(reading):
        doubts.append(
            f"less than {in_units(LEAST_AVAILABLE)} of memory would be available then, and memhp"
            " apply stops there"
        )
    return doubts


def _huge_without_room(choice: Choice, reading: MachineReading) -> int:
    """Bytes of huge pages in use in the blocks, beyond the free ones that surely lie outside."""
    page = reading.page_size or 0
    used = sum(block.huge for block in choice.blocks) * page
    inside = sum(block.spare for block in choice.blocks) * page if reading.evidence else used
    free = sum(pool.free * pool.size for pool in reading.huge_pools)
    return used if used > free - inside else 0
