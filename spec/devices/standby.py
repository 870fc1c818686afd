"""s390x standby memory: storage increments are assigned before their block is touched (R5).

A block that goes online is prepared first (MEM_PREPARE_ONLINE): its increments
are assigned one by one, and each may fail; then the block gives up, and gives
back what it had got.  When a block is offline its increments are standby again
(MEM_FINISH_OFFLINE).

Increments of boot memory are all assigned; a boot block that has a standby
increment (a notifier refuses that it goes offline) is not modelled, nor that
the machine refuses to take an increment back.
Source: drivers/s390/char/sclp_cmd.c (sclp_mem_notifier, sclp_mem_change_state).
"""

from __future__ import annotations

from errno import EEXIST, EINVAL

from ..blocks.block_states import (
    BlockState,
    FrameState,
    MemoryEvent,
    block_state,
    event,
    frame_state,
)
from ..blocks.sections import Metadata, memmap, pgdat
from ..language import (
    Bool,
    action,
    always,
    guard,
    implies,
    sometimes,
    true,
)
from ..machine.platform_state import Increment, assigned_increment, in_storage, increment_block
from ..machine.topology import (
    Block,
    Frame,
    Node,
    Section,
    block_of,
    block_of_section,
    early,
    memmap_host,
    pgdat_lies_in,
)


@action
def assign_increment(i: Increment) -> None:
    """The machine gives an increment of a block that is being prepared (sclp_assign_storage)."""
    guard("in_storage", in_storage[i], errno=EINVAL, why="the machine has no such increment")
    guard("is_standby", ~assigned_increment[i], errno=EEXIST, why="it is assigned already")
    guard(
        "preparing",
        block_state[increment_block[i]] == BlockState.going_online,
        errno=EINVAL,
        why="the increment's block is not going online",
    )
    assigned_increment[i] = true


# --- what is true -------------------------------------------------------------------------------


@always(
    covers="R5 A1",
    using="announced_blocks_have_initialised_memmaps "
    "struct_pages_are_initialised_when_every_increment_is_assigned",
)
def memory_is_used_when_every_increment_is_assigned(f: Frame, i: Increment) -> Bool:
    """No frame is in anybody's hands unless all of its block's increments are assigned."""
    mine = in_storage[i] & (increment_block[i] == block_of(f))
    return implies(mine & (frame_state[f] != FrameState.unavailable), assigned_increment[i])


@always(covers="R5 N1")
def struct_pages_are_initialised_when_every_increment_is_assigned(s: Section, i: Increment) -> Bool:
    """The mem_map may lie in the block itself: it is not touched before the block is prepared."""
    mine = in_storage[i] & (increment_block[i] == block_of_section[s])
    return implies(mine & (memmap[s] == Metadata.initialised), assigned_increment[i])


@always(covers="R5")
def offline_blocks_have_no_assigned_increment(i: Increment) -> Bool:
    """What the machine could give to somebody else is not kept for memory that is offline."""
    offline = block_state[increment_block[i]] == BlockState.offline
    return implies(offline, ~assigned_increment[i])


@always(covers="R5")
def only_storage_is_assigned(i: Increment) -> Bool:
    """An increment that the machine does not have is not assigned."""
    return implies(assigned_increment[i], in_storage[i])


@always(
    covers="R5 N1",
    using="blocks_in_use_have_initialised_memmaps blocks_leave_after_what_they_describe "
    "notifiers_know_that_a_block_is_leaving offline_memmaps_are_not_initialised "
    "struct_pages_are_initialised_when_every_increment_is_assigned "
    "struct_pages_lie_in_memory_in_use",
)
def struct_pages_lie_in_storage_that_is_there(s: Section, i: Increment) -> Bool:
    """No struct page that is in use lies in storage that was given back, or not assigned yet."""
    holds_it = in_storage[i] & (increment_block[i] == block_of_section[memmap_host[s]])
    return implies((memmap[s] == Metadata.initialised) & holds_it, assigned_increment[i])


@always(
    covers="R5 N1",
    using="blocks_in_use_have_initialised_memmaps blocks_with_boot_memory_stay_online "
    "boot_memory_of_the_kernel_stays memory_is_used_when_every_increment_is_assigned "
    "pgdats_in_storage_are_kept "
    "struct_pages_are_initialised_when_every_increment_is_assigned",
)
def pgdats_lie_in_storage_that_is_there(n: Node, i: Increment) -> Bool:
    """No pgdat that is in use lies in storage that was given back: whoever looks finds it."""
    holds_it = in_storage[i] & pgdat_lies_in(n, increment_block[i])
    return implies((pgdat[n] == Metadata.initialised) & holds_it, assigned_increment[i])


@sometimes(covers="R5")
def standby_memory_is_online(i: Increment) -> Bool:
    """Memory that was standby at boot is in use."""
    b = increment_block[i]
    return ~early[b] & assigned_increment[i] & (block_state[b] == BlockState.online)


@sometimes(covers="R5")
def a_block_is_prepared_beside_standby_memory(i: Increment, b: Block) -> Bool:
    """A block goes online while an increment of another block is standby."""
    standby = in_storage[i] & ~assigned_increment[i] & (increment_block[i] != b)
    return standby & (event[b] == MemoryEvent.going_online)


@sometimes(covers="R5")
def a_block_is_half_prepared(i: Increment, j: Increment) -> Bool:
    """One increment of a block is assigned, another is not: the second may fail."""
    same = increment_block[i] == increment_block[j]
    return same & in_storage[j] & assigned_increment[i] & ~assigned_increment[j]
