"""Which blocks of a machine could go offline, as the specification answers it.

A reading does not fix one state of the specification: a dump has no page flags, and
even on a live machine a word of `/proc/kpageflags` may not tell. So each block is
asked in every *world* that the reading allows. A world that violates an *always*
property or an axiom is dropped; the others ask `begin_offline`. All accept: yes. All
refuse: no. Otherwise it cannot be told, and the judgement names what is missing.

No rule is stated here. Three choices make the question small:

- Each block is asked in a machine of its own: the block, and beside it one early block
  of the kernel zone, which holds the pgdat and stands for every other block. The
  guards of `begin_offline` read the block itself and whether another block is
  changing, nothing else of the others.
- The block is one section. No guard of `begin_offline` asks how many there are.
- Frames of one kind in a block stand for each other: one of each kind is enough,
  because every guard of `begin_offline` asks only whether the block has a frame of
  some kind. For the same reason one frame stands for all that are unknown.

The block counts as there at boot. No guard asks; the properties that do only restrict
blocks that were added later.

Yes means that going offline may begin. A notifier can still end it, and so can a page
that is in use by more than its page tables. No file tells which pages are pinned, but
`/proc/vmstat` tells how many; if there are any, a block whose pages would have to move
may hold one. A gigantic page in use goes nowhere if no other is free; then the removal
begins and tries without end, until a signal ends it.

What was set aside at boot isolation refuses in every zone: an area of CMA, and memory that is
reserved in a ZONE_MOVABLE of `movablecore=`. The specification has no such memory in its
movable zone, and its guard asks for no zone: so it is asked about a kernel zone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from errno import EINTR, EINVAL, errorcode
from functools import cached_property, lru_cache
from sys import intern
from typing import Literal

from memhp.machines.cma import CMA_DIR
from memhp.machines.findings import DONE
from memhp.machines.sysfs import BlockReading, MachineReading
from memhp.machines.worlds import TESTED_ITSELF, ZONES, Facts, World, facts_of
from memhp.reference import Machine, Refusal, Shape, violated_axioms
from memhp.spec.language.system import System

__all__ = ["BlockJudgement", "Verdict", "invariants", "judge"]

Verdict = Literal["yes", "no", "cannot tell"]


@dataclass(frozen=True, slots=True)
class BlockJudgement:
    """Whether a block could begin to go offline, and why not.

    ``state`` and ``zone`` are as read (`zone` holds several names for an offline block:
    the zones it may go to); ``node`` is None if no node or several have the block.
    ``guard`` and ``errno`` are those of the specification, None if nothing refuses or
    if not every world is refused by the same guard; ``errnos`` are those of all worlds
    that are refused. ``why`` is the guard's reason, or
    what is missing. ``missing`` names the facts that decide and are not known: "state",
    "zone", "frames", "hole", "busy", "vetoed", "pinned", "cramped", "cma" or "removable".
    ``if_no_holes`` is the verdict if the block has none; it is given where only `/proc/iomem`
    could tell.
    ``violated`` names the properties that the machine violates as it was read.
    """

    number: int
    node: int | None
    state: str | None
    zone: str | None
    verdict: Verdict
    guard: str | None
    errno: int | None
    why: str
    missing: tuple[str, ...] = ()
    if_no_holes: Verdict | None = None
    violated: tuple[str, ...] = ()
    errnos: tuple[int, ...] = ()

    def agrees(self, outcome: str) -> bool | None:
        """Whether an offline that ended so is as judged; None if that could not be told.

        Args:
            outcome: `done` or the name of an errno (`memhp.machines.findings`).
        """
        if self.verdict == "cannot tell":
            return None
        if self.verdict == "yes":
            return outcome == DONE
        return outcome in {errorcode[errno] for errno in self.errnos}


def judge(
    reading: MachineReading, system: System, *, boot_memory_stays: bool | None = False
) -> tuple[BlockJudgement, ...]:
    """Ask the specification about every block of a machine, in the reading's order.

    Args:
        reading: a machine, as `read_machine` gives it.
        system: the specification, perhaps with a profile or a variant applied. It must
            have the sorts and tables of the core specification.
        boot_memory_stays: a notifier of the architecture refuses that boot memory goes
            (arm64); None if that is not known. Which blocks were there at boot only a device
            tree tells.

    >>> from memhp.machines.sysfs import read_machine
    >>> from memhp.spec.system import SYSTEM
    >>> judge(read_machine("/"), SYSTEM)[0].why  # doctest: +SKIP
    'the block has holes'
    """
    court = _Court(system)
    states = Counter(block.state for block in reading.blocks)
    found = []
    for block in reading.blocks:
        busy: tuple[bool, ...] = (False,)
        states[block.state] -= 1  # what follows is about the others
        if states["going-offline"]:
            busy = (True,)
        elif states[None]:
            busy = (False, True)
        states[block.state] += 1
        facts = facts_of(reading, block, busy, boot_memory_stays)
        found.append(_as_built(reading, block, _judgement(reading, block, court.answer(facts))))
    return tuple(found)


def invariants(system: System) -> tuple[str, ...]:
    """The names of the properties and axioms that every world is checked against."""
    axioms = (axiom.name for axiom in system.axioms)
    return (*axioms, *(claim.name for claim in system.of_kind("always")))


# --- the question -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answer:
    """The refusal (or None) in every world that is left, and what all worlds violated."""

    facts: Facts
    worlds: Mapping[World, Refusal | None]
    violated: tuple[str, ...]
    words: dict[tuple[str | None, int | None], str] = field(default_factory=dict)

    @cached_property
    def refusals(self) -> tuple[Refusal | None, ...]:
        """The distinct ones."""
        return tuple(dict.fromkeys(self.worlds.values()))

    @cached_property
    def verdict(self) -> Verdict:
        return _verdict(self.worlds)

    @cached_property
    def if_no_holes(self) -> Verdict | None:
        """The verdict of the worlds in which the block has none, if there are any."""
        whole = {world: refusal for world, refusal in self.worlds.items() if not world.hole}
        return _verdict(whole) if whole else None

    @cached_property
    def why(self) -> str:
        reasons = (_reason(each, self.facts) for each in self.refusals if each is not None)
        return " or ".join(reasons) or "no guard refuses"

    @cached_property
    def errnos(self) -> tuple[int, ...]:
        return tuple(sorted({each.errno or 0 for each in self.refusals if each is not None} - {0}))

    @cached_property
    def missing(self) -> tuple[str, ...]:
        return _missing(self.facts, self.worlds)


class _Court:
    """Asks one specification; machines of one shape and equal facts are looked at once."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.answer = lru_cache(maxsize=None)(self._answer)
        self._base = lru_cache(maxsize=None)(self._boot)

    def _answer(self, facts: Facts) -> _Answer:
        asked = {
            world: answer for world in facts.worlds() if (answer := self._ask(world)) is not None
        }
        left = {world: refusal for world, (refusal, violated) in asked.items() if not violated}
        if left:
            return _Answer(facts, left, ())
        everywhere = set.intersection(*(set(violated) for _, violated in asked.values()))
        names = tuple(name for name in invariants(self.system) if name in everywhere)
        refusals = {world: refusal for world, (refusal, _) in asked.items()}
        return _Answer(facts, refusals, names)

    def _ask(self, world: World) -> tuple[Refusal | None, tuple[str, ...]] | None:
        """The refusal and what the world violates; None if nothing can be pinned there."""
        frames = tuple(sorted({*world.frames, "aside"} if world.cma else world.frames))
        kinds = (*frames, "hole") if world.hole else frames or ("none",)
        aside = "aside" in frames and world.zone == "movable"
        zone = "kernel" if world.state == "offline" or aside else world.zone
        at_boot = tuple("boot" if kind in _EARLY else kind == "hole" for kind in kinds)
        base, axioms = self._base(at_boot, zone, world.vetoed)
        machine = base.at(_values(base, world, kinds))
        violated = dict.fromkeys([*axioms, *(found.property for found in machine.violations())])
        if world.pinned:
            if machine.why_not("pin_longterm", _PIN, _FOLIO) is not None:
                return None
            machine.step("pin_longterm", _PIN, _FOLIO)
        refusal = machine.why_not("begin_offline", _JUDGED)
        if refusal is None and world.vetoed:
            refusal = _notifiers_answer(machine)
        if refusal is None and (world.pinned or world.cramped):
            refusal = _migrations_answer(machine)
        return refusal, tuple(violated)

    def _boot(
        self, frames: tuple[str | bool, ...], zone: str, vetoed: bool
    ) -> tuple[Machine, tuple[str, ...]]:
        """The machine at boot, and the axioms that it violates.

        Args:
            frames: of each frame of the block "boot" if the kernel has it for ever, or whether
                it is a hole.
        """
        first = len(frames)
        topology = Shape(
            blocks=2,
            frames=first,
            movable=frozenset({_JUDGED} if zone == "movable" else ()),
            multizone=frozenset({_JUDGED} if zone == "none" else ()),
            vetoing=frozenset({_JUDGED} if vetoed else ()),
            holes=frozenset(first + at for at, each in enumerate(frames) if each is True),
            boot_kernel=frozenset(first + at for at, each in enumerate(frames) if each == "boot"),
            tables=(("does_dma", (1,)),),
        ).build(self.system)
        return Machine(self.system, topology), tuple(violated_axioms(self.system, topology))


