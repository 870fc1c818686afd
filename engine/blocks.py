"""Blocks: online, offline, and back when that fails; which ones can go now.

A zone's span is the hull of the blocks whose struct pages name it; the two ends
are found in a set of addresses, so nothing is scanned when a block comes or goes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bits import Bits
from .codes import (
    EAGAIN,
    EBUSY,
    EHWPOISON,
    EINVAL,
    ENODEV,
    ENOENT,
    ENOMEM,
    EPERM,
    EVENTS,
    FREE,
    OFFLINE,
    ONLINE,
    ZONES,
)
from .layout import Layout
from .memory import Memory

__all__ = ["Blocks"]

_KERNEL, _MOVABLE = ZONES.index("kernel"), ZONES.index("movable")
_NOTHING = -1, -1
"""The span of no blocks."""
_YES, _NO = ("1", "y", "t", "on"), ("0", "n", "f", "of")
"""How what is written to ``online`` begins (kstrtobool)."""


class Blocks:
    """Blocks of ``memory`` that go online and offline.  Operations return 0 or an errno."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.memory = Memory(layout)
        self.node_of = layout.node_of
        early = layout.early
        self.has_device = bytearray(early)
        self.state = bytearray(early.translate(bytes((OFFLINE, ONLINE)) + bytes(254)))
        self.event = bytearray(layout.blocks)
        self.heard_apart: dict[int, bytes] = {}
        """By block what each listener heard last, where they did not all hear the same."""
        self.crash_map = bytearray(early)
        self.draining = bytearray(layout.blocks)
        self.vetted = bytearray(layout.blocks)
        self.initialised = bytearray(early)
        self.leaving = bytearray(layout.nodes)
        self.locked_by = -1
        """The device whose failed add could not be taken back: it keeps the hotplug lock."""
        self._count_zones()
        self.pgdat_blocks = {self.pgdat_block(node): node for node in range(layout.nodes)}
        self.guests: dict[int, list[int]] = {}
        for section, host in enumerate(layout.memmap_host or ()):
            if host != section:
                self.guests.setdefault(host, []).append(section)

    def _count_zones(self) -> None:
        """How many blocks in use each node has, in all and by zone, and where they lie."""
        layout = self.layout
        nodes, early = np.asarray(layout.node_of), np.frombuffer(layout.early, dtype=np.uint8) != 0
        zones = np.frombuffer(self.memory.zone, dtype=np.uint8)
        ranks = np.arange(layout.blocks) if layout.rank is None else np.asarray(layout.rank)
        self.in_use = np.bincount(nodes[early], minlength=layout.nodes).tolist()
        self.members = [
            [
                Bits(layout.blocks, ranks[early & (nodes == node) & (zones == zone)].tolist())
                for zone in range(len(ZONES))
            ]
            for node in range(layout.nodes)
        ]
        self.own_pageset = [
            bytearray((0, *(len(members) > 0 for members in by_zone[1:])))
            for by_zone in self.members
        ]
        self.has_memory = bytearray(count > 0 for count in self.in_use)
        self.node_structure = bytearray(self.has_memory)
        self.in_zonelists = bytearray(self.has_memory)
        self.highest_zone = bytearray(
            max((zone for zone in (_KERNEL, _MOVABLE) if by_zone[zone]), default=0)
            for by_zone in self.members
        )

    def pgdat_block(self, node: int) -> int:
        """The block whose memory holds the node's pgdat."""
        return self.layout.pgdat_section[node] // self.layout.sections

    def sections_of(self, block: int) -> range:
        """The numbers of the block's sections."""
        size = self.layout.sections
        return range(block * size, (block + 1) * size)

    def holds_metadata(self, block: int) -> bool:
        """Whether the block holds the pgdat, or struct pages, of another one that is in use."""
        node = self.pgdat_blocks.get(block)
        if node is not None and self.in_use[node] > 1:
            return True
        size = self.layout.sections
        guests = (g // size for s in self.sections_of(block) for g in self.guests.get(s, ()))
        return any(self.initialised[guest] and guest != block for guest in guests)

    def _lacks_its_host(self, block: int) -> bool:
        """The mem_map of the block lies in another one, which is not online."""
        hosts = {self.layout.host_of(s) // self.layout.sections for s in self.sections_of(block)}
        return any(host != block and self.state[host] != ONLINE for host in hosts)

    def rank(self, block: int) -> int:
        """The block's place by address, from 0."""
        return block if self.layout.rank is None else self.layout.rank[block]

    # --- what a user writes ------------------------------------------------------------------

    def write_state(self, block: int, word: str) -> int:
        """Write ``word`` to /sys/devices/system/memory/memoryN/state."""
        if not word:
            return 0
        word = word.removesuffix("\n")
        if word == "offline":
            return self.offline(block)
        if word == "online":
            return self.online(block, self.default_zone(block))
        if word in ("online_kernel", "online_movable"):
            return self.online(block, _KERNEL if word == "online_kernel" else _MOVABLE)
        return EINVAL

    def write_online(self, block: int, text: str) -> int:
        """Write ``text`` to the block's ``online`` attribute: nothing to do is success."""
        if not text:
            return 0
        wanted = text.lower().startswith(_YES)
        if not wanted and not text.lower().startswith(_NO):
            return EINVAL
        if self.has_device[block] and self.state[block] == (ONLINE if wanted else OFFLINE):
            return 0
        return self.write_state(block, "online" if wanted else "offline")

    def drain(self, block: int) -> int:
        """Close the block to allocation; what is in it stays usable."""
        if self.draining[block] or self.memory.pools.takes_in(block):
            return EBUSY
        self.draining[block] = 1
        self.memory.close(block)
        return 0

    def undrain(self, block: int) -> int:
        """Open the block to allocation again."""
        if not self.draining[block]:
            return ENOENT
        self.draining[block] = self.vetted[block] = 0
        if not self.leaving[self.node_of[block]]:
            self.memory.open(block)
        return 0

    def begin_node_removal(self, node: int) -> int:
        """Begin to take all memory of the node away: nothing new comes to it."""
        blocks = self._blocks_on(node)
        if self.leaving[node] or any(map(self.memory.pools.takes_in, blocks)):
            return EBUSY
        self.leaving[node] = 1
        for block in blocks:
            self.memory.close(block)
        return 0

    def cancel_node_removal(self, node: int) -> int:
        """End that: the node stays after all, or is gone."""
        if not self.leaving[node]:
            return ENOENT
        self.leaving[node] = 0
        for block in self._blocks_on(node):
            if not self.draining[block]:
                self.memory.open(block)
        return 0

    def _blocks_on(self, node: int) -> list[int]:
        return np.flatnonzero(np.asarray(self.node_of) == node).tolist()

    # --- online ------------------------------------------------------------------------------

    def default_zone(self, block: int) -> int:
        """The zone that a plain "online" chooses (`codes.ZONES`)."""
        if block in self.layout.metadata_frames:
            return _KERNEL
        movable = self.reaches(block, _MOVABLE)
        if movable == self.reaches(block, _KERNEL):
            movable = bool(self.layout.movable_node[self.node_of[block]])
        return _MOVABLE if movable else _KERNEL

    def reaches(self, block: int, zone: int) -> bool:
        """Whether the span of that zone, on the block's node, reaches over the block."""
        members = self.members[self.node_of[block]][zone]
        if zone == 0 or not members:
            return False
        return members.first() <= self.rank(block) <= members.last()

    def spans(self, node: int) -> list[tuple[int, int]]:
        """The first and last rank of each of the node's zones, and, last, of the node.

        A pair is (-1, -1) where there is no block.
        """
        zones = [(m.first(), m.last()) for m in self.members[node][1:]]
        named = [span for span in zones if span != _NOTHING]
        own = (min(named)[0], max(high for _, high in named)) if named else _NOTHING
        return [_NOTHING, *zones, own]

    def online(self, block: int, zone: int) -> int:
        """Bring a block online in that zone: its frames go to the allocator."""
        if self.locked_by >= 0:
            return EAGAIN
        if not self.has_device[block]:
            return ENODEV
        if self.state[block] != OFFLINE:
            return EINVAL
        if block in self.memory.errors:
            return EHWPOISON
        if zone == _MOVABLE and block in self.layout.metadata_frames:
            return EINVAL
        if self._lacks_its_host(block):
            return ENOMEM
        node = self.node_of[block]
        self.highest_zone[node] = max(zone, self.highest_zone[node])
        if self.layout.vetoes_online[block]:
            self._tell_who_agreed(block, "cancel_online")
            self.node_structure[node] = self.has_memory[node]
            return EPERM
        self.state[block] = ONLINE
        self.memory.zone[block] = zone
        self._tell(block, "online")
        self.initialised[block] = 1
        self.crash_map[block] = 1
        self.members[node][zone].add(self.rank(block))
        self.in_use[node] += 1
        self.own_pageset[node][zone] = 1
        self._node_has_memory(node)
        self.memory.appear(block)
        return 0

    # --- offline -----------------------------------------------------------------------------

    def offline(self, block: int) -> int:
        """Take a block offline: isolate it, move what is in it, take it out of its zone.

        In a block that was closed sticky memory is looked for before anything else.
        """
        if self.locked_by >= 0:
            return EAGAIN
        if self.draining[block] and not self.vetted[block]:
            if self.memory.has_sticky(block):
                return EBUSY
            self.vetted[block] = 1
        if not self.has_device[block]:
            return ENODEV
        if self.state[block] != ONLINE or not self.memory.zone[block] or self.layout.holes[block]:
            return EINVAL
        if self.memory.kernel[block] or self.holds_metadata(block):
            return EBUSY
        self.memory.isolate(block)
        refused = self.layout.vetoes_offline[block]
        error = EPERM if refused else self._empty(block)
        if error:
            (self._tell_who_agreed if refused else self._tell)(block, "cancel_offline")
            self.memory.undo_isolation(block)
            return error
        self._leave_zone(block)
        self.state[block] = OFFLINE
        self._tell(block, "offline")
        self.initialised[block] = 0
        self.crash_map[block] = 0
        self.memory.vanish(block)
        return 0

    def _empty(self, block: int) -> int:
        """Move all folios of the isolated block to the nearest frames with room."""
        memory = self.memory
        memory.empty(block, self.layout.fallback[self.node_of[block]])
        return memory.pools.leave(block, stay=memory.user[block] > 0)

    def _leave_zone(self, block: int) -> None:
        node, zone = self.node_of[block], self.memory.zone[block]
        self.members[node][zone].discard(self.rank(block))
        self.in_use[node] -= 1
        self.memory.zone[block] = 0
        if not self.members[node][zone]:
            self.own_pageset[node][zone] = 0
        if not self.in_use[node]:
            self._node_has_memory(node, 0)

    def _node_has_memory(self, node: int, truth: int = 1) -> None:
        self.has_memory[node] = truth
        self.in_zonelists[node] = truth
        self.node_structure[node] = truth

    # --- migration ---------------------------------------------------------------------------

    def migrate_folio(self, folio: int, target: int) -> int:
        """Move a folio to a free frame of the nearest node that has room."""
        if not self.memory.kind(folio):
            return EAGAIN
        source = self.memory.home.get(folio)
        leaves = source // self.layout.frames
        if self.draining[leaves] and not self.vetted[leaves]:
            return EBUSY
        if self.memory.code(target) != FREE:
            return ENOMEM
        to = self.node_of[target // self.layout.frames]
        for node in self.layout.fallback[self.node_of[source // self.layout.frames]]:
            if node == to:
                break
            if self.memory.room[node]:
                return ENOMEM
        return self.memory.migrate(source, target)

    # --- notifiers ---------------------------------------------------------------------------

    def heard(self, block: int) -> bytes:
        """The event that each listener heard last of the block (`codes.EVENTS`)."""
        return self.heard_apart.get(block) or bytes((self.event[block],)) * self.layout.listeners

    def _tell(self, block: int, word: str) -> None:
        self.event[block] = EVENTS.index(word)
        self.heard_apart.pop(block, None)

    def _tell_who_agreed(self, block: int, word: str) -> None:
        """Who was asked before somebody refused hears the cancel; the others heard nothing."""
        before, code = self.heard(block), EVENTS.index(word)
        first = self.layout.asked_first[block] if self.layout.asked_first else bytes(len(before))
        self.heard_apart[block] = bytes(
            code if agreed else last for agreed, last in zip(first, before, strict=True)
        )
        self.event[block] = code

    # --- questions ---------------------------------------------------------------------------

    def can_go(self) -> NDArray[np.bool_]:
        """For each block, whether writing "offline" to its state would succeed now."""
        free = np.frombuffer(self.memory.free, dtype=np.int64)
        opened = np.frombuffer(self.memory.freed_as, dtype=np.uint8) == FREE
        room = np.where(opened, free, 0)
        elsewhere = room.sum() - room
        flags = (self.has_device, self.memory.zone)
        result: NDArray[np.bool_] = np.frombuffer(self.state, dtype=np.uint8) == ONLINE
        for flag in flags:
            result &= np.frombuffer(flag, dtype=np.uint8) != 0
        for obstacle in (self.layout.holes, self.layout.vetoes_offline):
            result &= np.frombuffer(obstacle, dtype=np.uint8) == 0
        result &= np.frombuffer(self.memory.kernel, dtype=np.int64) == 0
        result &= np.frombuffer(self.memory.user, dtype=np.int64) <= elsewhere
        for block in self.memory.pools.frames_in:
            result[block] &= self.memory.pools.can_leave(block)
        hosts = {section // self.layout.sections for section in self.guests}
        for block in hosts.union(self.pgdat_blocks):
            result[block] &= not self.holds_metadata(block)
        for block in self.memory.restless:
            needed = self.memory.time_needed(block)
            closed = self.draining[block] and not self.vetted[block]
            if not 0 <= needed <= self.layout.ticks or (closed and self.memory.has_sticky(block)):
                result[block] = False
        return result
