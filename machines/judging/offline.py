"""Which blocks of a machine could go offline, as the specification answers it.

A reading does not fix one state of the specification: a dump has no page flags, and
even on a live machine a word of `/proc/kpageflags` may not tell. So each block is
asked in every *world* that the reading allows (`memhp.machines.judging.court`). A world that
violates an *always* property or an axiom is dropped; the others ask `begin_offline`. All
accept: yes. All refuse: no. Otherwise it cannot be told, and the judgement names what is
missing. A block that is offline has a word of its own. No rule is stated here.

Yes means that going offline may begin. A notifier can still end it, and so can a page
that is in use by more than its page tables. No file tells which pages are pinned, but
`/proc/vmstat` tells how many; if there are any, a block whose pages would have to move
may hold one. A gigantic page in use goes nowhere if no other is free; then the removal
begins and tries without end, until a signal ends it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from errno import EINTR, EINVAL
from functools import cache
from sys import intern
from typing import Literal

from memhp.spec.language.errnos import errorcode
from memhp.spec.language.system import System
from memhp.spec.profiles import as_of
from memhp.spec.system import SYSTEM

from ..reading.cma import CMA_DIR
from ..reading.findings import DONE
from ..reading.sysfs import BlockReading, MachineReading
from .completions import TESTED_ITSELF, facts_of
from .court import Answer, Removability, court_of, invariants
from .likelihood import Likelihood, likelihoods, untold_frames
from .onlining import Onlining, onlinings, why_offline
from .room import Fit, fit_of

__all__ = ["BlockJudgement", "BlockVerdict", "Removability", "design_of", "invariants", "judge"]

BlockVerdict = Literal["yes", "no", "cannot tell", "offline"]
"""Whether a block can go; *offline*: it has gone already."""


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
    ``violated`` names the properties that the machine violates as it was read. ``untold`` counts
    the frames whose use is not told; None if no page words were read. ``likelihood`` stands beside
    "cannot tell", from counts alone. ``online`` has the ways online of a block that is offline.
    """

    number: int
    node: int | None
    state: str | None
    zone: str | None
    verdict: BlockVerdict
    guard: str | None
    errno: int | None
    why: str
    missing: tuple[str, ...] = ()
    if_no_holes: Removability | None = None
    violated: tuple[str, ...] = ()
    errnos: tuple[int, ...] = ()
    untold: int | None = None
    likelihood: Likelihood | None = None
    online: tuple[Onlining, ...] = ()

    def agrees(self, outcome: str) -> bool | None:
        """Whether an offline that ended so is as judged; None if the verdict is "cannot tell".

        Args:
            outcome: `done` or the name of an errno (`memhp.machines.reading.findings`).
        """
        if self.verdict == "cannot tell":
            return None
        if self.verdict == "yes":
            return outcome == DONE
        return outcome in {errorcode[errno] for errno in self.errnos}


def design_of(reading: MachineReading) -> System:
    """The specification as the machine's version of Linux has it.

    Where no version is told, it is what the oldest did: that leaves most open.
    """
    return _design_of(reading.kernel or (0, 0))


@cache
def _design_of(version: tuple[int, int]) -> System:
    return as_of(SYSTEM, version)


def judge(
    reading: MachineReading,
    system: System,
    *,
    boot_memory_stays: bool | None = False,
) -> tuple[BlockJudgement, ...]:
    """A judgement on every block of the machine, in the reading's order.

    Args:
        reading: a machine, as `read_machine` gives it.
        system: the design to judge by: that of the machine's Linux is `design_of`. It must
            have the sorts and tables of the core specification.
        boot_memory_stays: a notifier of the architecture refuses that boot memory goes
            (arm64); None if that is not known. Which blocks were there at boot only a device
            tree tells.

    >>> from memhp.machines.reading.sysfs import read_machine
    >>> reading = read_machine("/")  # doctest: +SKIP
    >>> judge(reading, design_of(reading))[0].why  # doctest: +SKIP
    'the block has holes'
    """
    court = court_of(system)
    states = Counter(block.state for block in reading.blocks)
    unsettled = states["going-offline"] or states[None]
    judgements = []
    for block in reading.blocks:
        busy = _busy(states, block) if unsettled else (False,)
        facts = facts_of(reading, block, busy, boot_memory_stays)
        judged = _judgement(reading, block, court.answer(facts))
        if block.state == "offline":
            ways = onlinings(block, facts, court)
            judged = replace(judged, verdict="offline", why=why_offline(reading), online=ways)
        judgements.append(_as_built(reading, block, judged))
    return _with_likelihood(reading, judgements)


def _busy(states: Counter[str | None], block: BlockReading) -> tuple[bool, ...]:
    """Whether another block than this one is going offline.

    Args:
        states: how many blocks say what.
        block: this one.
    """
    others = states - Counter((block.state,))
    if others["going-offline"]:
        return (True,)
    return (False, True) if others[None] else (False,)


def _with_likelihood(
    reading: MachineReading, judgements: list[BlockJudgement]
) -> tuple[BlockJudgement, ...]:
    """The judgements; with what is likely where nothing but the use of frames is unknown."""
    unknown = {judged.number for judged in judgements if judged.missing == ("frames",)}
    likely = likelihoods(reading, (block for block in reading.blocks if block.number in unknown))
    return tuple(
        replace(judged, likelihood=likely.get(judged.number)) if likely else judged
        for judged in judgements
    )