def _notifiers_answer(machine: Machine) -> Refusal | None:
    """What the end of the removal says once it has begun and the notifiers are asked."""
    machine.step("begin_offline", _JUDGED)
    machine.step("announce_offline", _JUDGED)
    return machine.why_not("finish_offline", _JUDGED)


def _migrations_answer(machine: Machine) -> Refusal | None:
    """What the migration of the block's folio says once the removal has begun.

    Linux asks again without end (do_migrate_range), and nobody sees that errno: what ends
    the removal is a signal, and then its writer gets EINTR.
    """
    machine.step("begin_offline", _JUDGED)
    machine.step("announce_offline", _JUDGED)
    steps = (("reserve_destination", _FOLIO, _IDLE), ("begin_unmap", _FOLIO), ("copy", _FOLIO))
    for name, *operands in steps:
        refusal = machine.why_not(name, *operands)
        if refusal is not None:
            why = f"going offline begins and does not end: {refusal.why}"
            return replace(refusal, errno=EINTR, why=why)
        machine.step(name, *operands)
    return None


_EARLY = ("boot", "aside")
"""The kinds of frames that the kernel had at boot and never frees."""

_OTHER, _JUDGED = 0, 1
_FOLIO, _PIN = 0, 0
_IDLE = 0
"""A frame of the other block: all of them are free, or none if the world is cramped."""


