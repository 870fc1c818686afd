"""The engine as something that a comparison can drive: reset, do, observe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .codes import (
    ADD_FAILED,
    INITIALISED,
    KINDS,
    SHOWN,
    USAGE_ABSENT,
    USAGE_BOOT,
    USAGE_FREED,
    USAGE_OWN,
    USER,
)
from .layout import Described, Layout
from .machine import Machine
from .observe import folios

__all__ = ["EngineTarget"]

_OF_POOLS = (
    "abort_huge_migration",
    "begin_huge_migration",
    "begin_huge_migration_afresh",
    "change_huge_home",
    "copy_huge",
    "dissolve",
    "finish_huge_migration",
    "free_left_huge",
    "grow_pool",
    "put_huge",
    "put_surplus",
    "reserve_huge",
    "take_huge",
    "take_promised",
    "take_surplus",
    "unreserve_huge",
)
_OF_HUGE_USES = (
    "device_write_huge",
    "map_huge",
    "pin_huge_longterm",
    "pin_huge_short",
    "replace_huge_pte",
    "restore_huge_pte",
    "store_huge",
    "unmap_huge",
    "unpin_huge",
    "wait_for_huge",
    "wake_from_huge",
)
_OF_STORES = (
    "attach_private",
    "begin_writeback",
    "end_writeback",
    "fail_writeback",
    "put_private",
    "release_private",
    "report_error",
    "store_returns",
    "store_stops",
    "use_private",
)
_OF_PINS = (
    "device_write",
    "pin_longterm",
    "pin_short",
    "unpin",
)
_OF_REFERENCES = (
    "get_reference",
    "put_reference",
    "write_by_reference",
)
_OF_MEMORY = (
    "alloc_kernel",
    "corrupt_pfn",
    "drain_from_cpu",
    "fault",
    "free_folio",
    "free_kernel",
    "keep_on_cpu",
    "remap_file_pages",
    "soft_offline",
    "store",
    "tell_of_loss",
    "unmap",
)
_OF_MACHINE = (
    "add_device",
    "add_memory",
    "allow_eject",
    "begin_node_removal",
    "cancel_node_removal",
    "drain",
    "eject",
    "eject_device",
    "forbid_eject",
    "migrate_folio",
    "probe",
    "remove_memory",
    "remove_node",
    "undrain",
    "write_online",
    "write_state",
)


class EngineTarget:
    """A machine of the engine, driven by the names that the reference uses.

    >>> target = EngineTarget()
    >>> sorted(target.operations)[:3]
    ['abort_huge_migration', 'add_device', 'add_memory']
    """

    operations: frozenset[str] = frozenset(
        (
            *_OF_POOLS,
            *_OF_HUGE_USES,
            *_OF_STORES,
            *_OF_PINS,
            *_OF_REFERENCES,
            *_OF_MEMORY,
            *_OF_MACHINE,
            "alloc_folio",
        )
    )
    """The names of what it can do."""

    def __init__(self) -> None:
        self._described: Described | None = None
        self._layout: Layout | None = None

    def reset(self, topology: Described) -> None:
        """Boot a machine of that topology.

        Raises:
            ValueError: if its blocks differ in size; see `Layout.of`.
        """
        if self._layout is None or self._described is not topology:
            self._layout, self._described = Layout.of(topology), topology
        self.machine = Machine(self._layout)
        memory = self.machine.memory
        parts: tuple[tuple[object, tuple[str, ...]], ...] = (
            (self.machine, _OF_MACHINE),
            (memory, _OF_MEMORY),
            (memory.stores, _OF_STORES),
            (memory.pins, _OF_PINS),
            (memory.references, _OF_REFERENCES),
            (memory.pools, _OF_POOLS),
            (memory.pools.uses, _OF_HUGE_USES),
        )
        self._operations: dict[str, Callable[..., int]] = {
            name: getattr(part, name) for part, names in parts for name in names
        }

    def do(self, operation: str, *params: int | str | bool) -> int | None:
        """Do an operation.

        Returns:
            None for success, otherwise the errno that a user sees.
        """
        if operation == "alloc_folio":
            folio, frame, kind = params
            error = self.machine.memory.alloc_folio(int(folio), int(frame), KINDS.index(str(kind)))
        else:
            error = self._operations[operation](*params)
        return error or None

    def observe(self) -> Mapping[str, Sequence[int | None]]:
        """The state, variable by variable, row-major; None where it keeps nothing."""
        return {
            **self._blocks(),
            **self._sections(),
            **self._nodes(),
            **self._frames(),
            **folios(self.machine.memory),
        }

    def _blocks(self) -> dict[str, Sequence[int | None]]:
        machine = self.machine
        blocks = range(machine.layout.blocks)
        ranks = [machine.rank(block) for block in blocks]
        told = [machine.heard(block) for block in blocks]
        spans = [machine.spans(node) for node in range(machine.layout.nodes)]
        at = [(rank, spans[node]) for rank, node in zip(ranks, machine.node_of, strict=True)]
        return {
            "block_state": list(machine.state),
            "zone": list(machine.memory.zone),
            "pages_zone": list(machine.memory.zone),
            "event": list(machine.event),
            "heard": [heard[w] for w in range(machine.layout.listeners) for heard in told],
            "block_device": list(machine.has_device),
            "crash_map": list(machine.crash_map),
            "draining": list(machine.draining),
            "vetted": list(machine.vetted),
            "firmware_map": list(machine.has_device),
            "altmap": list(machine.altmap),
            "ram_resource": list(machine.present),
            "found": list(machine.found),
            "zone_span": [low <= rank <= high for rank, (*zones, _) in at for low, high in zones],
            "node_span": [node[0] <= rank <= node[1] for rank, (*_, node) in at],
        }

    def _sections(self) -> dict[str, Sequence[int | None]]:
        machine, layout = self.machine, self.machine.layout
        present: list[int] = []
        memmap: list[int] = []
        counted: list[int] = []
        altmap: list[int] = []
        usage: list[int] = []
        for b in range(layout.blocks):
            there, added = machine.present[b], machine.added[b]
            present += [there] * layout.sections
            memmap += [there + machine.initialised[b]] * layout.sections
            counted += [added] * layout.sections
            altmap += [added and machine.hosts_itself(s) for s in machine.sections_of(b)]
            if layout.early[b]:
                usage_map = USAGE_BOOT
            elif there:
                usage_map = USAGE_OWN
            else:
                usage_map = USAGE_FREED if machine.usage_freed[b] else USAGE_ABSENT
            usage += [usage_map] * layout.sections
        return {
            "present": present,
            "memmap": memmap,
            "memmap_counted": counted,
            "from_altmap": altmap,
            "usage": usage,
        }

    def _nodes(self) -> dict[str, Sequence[int | None]]:
        machine = self.machine
        devices = range(machine.layout.devices)
        return {
            "pgdat": [INITIALISED * there for there in machine.pgdat],
            "node_online": list(machine.node_online),
            "node_found": list(machine.node_found),
            "has_memory": list(machine.has_memory),
            "in_zonelists": list(machine.in_zonelists),
            "node_structure": list(machine.node_structure),
            "own_pageset": [populated for zones in machine.own_pageset for populated in zones],
            "highest_zone": list(machine.highest_zone),
            "memmaps_added": machine.memmaps_added,
            "leaving": list(machine.leaving),
            "inserted": list(machine.inserted),
            "told": list(machine.told),
            "eject_forbidden": list(machine.eject_forbidden),
            "request": [ADD_FAILED * (m == machine.locked_by) for m in devices],
        }

    def _frames(self) -> dict[str, Sequence[int | None]]:
        machine, size = self.machine, self.machine.memory.per_block
        codes = bytearray()
        for block, code in enumerate(machine.memory.uniform):
            codes += machine.memory.mixed.get(block) or bytes((code,)) * size
        owners = machine.memory.folio_of.numbers()
        return {
            "frame_state": list(codes.translate(SHOWN)),
            "kept": [0] * len(codes),  # it has no kernel pages that move
            "hwpoison": [
                frame in machine.memory.errors.get(frame // size, ()) for frame in range(len(codes))
            ],
            "folio_of": [
                owner if code == USER else None for owner, code in zip(owners, codes, strict=True)
            ],
            "data": machine.memory.data.numbers(),
            "refused_move": [
                frame in machine.memory.refused.get(frame // size, ())
                for frame in range(len(codes))
            ],
            "spent": [
                tick < machine.memory.spent.get(block, 0)
                for block in range(machine.layout.blocks)
                for tick in range(machine.layout.ticks)
            ],
        }