def _judgement(reading: MachineReading, block: BlockReading, answer: Answer) -> BlockJudgement:
    alone = answer.refusals[0] if len(answer.refusals) == 1 else None
    zone = None if block.valid_zones is None else intern(" ".join(block.valid_zones))
    open_ = answer.verdict == "cannot tell"
    return BlockJudgement(
        number=block.number,
        node=block.nodes[0] if len(block.nodes) == 1 else None,
        state=block.state,
        zone=zone,
        verdict=answer.verdict,
        guard=None if alone is None else alone.guard,
        errno=None if alone is None else alone.errno,
        why=_what_is_missing(reading, block, zone, answer)
        if open_
        else _why(reading, block, answer),
        missing=answer.missing if open_ else (),
        if_no_holes=answer.if_no_holes if open_ and "hole" in answer.missing else None,
        violated=answer.violated,
        errnos=answer.errnos,
        untold=None if block.state == "offline" else untold_frames(reading, block),
    )


def _why(reading: MachineReading, block: BlockReading, answer: Answer) -> str:
    """The reason of the guards that refuse; what is too little, if it is room."""
    facts = answer.facts
    if answer.errnos != (EINTR,) or facts.cramped != (True,) or facts.pinned != (False,):
        return answer.why
    without_end = "going offline begins and does not end, until a signal"
    room = fit_of(reading, block)
    if room is None or not room.hopeless:
        return (
            f"{without_end}: it holds a gigantic page that is in use, and no other of that size is"
            " free; free the page, or make the pool larger"
        )
    return (
        f"{without_end}: {_needs(room)} at most {(room.most or 0) >> 20} MiB can be free {_WHERE},"
        " with all page cache and slabs taken back that can be; end a process, or add swap"
    )


def _as_built(
    reading: MachineReading, block: BlockReading, judged: BlockJudgement
) -> BlockJudgement:
    """The judgement; "no" if the kernel was built without what takes memory offline.

    Since Linux 5.7 ``removable`` tells that and nothing else (drivers/base/memory.c,
    removable_show); the stub of offline_pages says EINVAL (include/linux/memory_hotplug.h).
    """
    if block.removable != 0 or judged.verdict in ("no", "offline"):
        return judged
    if reading.kernel is not None and reading.kernel >= TESTED_ITSELF:
        why = "removable is 0: the kernel was built without CONFIG_MEMORY_HOTREMOVE"
        return replace(judged, verdict="no", errno=EINVAL, errnos=(EINVAL,), why=why, missing=())
    if judged.verdict == "yes":
        why = "removable is 0, and which kernel says so is not told"
        return replace(judged, verdict="cannot tell", why=why, missing=("removable",))
    return judged


def _what_is_missing(
    reading: MachineReading, block: BlockReading, zone: str | None, answer: Answer
) -> str:
    """Why it cannot be told: each missing fact, and the file that would tell it."""
    missing = answer.missing
    # The words depend on little else, and a million blocks share them.
    own = {"state", "cramped"} & {*missing}
    key = (zone, block.number if own else None)
    if key not in answer.words:
        why = "; ".join(_absent(reading, block, zone, fact) for fact in missing)
        if "hole" in missing and answer.if_no_holes in ("yes", "no"):
            why = f"{why}; if it has none: {answer.if_no_holes}"
        answer.words[key] = why
    return answer.words[key]


_WHERE = "where Linux moves them: on the other nodes that have memory, or else its own"


def _needs(room: Fit) -> str:
    return f"its pages need {room.needed >> 20} MiB elsewhere, and"


def _absent(reading: MachineReading, block: BlockReading, zone: str | None, fact: str) -> str:
    """Which fact is not known, and which file would tell."""
    where = "not readable" if reading.live else "not in the dump"
    if fact == "state":
        return f"state unknown: memory{block.number}/state {where}"
    if fact == "zone":
        problem = where if zone is None else f"says {zone}"
        return f"zone unknown: valid_zones {problem}"
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
        room = fit_of(reading, block)
        if room is not None and room.lacks:
            there = f"{room.there >> 20} MiB are free or clean page cache"
            return f"{_needs(room)} {there} {_WHERE}"
        return "whether a huge page that is in use finds room outside the block is not told"
    if fact == "busy":
        return "whether another block is going offline is unknown"
    problem = "does not tell for every frame"
    if reading.frames is None:
        problem = "not read" if reading.live else "not in a dump"
    return f"kernel memory unknown: kpageflags {problem}"


def _where_cma_is(reading: MachineReading) -> str:
    if reading.areas is not None and reading.page_size is not None:
        return "an area of CMA lies in it, and this kernel may or may not refuse that"
    if reading.cma is None:
        return "whether an area of CMA lies in it is not told: no zoneinfo with cma, no CmaTotal"
    problem = "does not tell" if reading.live else "not in the dump"
    return f"its zone has memory of CMA, and where is not told: {CMA_DIR} {problem} (root reads it)"