def _values(base: Machine, world: World, kinds: tuple[str, ...]) -> list[int]:
    """The machine's state at boot, changed to what the world says of both blocks."""
    other = "going_offline" if world.busy else "online"
    idle = _frame_state("kernel" if world.cramped and not world.busy else "free", other)
    said: dict[tuple[str, *tuple[int, ...]], str | int] = {
        ("block_state", _OTHER): other,
        ("block_state", _JUDGED): world.state,
        ("lock_held", _OTHER): other == "going_offline",
        ("lock_held", _JUDGED): world.state == "going_offline",
        **{("frame_state", at): idle for at in range(len(kinds))},
        **{
            ("frame_state", len(kinds) + at): _frame_state(kind, world.state)
            for at, kind in enumerate(kinds)
        },
    }
    if world.state == "offline":
        said["memmap", _JUDGED] = "allocated"
        said["zone", _JUDGED] = "none"
        said["pages_zone", _JUDGED] = "none"
        said["node_span", _JUDGED] = False
        said["crash_map", _JUDGED] = False
        said |= {("zone_span", _JUDGED, at): False for at in range(len(ZONES))}
    if "user" in kinds and world.state != "offline":
        said["folio_kind", _FOLIO] = "anonymous"
        said["home", _FOLIO] = len(kinds) + kinds.index("user")
    values: list[int] = []
    for variable in base.system.variables:
        symbol = variable.symbol
        for point in base.topology.points(symbol.domain):
            value = base.values[len(values)]
            told = said.get((symbol.name, *point), value)
            if isinstance(told, str) and symbol.range.members is not None:
                told = symbol.range.members.index(told)
            values.append(int(told))
    return values


def _frame_state(kind: str, block_state: str) -> str:
    """How the specification names a frame of this kind in a block of this state."""
    if block_state == "offline" or kind in ("hole", "none"):
        return "unavailable"
    if kind == "free" and block_state == "going_offline":
        return "isolated"
    return "kernel" if kind in _EARLY else kind


# --- the judgement ------------------------------------------------------------------------------


def _judgement(reading: MachineReading, block: BlockReading, answer: _Answer) -> BlockJudgement:
    alone = answer.refusals[0] if len(answer.refusals) == 1 else None
    judged = BlockJudgement(
        number=block.number,
        node=block.nodes[0] if len(block.nodes) == 1 else None,
        state=block.state,
        zone=None if block.valid_zones is None else intern(" ".join(block.valid_zones)),
        verdict=answer.verdict,
        guard=None if alone is None else alone.guard,
        errno=None if alone is None else alone.errno,
        why=answer.why,
        violated=answer.violated,
        errnos=answer.errnos,
    )
    return _undecided(reading, judged, answer) if answer.verdict == "cannot tell" else judged


