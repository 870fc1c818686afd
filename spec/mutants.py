"""Mutants that survive: small mistakes that nothing notices, and why that is right.

`memhp check --mutants` makes each action and definition wrong in one place after the
other.  A mutant that nothing but perhaps the engine notices either has its reason here,
or is a finding; a reason for one that something else notices is out of date.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["MAY_REPEAT", "REASONS", "Reason"]

_SAME_VALUE = "storing the same value again is a step that a program may well take"
MAY_REPEAT = {
    "store": _SAME_VALUE,
    "store_huge": _SAME_VALUE,
    "device_write": _SAME_VALUE,
    "device_write_huge": _SAME_VALUE,
    "cpu_write": _SAME_VALUE,
    "write_by_reference": _SAME_VALUE,
    "kernel_device_write": _SAME_VALUE,
    "decline_eject": "the firmware may ask again, and hears the same",
}
"""Actions whose steps may change nothing, so that an idle step is no sign of a mistake."""


@dataclass(frozen=True)
class Reason:
    """Why mutants of the ``kinds`` whose names match ``names`` are right, too.

    In ``names`` a ``*`` stands for anything.  A reason with one excuses those of its
    mutants that nothing notices; one without must be needed.
    """

    kinds: str
    names: str
    why: str

    def is_about(self, kind: str, name: str) -> bool:
        """The mutant of that kind and name is one of them."""
        return kind in self.kinds.split() and fnmatchcase(name, self.names.replace("[", "[[]"))

    @property
    def is_exact(self) -> bool:
        """It names one mutant."""
        return "*" not in self.names


_OTHER_NODES = "update node_span: x2 is b in node_of[x2], where it writes"
_SPAN_IS_EXACT = (
    "the spans of other nodes, made anew without a block that is not theirs, are what they were:"
    " a node's span goes from the first to the last block with initialised pages"
)

_HAS_DEVICE = "begin_offline, guard has_device: block_device[b]"
_NOT_ONLINE = (
    "a block without a device is offline, and refused as that: only the errno is another, EINVAL"
    " for ENODEV, which the engine tells apart"
)
_NO_DEVICE = (
    "what is refused so is offline, and refused as that otherwise: only the errno is another,"
    " ENODEV for EINVAL, which the engine and tests/reference/test_operations.py tell apart"
)

_CLOSED = "guard not_draining: reaches_into_a_draining_block(r) is leaves"
_NO_FREE_FRAME = (
    "a free range has no frame in a block that goes offline, and of a node that leaves node_stays"
    " says the same: ENOMEM"
)

REASONS: tuple[Reason, ...] = (
    Reason("operand", f"grow_pool, {_CLOSED}", _NO_FREE_FRAME),
    Reason(
        "operand",
        "take_surplus, guard not_draining: is_closed_range(r) is leaves",
        _NO_FREE_FRAME,
    ),
    Reason(
        "constant",
        "reaches_into_the_movable_zone: Zone.movable is Zone.none in zone[block_of(f)] == *",
        "no gigantic folio is in the movable zone: asked for a design in which it may be",
    ),
    Reason("operand", f"begin_huge_migration_afresh, {_CLOSED}", _NO_FREE_FRAME),
    Reason(
        "operand",
        "takes_in_nearer: h is t in huge_home[h]",
        "the destination has the size of what moves, which is asked before",
    ),
    Reason(
        "guard",
        "begin_offline, guard block_online: dropped",
        "one_zone refuses an offline block, too, with the same errno; which of the two reasons"
        " a user reads is pinned in tests/reference/test_operations.py",
    ),
    Reason("guard", "begin_offline, guard has_device: dropped", _NOT_ONLINE),
    Reason("operand", f"{_HAS_DEVICE} reads ram_resource", _NOT_ONLINE),
    Reason("operand", f"{_HAS_DEVICE} reads crash_map", _NO_DEVICE),
    Reason("operand", f"{_HAS_DEVICE} reads node_span", _NO_DEVICE),
    Reason(
        "operand",
        "begin_offline, guard one_zone: zone[b] reads pages_zone",
        "struct pages of an online block name its zone: they differ for a block of no section",
    ),
    Reason(
        "guard operand",
        "soft_offline, guard not_known: *",
        "a frame with a known error is on no list, and refused by can_be_handled instead: EIO for"
        " EHWPOISON, which the engine tells apart",
    ),
    Reason(
        "conjunct constant",
        "soft_offline, guard can_be_handled: *",
        "nobody_has_it refuses what this one lets pass: it is EBUSY instead of EIO, which"
        " tests/reference/test_page_errors.py asks",
    ),
    Reason(
        "guard operand",
        "unmap_poisoned, guard no_writeback: *",
        "Linux leaves alone what a device reads from (mm/memory-failure.c); whoever lost something"
        " is told without it, too, since give_up_folio asks again, and counts what is dirty then",
    ),
    Reason(
        "operand",
        "unmap_poisoned, update lost: on_its_store(folio_of[f]) is is_file",
        "what is dirty is counted as lost when the folio is given up, too",
    ),
    Reason("operand", f"cancel_online, {_OTHER_NODES}", _SPAN_IS_EXACT),
    Reason("operand", f"finish_offline, {_OTHER_NODES}", _SPAN_IS_EXACT),
)
"""Why mutants stay although nothing, but perhaps the engine, notices them."""
