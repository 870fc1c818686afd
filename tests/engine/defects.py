"""Defects planted in the engine, one at a time: each must be found by comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from memhp.engine.codes import BOOT, EVENTS, FREE, ISOLATED, PCP
from memhp.engine.huge import HugePools
from memhp.engine.huge_uses import HugeUses
from memhp.engine.machine import Machine
from memhp.engine.memory import Memory
from memhp.engine.pins import Pins
from memhp.engine.stores import Stores

from .defects_of_folios import FOLIO_DEFECTS

Method = Callable[..., Any]
OWNERS = (*Memory.__mro__, *Machine.__mro__, *HugePools.__mro__, HugeUses, Pins, Stores)
"""The engine's classes, in the order in which a method is looked for."""


@dataclass(frozen=True)
class Defect:
    """One method of the engine replaced.

    ``within``: how many steps of the walk find it at the latest; ``topology``, on
    which of the machines.
    """

    name: str
    method: str
    broken: Callable[[Method], Method]
    within: int = 10_000
    topology: str = "one_node"

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        """Replace the method as long as ``patch`` lasts."""
        owner = next(c for c in OWNERS if self.method in vars(c))
        patch.setattr(owner, self.method, self.broken(vars(owner)[self.method]))


def _free_count_off_by_one(right: Method) -> Method:
    def broken(self: Memory, block: int) -> None:
        right(self, block)
        if self.free[block] == 1:
            self.free[block] = 0
            self.room[self.node_of[block]].discard(block)

    return broken


def _highest_frame_first(right: Method) -> Method:
    def broken(self: Memory, block: int, code: int, count: int) -> Any:
        frames = right(self, block, code, count)
        lowest_first = code != FREE or isinstance(frames, range)
        return frames if lowest_first else np.asarray(frames)[::-1].copy()

    return broken


def _lower_node_first(right: Method) -> Method:
    def broken(self: Memory, nodes: list[int], wanted: int) -> Any:
        return right(self, sorted(nodes), wanted)

    return broken


def _errors_forgotten_at_offline(right: Method) -> Method:
    def broken(self: Memory, block: int) -> None:
        right(self, block)
        self.errors.pop(block, None)

    return broken


def _isolation_not_undone(right: Method) -> Method:
    return lambda self, block: None


def _isolation_passes_over_cpus(right: Method) -> Method:
    def broken(self: Memory, block: int, old: tuple[int, ...], new: int) -> None:
        right(self, block, tuple(c for c in old if c != PCP) if new == ISOLATED else old, new)

    return broken


def _pgdat_may_leave_early(right: Method) -> Method:
    def broken(self: Machine, section: int, gone: set[int]) -> bool:
        held, self.holds_pgdat = self.holds_pgdat, {}
        answer: bool = right(self, section, gone)
        self.holds_pgdat = held
        return answer

    return broken


def _memmap_host_may_leave_early(right: Method) -> Method:
    def broken(self: Machine, section: int, gone: set[int]) -> bool:
        hosted, self.hosted = self.hosted, type(self.hosted)()
        answer: bool = right(self, section, gone)
        self.hosted = hosted
        return answer

    return broken


def _host_need_not_be_present(right: Method) -> Method:
    return lambda self, section, there: True


def _veto_ignored(right: Method) -> Method:
    def broken(self: Machine, block: int) -> int:
        layout, veto = self.layout, self.layout.vetoes_offline
        object.__setattr__(layout, "vetoes_offline", bytes(len(veto)))
        error: int = right(self, block)
        object.__setattr__(layout, "vetoes_offline", veto)
        return error

    return broken


def _veto_before_kernel_memory(right: Method) -> Method:
    def broken(self: Machine, block: int) -> int:
        if self.layout.vetoes_offline[block] and self.memory.kernel[block]:
            return 1
        error: int = right(self, block)
        return error

    return broken


def _draining_opens_online(right: Method) -> Method:
    def broken(self: Memory, block: int) -> None:
        self.freed_as[block] = FREE
        right(self, block)

    return broken


def _leaving_node_stays_open(right: Method) -> Method:
    def broken(self: Machine, node: int) -> int:
        close, self.memory.close = self.memory.close, lambda block: None  # type: ignore[method-assign]  # the defect
        error: int = right(self, node)
        self.memory.close = close  # type: ignore[method-assign]  # as it was
        return error

    return broken


def _leaving_node_opened_by_a_block(right: Method) -> Method:
    def broken(self: Machine, block: int) -> int:
        error: int = right(self, block)
        if not error:
            self.memory.open(block)
        return error

    return broken


def _huge_folios_on_their_way_unseen(right: Method) -> Method:
    return lambda self, block: False


def _kernel_in_movable_zone(right: Method) -> Method:
    def broken(self: Memory, frame: int) -> int:
        zone, self.zone = self.zone, bytearray(len(self.zone))
        error: int = right(self, frame)
        self.zone = zone
        return error

    return broken


def _boot_memory_freed(right: Method) -> Method:
    def broken(self: Memory, frame: int) -> int:
        block = frame // self.per_block
        if self.code(frame) == BOOT:
            self.kernel[block] -= 1
            self.give_back(block, frame % self.per_block)
            return 0
        error: int = right(self, frame)
        return error

    return broken


def _span_never_shrinks(right: Method) -> Method:
    def broken(self: Machine, block: int) -> None:
        zone = self.memory.zone[block]
        right(self, block)
        self.members[self.node_of[block]][zone].add(self.rank(block))

    return broken