def _as_built(
    reading: MachineReading, block: BlockReading, judged: BlockJudgement
) -> BlockJudgement:
    """The judgement; "no" if the kernel was built without what takes memory offline.

    Since Linux 5.7 ``removable`` tells that and nothing else (drivers/base/memory.c,
    removable_show); the stub of offline_pages says EINVAL (include/linux/memory_hotplug.h).
    """
    if block.removable != 0 or judged.verdict == "no":
        return judged
    if reading.kernel is not None and reading.kernel >= TESTED_ITSELF:
        why = "removable is 0: the kernel was built without CONFIG_MEMORY_HOTREMOVE"
        return replace(judged, verdict="no", errno=EINVAL, errnos=(EINVAL,), why=why, missing=())
    if judged.verdict == "yes":
        why = "removable is 0, and which kernel says so is not told"
        return replace(judged, verdict="cannot tell", why=why, missing=("removable",))
    return judged


def _reason(refusal: Refusal, facts: Facts) -> str:
    """What the guard says, and what it is about where that is known."""
    of_cma = refusal.guard == "no_unmovable" and facts.cma == (True,)
    return f"{refusal.why}: an area of CMA" if of_cma else refusal.why


def _verdict(worlds: Mapping[World, Refusal | None]) -> Verdict:
    accepted = {refusal is None for refusal in worlds.values()}
    if len(accepted) > 1:
        return "cannot tell"
    return "yes" if accepted == {True} else "no"


def _undecided(reading: MachineReading, judged: BlockJudgement, answer: _Answer) -> BlockJudgement:
    missing = answer.missing
    if_no_holes = answer.if_no_holes if "hole" in missing else None
    # The words depend on little else, and a million blocks share them.
    key = (judged.zone, judged.number if "state" in missing else None)
    if key not in answer.words:
        why = "; ".join(_absent(reading, judged, fact) for fact in missing)
        if if_no_holes in ("yes", "no"):
            why = f"{why}; if it has none: {if_no_holes}"
        answer.words[key] = why
    return replace(judged, why=answer.words[key], missing=missing, if_no_holes=if_no_holes)


def _missing(facts: Facts, worlds: Mapping[World, Refusal | None]) -> tuple[str, ...]:
    """The facts of which the answer depends in some world: change one, and it changes."""
    unknown = [name for name, values in vars(facts).items() if len(values) > 1]
    deciding = tuple(
        name
        for name in unknown
        if any(
            replace(world, **{name: value}) in worlds
            and (worlds[replace(world, **{name: value})] is None) != (refusal is None)
            for world, refusal in worlds.items()
            for value in vars(facts)[name]
        )
    )
    return deciding or tuple(unknown)


def _absent(reading: MachineReading, judged: BlockJudgement, fact: str) -> str:
    """Which fact is not known, and which file would tell."""
    where = "not readable" if reading.live else "not in the dump"
    if fact == "state":
        return f"state unknown: memory{judged.number}/state {where}"
    if fact == "zone":
        told = where if judged.zone is None else f"says {judged.zone}"
        return f"zone unknown: valid_zones {told}"
    if fact == "hole":
        lacking = "block size" if reading.iomem is not None else "/proc/iomem"
        return f"holes unknown: {lacking} {where}"
    if fact == "vetoed":
        return "whether it is boot memory, which never goes on arm64, is not told"
    if fact == "cma":
        return _where_cma_is(reading)
    if fact == "pinned":
        return f"{reading.pinned} pins of pages last on this machine, and where is not told"
    if fact == "cramped":
        return "whether a huge page that is in use finds room outside the block is not told"
    if fact == "busy":
        return "whether another block is going offline is unknown"
    told = "does not tell for every frame"
    if reading.frames is None:
        told = "not read" if reading.live else "not in a dump"
    return f"kernel memory unknown: kpageflags {told}"


def _where_cma_is(reading: MachineReading) -> str:
    if reading.areas is not None and reading.page_size is not None:
        return "an area of CMA lies in it, and this kernel may or may not refuse that"
    if reading.cma is None:
        return "whether an area of CMA lies in it is not told: no zoneinfo with cma, no CmaTotal"
    told = "does not tell" if reading.live else "not in the dump"
    return f"its zone has memory of CMA, and where is not told: {CMA_DIR} {told} (root reads it)"
