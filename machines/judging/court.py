"""The specification is asked about one block, in every world that may be.

Three choices make the question small:

- Each block is asked in a machine of its own: the block, and beside it one early block
  of the kernel zone, which stands for every other block. The guards of `begin_offline`
  read the block itself and whether another block is changing, nothing else of the others.
- The block is one section. No guard of `begin_offline` asks how many there are.
- Frames of one kind in a block stand for each other: one of each kind is enough,
  because every guard of `begin_offline` asks only whether the block has a frame of
  some kind. For the same reason one frame stands for all that are unknown.

The block counts as there at boot. No guard asks; the properties that do only restrict
blocks that were added later.

What was set aside at boot isolation refuses in every zone: an area of CMA, and memory that is
reserved in a ZONE_MOVABLE of `movablecore=`. The specification has no such memory in its
movable zone, and its guard asks for no zone: so it is asked about a kernel zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from errno import EINTR
from functools import cached_property, lru_cache
from typing import Literal

from memhp.reference import Machine, Refusal, Shape, violated_axioms
from memhp.spec.language.system import System

from .completions import ZONES, Facts, World

__all__ = ["Answer", "Court", "Removability", "court_of", "invariants"]

Removability = Literal["yes", "no", "cannot tell"]
"""Whether going offline may begin: in every world, in none, or in some of them."""


def invariants(system: System) -> tuple[str, ...]:
    """The names of the axioms, and of the properties that the design keeps.

    Every world is checked against them.
    """
    axioms = (axiom.name for axiom in system.axioms)
    claims = (claim.name for claim in system.of_kind("always"))
    return (*axioms, *(name for name in claims if name not in system.given_up))


@dataclass(frozen=True)
class Answer:
    """What `begin_offline` answers of one block in every world that its facts leave.

    ``worlds`` holds the refusal in each (None: it may begin); ``violated`` names the axioms and
    *always* properties that every world breaks, and is empty if any world breaks none; ``words``
    keeps what `memhp.machines.judging.offline` says of it.
    """

    facts: Facts
    worlds: Mapping[World, Refusal | None]
    violated: tuple[str, ...]
    words: dict[tuple[str | None, int | None], str] = field(default_factory=dict)

    @cached_property
    def refusals(self) -> tuple[Refusal | None, ...]:
        """The distinct refusals, None among them if some world lets the block go."""
        return tuple(dict.fromkeys(self.worlds.values()))

    @cached_property
    def verdict(self) -> Removability:
        """Whether every world lets the block go, or none; else it cannot be told."""
        return _verdict(self.worlds)

    @cached_property
    def if_no_holes(self) -> Removability | None:
        """The verdict of the worlds without a hole in the block; None if there are none."""
        whole = {world: refusal for world, refusal in self.worlds.items() if not world.hole}
        return _verdict(whole) if whole else None

    @cached_property
    def why(self) -> str:
        """The reasons of the guards that refuse, joined by "or"."""
        reasons = (_reason(each, self.facts) for each in self.refusals if each is not None)
        return " or ".join(reasons) or "no guard refuses"

    @cached_property
    def errnos(self) -> tuple[int, ...]:
        """The errnos of all refusals, ascending."""
        return tuple(sorted({each.errno or 0 for each in self.refusals if each is not None} - {0}))

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The names of the unknown facts that decide: change one, and the answer changes."""
        return _missing(self.facts, self.worlds)


