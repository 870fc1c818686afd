"""A block that is offline: why, how it goes online, and whether it could go again then.

Which zone each word gives `valid_zones` says: the first is what *online* gives, and of the others
*online_kernel* takes the kernel's and *online_movable* ZONE_MOVABLE (drivers/base/memory.c,
valid_zones_show).  Whether the block could go again the specification answers, of the block online
in that zone and with any use of its frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..reading.sysfs import BlockReading, MachineReading
from .completions import ZONE_OF, Facts
from .court import Court, Removability

__all__ = ["Onlining", "onlinings", "why_offline"]

_USES = tuple(frozenset({use}) for use in ("free", "user", "kernel"))


@dataclass(frozen=True)
class Onlining:
    """What writing ``word`` to the block's `state` gives: the zone, and if it could go again."""

    word: str
    zone: str
    again: Removability


def onlinings(block: BlockReading, facts: Facts, court: Court) -> tuple[Onlining, ...]:
    """The ways online that an offline block's `valid_zones` tells.

    Args:
        block: one that is offline.
        facts: what the reading tells of it.
        court: asks the specification.
    """
    zones = [zone for zone in block.valid_zones or () if ZONE_OF.get(zone) not in (None, "none")]
    words = [("online", zone) for zone in zones[:1]]
    for word, kind in (("online_kernel", "kernel"), ("online_movable", "movable")):
        words += [(word, zone) for zone in zones if ZONE_OF[zone] == kind][:1]
    return tuple(Onlining(word, zone, _again(zone, facts, court)) for word, zone in words)


def _again(zone: str, facts: Facts, court: Court) -> Removability:
    """Whether the block could go offline again, once it is online in the zone."""
    online = replace(facts, state=("online",), zone=(ZONE_OF[zone],), frames=_USES, busy=(False,))
    return court.answer(online).verdict


def why_offline(reading: MachineReading) -> str:
    """Why blocks of a machine are offline, as far as its policy for added memory tells."""
    added = reading.policy.added
    if added is None:
        return "offline already; why is not told: auto_online_blocks is not there"
    if added == "offline":
        return (
            "offline already: auto_online_blocks is offline, so memory that is added stays so"
            " until somebody writes to its state"
        )
    return (
        f"offline already, though auto_online_blocks is {added}: it was set offline after it was"
        " added, or was added before that was written, or could not go online"
    )
