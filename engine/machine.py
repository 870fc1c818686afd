"""The machine: memory that comes and goes with its devices, as the firmware asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from .codes import (
    ABSENT,
    ADDED,
    EAGAIN,
    EBUSY,
    EEXIST,
    EJECTED,
    ENODEV,
    ENOENT,
    EPERM,
    FOUND_OFFLINE,
    FOUND_ONLINE,
    IN_PROGRESS,
    NOT_ADDED,
    NOT_EJECTED,
    NOT_GONE,
    NOT_SUPPORTED,
    OFFLINE,
    ONLINE,
)
from .layout import Layout
from .sections import Sections

__all__ = ["Machine"]

_Saved: TypeAlias = tuple[list[bytes | list[int]], Counter[int], dict[int, set[int]]]


class Machine(Sections):
    """A machine that has just booted.  Operations return 0, or the errno that a user sees.

    ``told`` is what the firmware was last told of each device; ``found`` is how its last
    request found each block (`codes`).

    >>> from memhp.engine.layout import Layout
    >>> machine = Machine(Layout([0, 0], [[0]], 1, 4, b"\\1\\1", b"\\1\\2", [0]))
    >>> machine.write_state(1, "offline"), machine.remove_memory(1), machine.eject(1)
    (0, 0, 0)
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.told = bytearray(layout.devices)
        self.found = bytearray(layout.blocks)
        self.eject_forbidden = bytearray(layout.devices)
        self.node_found = bytearray(layout.nodes)

    # --- one block ---------------------------------------------------------------------------

    def add_memory(self, block: int) -> int:
        """Hot-add a block with its devices, all of it or nothing."""
        devices = self.layout.in_devices(block)
        missing = [device for device in devices if not self.inserted[device]]
        if devices and not missing:
            return EEXIST
        for device in missing:
            self.inserted[device] = 1
        error = self.probe(block)
        if error:
            for device in missing:
                self.inserted[device] = 0
        return error

    def eject(self, block: int) -> int:
        """The firmware takes all devices of a removed block away, or none."""
        ejected: list[tuple[int, int, dict[int, int], bytearray]] = []
        for device in self.layout.in_devices(block):
            presence = {other: self.found[other] for other in self.layout.in_device(device)}
            before = device, self.told[device], presence, self.node_found
            error = self._cannot_eject(device) or self._cannot_leave(device)
            if error:
                for back, status, presence, self.node_found in reversed(ejected):
                    self.inserted[back] = 1
                    self.told[back] = status
                    for other, code in presence.items():
                        self.found[other] = code
                return error
            self._begin(device)
            self._leave(device)
            ejected.append(before)
        return 0

    # --- what the firmware asks for ----------------------------------------------------------

    def add_device(self, device: int) -> int:
        """Insert a device and add all memory that it completes, or none of it."""
        if self.inserted[device]:
            return EEXIST
        self.inserted[device] = 1
        error = self._cannot_begin(device)
        if error:
            return error
        self._begin(device)
        added: list[int] = []
        blocks = self.layout.in_device(device)
        for block in [b for b in blocks if self.plugged(b) and not self.has_device[b]]:
            error = self.probe(block)
            if error:
                break
            added.append(block)
        if not error:
            self.told[device] = ADDED
            return 0
        self.locked_by = device
        for block in self.removal_order(added):
            self.remove_memory(block)
        if not any(self.present[b] and self.found[b] == ABSENT for b in blocks):
            self.locked_by = -1
            self.told[device] = NOT_ADDED
        return error

    def eject_device(self, device: int) -> int:
        """Eject a device with all its memory, or bring online again what went offline."""
        error = self._cannot_eject(device)
        if error:
            if error in (EPERM, ENODEV) and self.inserted[device]:
                self.told[device] = NOT_SUPPORTED if error == EPERM else NOT_EJECTED
            return error
        self._begin(device)
        blocks = [block for block in self.layout.in_device(device) if self.has_device[block]]
        online = [block for block in blocks if self.state[block] == ONLINE]
        if online and self.layout.demands_offline[device]:
            self.told[device] = NOT_GONE
            return EBUSY
        for block in online:  # what does not go yet may go when another block has gone
            self.offline(block)
        if not self._first_error(self._settle_offline, online) and self._go(blocks, device):
            return 0
        waiting = [block for block in online if self.state[block] == OFFLINE]
        came = True
        while came:  # one may wait for another, which holds its mem_map
            still = [b for b in waiting if self.online(b, self.default_zone(b))]
            came, waiting = len(still) < len(waiting), still
        self.told[device] = NOT_GONE
        return EBUSY

    def forbid_eject(self, device: int) -> int:
        """Somebody forbids that the device is ejected."""
        if not self.layout.may_be_forbidden[device]:
            return EPERM
        if self.eject_forbidden[device]:
            return EEXIST
        if self.locked_by == device:
            return EAGAIN
        self.eject_forbidden[device] = 1
        return 0

    def allow_eject(self, device: int) -> int:
        """Somebody allows that the device is ejected again."""
        if not self.eject_forbidden[device]:
            return ENOENT
        self.eject_forbidden[device] = 0
        return 0

    def _go(self, blocks: Sequence[int], device: int) -> bool:
        """Remove all of these offline blocks and the device, or none."""
        saved = self._save()
        order = self.removal_order(blocks) or blocks
        if self._first_error(self.remove_memory, order) or self._cannot_leave(device):
            self._restore(saved)
            return False
        self._leave(device)
        return True

    def _cannot_begin(self, device: int) -> int:
        if not self.inserted[device]:
            return ENODEV
        return EAGAIN if self.locked_by >= 0 else 0

    def _cannot_eject(self, device: int) -> int:
        error = self._cannot_begin(device) or EPERM * self.eject_forbidden[device]
        return error or ENODEV * self.layout.lacks_ej0[device]

    def _begin(self, device: int) -> None:
        """A request begins, and remembers how it finds the device's blocks, and all nodes."""
        self.told[device] = IN_PROGRESS
        self.node_found = bytearray(self.node_online)
        for block in self.layout.in_device(device):
            online = FOUND_ONLINE if self.state[block] == ONLINE else FOUND_OFFLINE
            self.found[block] = online if self.has_device[block] else ABSENT

    def _cannot_leave(self, device: int) -> int:
        blocks = self.layout.in_device(device)
        return EBUSY if any(self.present[b] or self._holds_a_pgdat(b) for b in blocks) else 0

    def _leave(self, device: int) -> None:
        self.inserted[device] = 0
        self.told[device] = EJECTED

    def _holds_a_pgdat(self, block: int) -> bool:
        node = self.pgdat_blocks.get(block)
        return node is not None and bool(self.pgdat[node])

    # --- a whole node ------------------------------------------------------------------------

    def remove_node(self, node: int) -> int:
        """Take all memory of a node away; when that fails, what went offline is online again."""
        error = self.begin_node_removal(node)
        if error:
            return error
        blocks = [b for b in self._blocks_on(node) if self.has_device[b]]
        order = self.removal_order(blocks) or blocks
        zones = {block: self.memory.zone[block] for block in order}
        error = self._first_error(self._settle_offline, order) or self._remove_all(order)
        if error:
            self._online_again(zones)
        self.cancel_node_removal(node)
        return error

    def _settle_offline(self, block: int) -> int:
        return 0 if self.state[block] == OFFLINE else self.offline(block)

    def _online_again(self, zones: dict[int, int]) -> None:
        """Bring the blocks back that are offline, each in its zone."""
        for block, zone in reversed(zones.items()):  # what holds mem_maps of others comes first
            if zone and self.state[block] == OFFLINE:
                self.online(block, zone)

    def _remove_all(self, order: Sequence[int]) -> int:
        """Remove and eject all of these offline blocks, or none."""
        saved = self._save()
        error = self._first_error(self.remove_memory, order)
        inserted = (
            block for block in order if any(self.inserted[d] for d in self.layout.in_devices(block))
        )
        error = error or self._first_error(self.eject, inserted)
        if error:
            self._restore(saved)
        return error

    def _first_error(self, operation: Callable[[int], int], blocks: Iterable[int]) -> int:
        for block in blocks:
            error = operation(block)
            if error:
                return error
        return 0

    _SAVED = (
        "inserted",
        "told",
        "found",
        "node_found",
        "present",
        "added",
        "usage_freed",
        "altmap",
        "has_device",
        "pgdat",
        "node_online",
        "memmaps_added",
        "present_on",
    )

    def _save(self) -> _Saved:
        values = [getattr(self, name)[:] for name in self._SAVED]
        return values, Counter(self.hosted), dict(self.memory.errors)

    def _restore(self, saved: _Saved) -> None:
        values, hosted, self.memory.errors = saved
        for name, value in zip(self._SAVED, values, strict=True):
            getattr(self, name)[:] = value
        self.hosted = Counter(hosted)