class Court:
    """Asks one specification: `answer` takes `Facts`, gives an `Answer`, and keeps it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.answer = lru_cache(maxsize=None)(self._answer)
        self._base = lru_cache(maxsize=None)(self._boot)

    def _answer(self, facts: Facts) -> Answer:
        # A page that is certainly held where no long-term pin can be is held for a while; where
        # none of either can be, its block refuses before anybody asks.
        answers = self._answers(facts, "pin_longterm") or self._answers(facts, "pin_short")
        answers = answers or self._answers(replace(facts, pinned=(False,)), "pin_short")
        sound = {world: refusal for world, (refusal, violated) in answers.items() if not violated}
        if sound:
            return Answer(facts, sound, ())
        everywhere = set.intersection(*(set(violated) for _, violated in answers.values()))
        names = tuple(name for name in invariants(self.system) if name in everywhere)
        refusals = {world: refusal for world, (refusal, _) in answers.items()}
        return Answer(facts, refusals, names)

    def _answers(
        self, facts: Facts, pin: str
    ) -> dict[World, tuple[Refusal | None, tuple[str, ...]]]:
        """What each world answers that can be, if what is pinned is so by this action."""
        asked = ((world, self._ask(world, pin)) for world in facts.worlds())
        return {world: answer for world, answer in asked if answer is not None}

    def _ask(self, world: World, pin: str) -> tuple[Refusal | None, tuple[str, ...]] | None:
        """The refusal and what the world violates; None if nothing can be pinned there."""
        frames = tuple(sorted({*world.frames, "aside"} if world.cma else world.frames))
        kinds = (*frames, "hole") if world.hole else frames or ("none",)
        aside = "aside" in frames and world.zone == "movable"
        zone = "kernel" if world.state == "offline" or aside else world.zone
        at_boot = tuple("boot" if kind in _EARLY else kind == "hole" for kind in kinds)
        base, axioms = self._base(at_boot, zone, world.vetoed)
        machine = base.at(_values(base, world, kinds))
        violated = dict.fromkeys(
            [*axioms, *(violation.property for violation in machine.violations())]
        )
        if world.pinned:
            if machine.why_not(pin, _PIN, _FOLIO) is not None:
                return None
            machine.step(pin, _PIN, _FOLIO)
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


_COURTS: dict[int, Court] = {}
_MOST = 8
"""Systems whose courts are kept: a process asks few."""


def court_of(system: System) -> Court:
    """The court of this very object, each time the same: its first answers cost most."""
    if id(system) not in _COURTS:
        if len(_COURTS) == _MOST:
            _COURTS.clear()
        _COURTS[id(system)] = Court(system)
    return _COURTS[id(system)]


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
    changes: dict[tuple[str, *tuple[int, ...]], str | int] = {
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
        changes["memmap", _JUDGED] = "allocated"
        changes["zone", _JUDGED] = "none"
        changes["pages_zone", _JUDGED] = "none"
        changes["node_span", _JUDGED] = False
        changes["crash_map", _JUDGED] = False
        changes |= {("zone_span", _JUDGED, at): False for at in range(len(ZONES))}
    if "user" in kinds and world.state != "offline":
        changes["folio_kind", _FOLIO] = "anonymous"
        changes["home", _FOLIO] = len(kinds) + kinds.index("user")
    values: list[int] = []
    for variable in base.system.variables:
        symbol = variable.symbol
        for point in base.topology.points(symbol.domain):
            value = base.values[len(values)]
            entry = changes.get((symbol.name, *point), value)
            if isinstance(entry, str) and symbol.range.members is not None:
                entry = symbol.range.members.index(entry)
            values.append(int(entry))
    return values


def _frame_state(kind: str, block_state: str) -> str:
    """How the specification names a frame of this kind in a block of this state."""
    if block_state == "offline" or kind in ("hole", "none"):
        return "unavailable"
    if kind == "free" and block_state == "going_offline":
        return "isolated"
    return "kernel" if kind in _EARLY else kind


def _reason(refusal: Refusal, facts: Facts) -> str:
    """What the guard says, and what it is about where that is known."""
    if refusal.guard == "no_unmovable" and facts.cma == (True,):
        return f"{refusal.why}: an area of CMA"
    return refusal.why


def _verdict(worlds: Mapping[World, Refusal | None]) -> Removability:
    accepted = {refusal is None for refusal in worlds.values()}
    if len(accepted) > 1:
        return "cannot tell"
    return "yes" if accepted == {True} else "no"


def _missing(facts: Facts, worlds: Mapping[World, Refusal | None]) -> tuple[str, ...]:
    """The unknown facts on which the answer depends in some world, or all if none does alone."""
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
