"""Sections, nodes and their metadata: memory that is described, present, and gone again.

All sections of a block come and go in one operation, so a block has one state;
what differs between its sections follows from the layout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush

from .blocks import Blocks
from .codes import (
    ALTMAP_FREED,
    ALTMAP_HELD,
    EAGAIN,
    EBUSY,
    EEXIST,
    EINVAL,
    ENODEV,
    ENOMEM,
    OFFLINE,
)
from .layout import Layout

__all__ = ["Sections"]


class Sections(Blocks):
    """Blocks whose memory comes and goes; what holds metadata of others leaves last."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        blocks, nodes = layout.blocks, layout.nodes
        self.inserted = bytearray(layout.early_device or layout.early)
        self.present = bytearray(layout.early)
        self.added = bytearray(blocks)
        self.usage_freed = bytearray(blocks)
        self.altmap = bytearray(blocks)
        self.present_on = list(self.in_use)
        self.pgdat = bytearray(layout.early[self.pgdat_block(node)] for node in range(nodes))
        self.node_online = bytearray(self.pgdat)
        self.memmaps_added = [0] * nodes
        self._prepare_hosts()

    def _prepare_hosts(self) -> None:
        """Which sections hold something of others, and how many mem_maps each holds now."""
        layout = self.layout
        self.holds_pgdat = {section: n for n, section in enumerate(layout.pgdat_section)}
        self.hosted: Counter[int] = Counter()
        for section, host in enumerate(layout.memmap_host or ()):
            if host != section:
                self.hosted[host] += self.present[section // layout.sections]

    def plugged(self, block: int) -> bool:
        """Whether every device that the block lies in is inserted."""
        return all(self.inserted[device] for device in self.layout.in_devices(block))

    # --- the way in --------------------------------------------------------------------------

    def probe(self, block: int) -> int:
        """Add memory that is there: pgdat, mem_maps, sections, node, block device."""
        node = self.node_of[block]
        if not self.pgdat[node] and not self.plugged(self.pgdat_block(node)):
            return ENOMEM
        if self.present[block]:
            return EEXIST
        if not self.plugged(block):
            return ENODEV
        if not self._takes_turns(block, self._can_come):
            return ENOMEM
        if self.locked_by >= 0:
            return EAGAIN
        self.pgdat[node] = 1
        self.node_online[node] = 1
        self.has_device[block] = 1
        self._set_present(block, 1)
        self.added[block] = 1
        self.memmaps_added[node] += self.layout.sections
        if any(self.hosts_itself(section) for section in self.sections_of(block)):
            self.altmap[block] = ALTMAP_HELD
        self.usage_freed[block] = 0
        return 0

    def hosts_itself(self, section: int) -> bool:
        """Whether the section's mem_map lies in the section's own block."""
        size = self.layout.sections
        return self.layout.host_of(section) // size == section // size

    def _can_come(self, section: int, there: set[int]) -> bool:
        """What the section needs is present, or among the block's sections that are there now."""
        size = self.layout.sections
        node = self.node_of[section // size]
        needed = {self.layout.host_of(section), self.layout.pgdat_section[node]} - {section}
        return all(other in there or self.present[other // size] for other in needed)

    # --- the way out -------------------------------------------------------------------------

    def remove_memory(self, block: int) -> int:
        """Remove an offline block, all of it or nothing; its node goes with its last memory."""
        if self.locked_by >= 0 and self.locked_by not in self.layout.in_devices(block):
            return EAGAIN
        if not self.has_device[block]:
            return ENODEV
        if self.state[block] != OFFLINE:
            return EBUSY
        if self.locked_by < 0 and self._altmaps_differ(block):
            return EINVAL
        if not self._takes_turns(block, self._can_leave):
            return EBUSY
        node = self.node_of[block]
        self.has_device[block] = 0
        self._set_present(block, 0)
        self.memory.errors.pop(block, None)
        if self.added[block]:
            self.memmaps_added[node] -= self.layout.sections
            self.added[block] = 0
        self.usage_freed[block] = not self.layout.early[block]
        if self.altmap[block] == ALTMAP_HELD:
            self.altmap[block] = ALTMAP_FREED
        if not self.present_on[node]:
            self.pgdat[node] = 0
            self.node_online[node] = 0
        return 0

    def _altmaps_differ(self, block: int) -> bool:
        """Of the blocks that share a device, some have their mem_map in themselves, some not."""
        held = self.altmap[block] == ALTMAP_HELD
        return any(
            self.has_device[other] and (self.altmap[other] == ALTMAP_HELD) != held
            for device in self.layout.in_devices(block)
            for other in self.layout.in_device(device)
        )

    def _can_leave(self, section: int, gone: set[int]) -> bool:
        """Nobody who is present needs the section, but those of its block that are gone now."""
        guests = self.hosted[section]
        if guests:
            guests -= sum(guest in gone for guest in self.guests[section])
        if guests:
            return False
        if section not in self.holds_pgdat:
            return True
        block = section // self.layout.sections
        others = self.present_on[self.node_of[block]] > 1
        return not others and gone.issuperset(set(self.sections_of(block)) - {section})

    def _takes_turns(self, block: int, may_go: Callable[[int, set[int]], bool]) -> bool:
        """The block's sections can all come, or go, in some order."""
        passed: set[int] = set()
        waiting = list(self.sections_of(block))
        while waiting:
            stuck = []
            for section in waiting:
                if may_go(section, passed):
                    passed.add(section)
                else:
                    stuck.append(section)
            if len(stuck) == len(waiting):
                return False
            waiting = stuck
        return True

    def _set_present(self, block: int, truth: int) -> None:
        self.present[block] = truth
        change = 1 if truth else -1
        self.present_on[self.node_of[block]] += change
        if self.guests:
            for section in self.sections_of(block):
                host = self.layout.host_of(section)
                if host != section:
                    self.hosted[host] += change

    # --- in which order ----------------------------------------------------------------------

    def removal_order(self, blocks: Sequence[int]) -> list[int]:
        """An order in which these blocks can go, the lowest first; empty if there is none."""
        chosen = set(blocks)
        waits: dict[int, set[int]] = {block: set() for block in blocks}
        for block in blocks:
            for section in self.sections_of(block):
                for other in self._needed_by(section):
                    first = other // self.layout.sections
                    if first not in chosen:
                        return []
                    if first != block:
                        waits[block].add(first)
            if not self._no_inner_cycle(block):
                return []
        return _lowest_first(waits)

    def _needed_by(self, section: int) -> list[int]:
        """The other sections, of memory that is there, that must be gone before this one."""
        size = self.layout.sections
        others = [s for s in self.guests.get(section, ()) if self.present[s // size]]
        node = self.holds_pgdat.get(section)
        if node is not None:
            for block in self._blocks_on(node):
                if self.present[block]:
                    others += [s for s in self.sections_of(block) if s != section]
        return others

    def _no_inner_cycle(self, block: int) -> bool:
        size = self.layout.sections
        inner = {
            section: {s for s in self._needed_by(section) if s // size == block}
            for section in self.sections_of(block)
        }
        return bool(_lowest_first(inner))


def _lowest_first(waits: dict[int, set[int]]) -> list[int]:
    """A topological order, the lowest first; empty if some wait for each other."""
    followers: dict[int, list[int]] = {}
    waits_for = {}
    for waiting, others in waits.items():
        waits_for[waiting] = len(others)
        for other in others:
            followers.setdefault(other, []).append(waiting)
    ready = [element for element, count in waits_for.items() if not count]
    heapify(ready)
    order = []
    while ready:
        element = heappop(ready)
        order.append(element)
        for follower in followers.get(element, ()):
            waits_for[follower] -= 1
            if not waits_for[follower]:
                heappush(ready, follower)
    return order if len(order) == len(waits) else []
