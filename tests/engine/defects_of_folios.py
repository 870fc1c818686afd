"""Defects of what folios go through: mappings, stores, private data, pins, and devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memhp.engine.codes import (
    DIRTY,
    EINTR,
    FREE,
    HELD,
    MAPPED,
    RELEASABLE,
    WRITEBACK,
)
from memhp.engine.folios import Folios
from memhp.engine.huge import HugePools
from memhp.engine.huge_uses import HugeUses
from memhp.engine.machine import Machine
from memhp.engine.memory import Memory
from memhp.engine.pins import Pins
from memhp.engine.stores import Stores

Method = Callable[..., Any]


def entries_left_behind(right: Method) -> Method:
    """Folios move in bulk, and page-table entries lead to where they were."""
    return lambda self, folios, targets: None


def chain_loses_its_rest(right: Method) -> Method:
    """An entry in the middle of a chain goes away, and those before it are forgotten."""

    def broken(self: Memory, pte: int) -> int:
        self._previous.set(pte, 0)
        error: int = right(self, pte)
        return error

    return broken


def mapped_folio_freed(right: Method) -> Method:
    """A folio is freed although an entry maps it."""

    def broken(self: Memory, folio: int) -> int:
        self._set_state(folio, self.state(folio) & ~MAPPED)
        error: int = right(self, folio)
        return error

    return broken


def _without(name: str, flag: int) -> Callable[[Method], Method]:
    def plant(right: Method) -> Method:
        def broken(self: Memory, folio: int) -> int:
            state = self.state(folio)
            self._set_state(folio, state & ~flag)
            refusal: int = right(self, folio)
            self._set_state(folio, state)
            return refusal

        return broken

    plant.__name__ = name
    return plant


moved_under_writeback = _without("moved_under_writeback", WRITEBACK)
moved_under_a_device = _without("moved_under_a_device", HELD)


def refusal_leaves_no_copy(right: Method) -> Method:
    """A destination is given back as if nothing had been copied to it."""

    def broken(self: Memory, folio: int, source: int, target: int) -> int:
        value = self.data.get(target)
        flag: int = right(self, folio, source, target)
        self.data.set(target, value)
        return flag

    return broken


def silent_store_acknowledges(right: Method) -> Method:
    """Data counts as written although its store does not answer."""

    def broken(self: Stores, folio: int) -> int:
        answers, self.answers = self.answers, bytearray((1,)) * len(self.answers)
        error: int = right(self, folio)
        self.answers = answers
        return error

    return broken


def failed_data_counts_as_written(right: Method) -> Method:
    """Data that its store refused is taken to be there."""

    def broken(self: Stores, folio: int) -> int:
        error: int = right(self, folio)
        if not error:
            self.folios.mark(folio, self.folios.state(folio) & ~DIRTY)
        return error

    return broken


def error_is_never_told(right: Method) -> Method:
    """Data is refused, and who asks hears that all is well."""

    def broken(self: Stores, folio: int) -> int:
        error: int = right(self, folio)
        self.wb_err = bytearray(len(self.wb_err))
        return error

    return broken


def old_time_counts(right: Method) -> Method:
    """A removal begins with the time that the last one has left."""

    def broken(self: Memory, block: int) -> None:
        spent = self.spent.get(block, 0)
        right(self, block)
        self.spent[block] = spent

    return broken


def dirty_private_data_released(right: Method) -> Method:
    """A filesystem lets go of private data that nobody has written out."""

    def broken(self: Stores, folio: int) -> int:
        folios, state = self.folios, self.folios.state(folio)
        folios._set_state(folio, state & ~DIRTY)
        error: int = right(self, folio)
        folios._set_state(folio, folios.state(folio) | state & DIRTY)
        return error

    return broken


def anything_released(right: Method) -> Method:
    """Every filesystem lets go of private data."""

    def broken(self: Stores, folio: int) -> int:
        how = self.folios.filesystem
        self.folios.filesystem = bytes((RELEASABLE,)) * len(how)
        error: int = right(self, folio)
        self.folios.filesystem = how
        return error

    return broken


def long_pin_in_a_closed_block(right: Method) -> Method:
    """A long-term pin begins in a block that is to leave."""

    def broken(self: Pins, pin: int, folio: int) -> int:
        freed_as = self.memory.freed_as
        self.memory.freed_as = bytearray((FREE,)) * len(freed_as)
        error: int = right(self, pin, folio)
        self.memory.freed_as = freed_as
        return error

    return broken


def long_pin_is_not_sticky(right: Method) -> Method:
    """A closed block counts as free of sticky memory although a device holds a part of it."""
    return Folios._is_sticky


def failed_add_stays(right: Method) -> Method:
    """What a failed add has brought is not taken back, and the firmware is told it was."""

    def broken(self: Machine, device: int) -> int:
        order = Machine.removal_order
        Machine.removal_order = lambda *_: []  # type: ignore[method-assign]  # the defect
        error: int = right(self, device)
        Machine.removal_order = order  # type: ignore[method-assign]  # as it was
        return error

    return broken


def refused_eject_stays_offline(right: Method) -> Method:
    """What a refused eject took offline is not brought back."""

    def broken(self: Machine, device: int) -> int:
        online = Machine.online
        Machine.online = lambda *_: 0  # type: ignore[method-assign]  # the defect
        error: int = right(self, device)
        Machine.online = online  # type: ignore[method-assign]  # as it was
        return error

    return broken


def eject_although_forbidden(right: Method) -> Method:
    """A device is ejected although somebody has forbidden it."""

    def broken(self: Machine, device: int) -> int:
        forbidden, self.eject_forbidden = self.eject_forbidden, bytearray(self.layout.devices)
        error: int = right(self, device)
        self.eject_forbidden = forbidden
        return error

    return broken


def movable_node_forgotten(right: Method) -> Method:
    """What zones leave open goes to the kernel, whatever it was told at boot."""
    return lambda self, block: 1 + (self.reaches(block, 2) and not self.reaches(block, 1))


def huge_folio_overlooked(right: Method) -> Method:
    """A block goes offline although a huge folio takes a part of it."""
    return lambda self, block, stay: EINTR if stay else 0


def dissolved_before_all_has_moved(right: Method) -> Method:
    """Free huge folios are dissolved although other memory stays in the block."""
    return lambda self, block, stay: right(self, block, stay=False) or (EINTR if stay else 0)


def huge_folio_moves_where_nothing_stays(right: Method) -> Method:
    """A huge folio is taken, or moved to, in a block that is closed."""
    return lambda self, huge: False


def promised_folio_given_away(right: Method) -> Method:
    """A free huge folio is taken that was promised to somebody else."""
    return lambda self, node: False


def old_range_keeps_its_mark(right: Method) -> Method:
    """A huge folio moves, and its old range still counts as one that can be seen."""

    def broken(self: HugePools, huge: int) -> int:
        old = self.huge_home[huge]
        error: int = right(self, huge)
        if not error:
            self.migratable[old] = 1
        return error

    return broken


def huge_entries_left_behind(right: Method) -> Method:
    """A huge folio is copied although an entry maps it, which leads to the old range then."""
    return lambda self, huge, state=1: [] if state == 1 else right(self, huge, state)


def huge_pins_unseen(right: Method) -> Method:
    """A huge folio moves, or is freed, although a device uses it."""
    return lambda self, huge: []


def huge_buffer_anywhere(right: Method) -> Method:
    """A huge folio is pinned for long wherever it lies."""
    return lambda self, pin, huge: self.pin_huge_short(pin, huge)


def huge_contents_begin_anew(right: Method) -> Method:
    """Each new mapping of a huge folio makes it empty."""

    def broken(self: HugeUses, pte: int, huge: int) -> int:
        error: int = right(self, pte, huge)
        if not error:
            self.pools.range_data[self.huge_pte_range[pte]] = 0
        return error

    return broken


FOLIO_DEFECTS: tuple[tuple[str, Method, int, str], ...] = (
    ("_follow", entries_left_behind, 2_000, "shared_devices"),
    ("unmap", chain_loses_its_rest, 10_000, "two_nodes"),
    ("free_folio", mapped_folio_freed, 2_000, "one_node"),
    ("refusal", moved_under_writeback, 10_000, "one_node"),
    ("refusal", moved_under_a_device, 10_000, "two_nodes"),
    ("_refuses", refusal_leaves_no_copy, 20_000, "four_nodes"),
    ("end_writeback", silent_store_acknowledges, 20_000, "one_node"),
    ("fail_writeback", failed_data_counts_as_written, 10_000, "one_node"),
    ("fail_writeback", error_is_never_told, 10_000, "one_node"),
    ("isolate", old_time_counts, 10_000, "four_nodes"),
    ("release_private", dirty_private_data_released, 20_000, "one_node"),
    ("release_private", anything_released, 20_000, "one_node"),
    ("pin_longterm", long_pin_in_a_closed_block, 20_000, "two_nodes"),
    ("_is_sticky", long_pin_is_not_sticky, 20_000, "two_nodes"),
    ("add_device", failed_add_stays, 20_000, "shared_devices"),
    ("eject_device", eject_although_forbidden, 20_000, "one_node"),
    ("default_zone", movable_node_forgotten, 20_000, "four_nodes"),
    ("leave", huge_folio_overlooked, 2_000, "four_nodes"),
    ("leave", dissolved_before_all_has_moved, 20_000, "two_nodes"),
    ("leaves", huge_folio_moves_where_nothing_stays, 20_000, "two_nodes"),
    ("_none_to_spare", promised_folio_given_away, 10_000, "two_nodes"),
    ("change_huge_home", old_range_keeps_its_mark, 20_000, "two_nodes"),
    ("entries_of", huge_entries_left_behind, 10_000, "two_nodes"),
    ("pins_on", huge_pins_unseen, 10_000, "two_nodes"),
    ("pin_huge_longterm", huge_buffer_anywhere, 10_000, "two_nodes"),
    ("map_huge", huge_contents_begin_anew, 10_000, "two_nodes"),
    ("eject_device", refused_eject_stays_offline, 20_000, "shared_devices"),
)
"""Method, what replaces it, within how many steps it is found, and on which machine."""