def _node_stays_without_memory(right: Method) -> Method:
    def broken(self: Machine, node: int, truth: int = 1) -> None:
        right(self, node, 1)

    return broken


def _home_not_updated(right: Method) -> Method:
    def broken(self: Memory, folio: int, source: int, target: int) -> None:
        right(self, folio, source, target)
        self.home.set(folio, source)

    return broken


def _data_not_copied(right: Method) -> Method:
    def broken(self: Memory, sources: Any, targets: Any) -> None:
        before = self.data.get(int(targets[0]))
        right(self, sources, targets)
        self.data.set(int(targets[0]), before)

    return broken


def _cancel_told_to_all(right: Method) -> Method:
    def broken(self: Machine, block: int, word: str) -> None:
        self._tell(block, word)

    return broken


def _nodes_not_noted(right: Method) -> Method:
    def broken(self: Machine, device: int) -> None:
        before = self.node_found
        right(self, device)
        self.node_found = before

    return broken


def _wrong_event_on_abort(right: Method) -> Method:
    def broken(self: Machine, block: int) -> int:
        error: int = right(self, block)
        if error and self.event[block] == EVENTS.index("cancel_offline"):
            self.event[block] = EVENTS.index("online")
        return error

    return broken


def _failed_add_keeps_devices(right: Method) -> Method:
    def broken(self: Machine, block: int) -> int:
        error: int = right(self, block)
        for device in self.layout.in_devices(block):
            self.inserted[device] = 1
        return error

    return broken


def _node_not_brought_back(right: Method) -> Method:
    def broken(self: Machine, node: int) -> int:
        online = Machine.online
        Machine.online = lambda *_: 0  # type: ignore[method-assign]  # the defect
        error: int = right(self, node)
        Machine.online = online  # type: ignore[method-assign]  # as it was
        return error

    return broken


def _sticky_memory_not_looked_for(right: Method) -> Method:
    def broken(self: Machine, block: int) -> int:
        draining, self.draining = self.draining, bytearray(len(self.draining))
        error: int = right(self, block)
        self.draining = draining
        return error

    return broken


def _half_a_range_leaves(right: Method) -> Method:
    return lambda self, block: False


def _metadata_freed(right: Method) -> Method:
    return lambda self, block: None


DEFECTS = (
    Defect("metadata_freed", "_keep_metadata", _metadata_freed, topology="shared_devices"),
    Defect("sticky_memory_not_looked_for", "offline", _sticky_memory_not_looked_for),
    Defect(
        "half_a_range_leaves", "_altmaps_differ", _half_a_range_leaves, topology="shared_devices"
    ),
    Defect("free_count_off_by_one", "less_free", _free_count_off_by_one),
    Defect("highest_frame_first", "_frames_with", _highest_frame_first, 10_000, "two_nodes"),
    Defect("lower_node_first", "destinations", _lower_node_first, topology="four_nodes"),
    Defect("isolation_not_undone", "undo_isolation", _isolation_not_undone),
    Defect(
        "errors_forgotten_at_offline",
        "vanish",
        _errors_forgotten_at_offline,
        topology="shared_devices",
    ),
    Defect("isolation_passes_over_cpus", "_replace", _isolation_passes_over_cpus),
    Defect("pgdat_may_leave_early", "_can_leave", _pgdat_may_leave_early, topology="four_nodes"),
    Defect(
        "memmap_host_may_leave_early",
        "_can_leave",
        _memmap_host_may_leave_early,
        topology="four_nodes",
    ),
    Defect(
        "host_need_not_be_present", "_can_come", _host_need_not_be_present, topology="four_nodes"
    ),
    Defect("veto_ignored", "offline", _veto_ignored),
    Defect("veto_before_kernel_memory", "offline", _veto_before_kernel_memory, 40_000),
    Defect("draining_opens_online", "appear", _draining_opens_online, 10_000),
    Defect("leaving_node_stays_open", "begin_node_removal", _leaving_node_stays_open),
    Defect("leaving_node_opened_by_a_block", "undrain", _leaving_node_opened_by_a_block),
    Defect(
        "huge_folios_on_their_way_unseen",
        "takes_in",
        _huge_folios_on_their_way_unseen,
        30_000,
        topology="two_nodes",
    ),
    Defect("kernel_in_movable_zone", "alloc_kernel", _kernel_in_movable_zone),
    Defect("boot_memory_freed", "free_kernel", _boot_memory_freed, 10_000),
    Defect("span_never_shrinks", "_leave_zone", _span_never_shrinks),
    Defect(
        "node_stays_without_memory",
        "_node_has_memory",
        _node_stays_without_memory,
        topology="two_nodes",
    ),
    Defect("home_not_updated", "_arrive", _home_not_updated),
    Defect("data_not_copied", "move", _data_not_copied),
    Defect("wrong_event_on_abort", "offline", _wrong_event_on_abort),
    Defect("cancel_told_to_all", "_tell_who_agreed", _cancel_told_to_all),
    Defect("nodes_not_noted", "_begin", _nodes_not_noted),
    Defect(
        "failed_add_keeps_devices",
        "add_memory",
        _failed_add_keeps_devices,
        within=20_000,
        topology="shared_devices",
    ),
    Defect("node_not_brought_back", "remove_node", _node_not_brought_back, topology="four_nodes"),
    *(
        Defect(broken.__name__, method, broken, within, topology)
        for method, broken, within, topology in FOLIO_DEFECTS
    ),
)
"""All of them."""
