"""Blocks go offline, and what is left when that fails (A1, N1).

Nothing of a leaving block is allocated any more; when it is empty it leaves its zone.

Source: mm/memory_hotplug.c (offline_pages).
"""

from __future__ import annotations

from errno import EBUSY, EINVAL, EPERM

from .blocks import (
    BlockState,
    FrameState,
    MemoryEvent,
    block_state,
    event,
    frame_state,
    has_memory,
    hotplug_lock_is_free,
    isolates,
    keeps_memory,
    keeps_zone_populated,
    leave_spans,
    refused_move,
    spent,
    stands_in_the_way,
    zone,
)
from .bookkeeping import crash_map, in_zonelists, lock_held, node_structure, own_pageset
from .firmware_request import lock_allows_offline
from .language import action, exists, false, guard, ite, true
from .platform_state import assigned_increment, driver_reference, held_back, increment_block
from .sections import Metadata, memmap
from .topology import Block, Frame, Zone, block_of, block_of_section, hole, node_of, vetoes_offline


@action
def begin_offline(b: Block) -> None:
    """Isolate the block's free frames; from here nothing new is allocated in it."""
    guard(
        "device_hotplug_lock",
        lock_allows_offline(b),
        why="somebody else has the lock: a request of the firmware, another write",
    )
    hotplug_lock_is_free(b)
    guard(
        "block_online",
        block_state[b] == BlockState.online,
        errno=EINVAL,
        why="the block is not online",
    )
    guard(
        "one_zone",
        zone[b] != Zone.none,
        errno=EINVAL,
        why="the block spans several zones or nodes",
    )
    guard(
        "no_holes",
        ~exists(Frame, lambda f: (block_of(f) == b) & hole[f]),
        errno=EINVAL,
        why="the block has holes",
    )
    guard(
        "no_unmovable",
        ~exists(Frame, lambda f: (block_of(f) == b) & (frame_state[f] == FrameState.kernel)),
        errno=EBUSY,
        why="the block holds unmovable kernel memory",
    )
    lock_held[b] = true
    spent.update(where=lambda x, t: x == b, value=false)
    refused_move.update(where=lambda f: block_of(f) == b, value=false)
    block_state[b] = BlockState.going_offline
    frame_state.update(where=lambda f: (block_of(f) == b) & isolates(f), value=FrameState.isolated)


@action
def announce_offline(b: Block) -> None:
    """Tell the notifiers MEM_GOING_OFFLINE."""
    guard(
        "going_offline",
        block_state[b] == BlockState.going_offline,
        why="the block is not going offline",
    )
    guard("not_announced", event[b] != MemoryEvent.going_offline, why="they know already")
    event[b] = MemoryEvent.going_offline
    driver_reference.update(where=lambda f: block_of(f) == b, value=false)


@action
def finish_offline(b: Block) -> None:
    """Take the empty block out of its zone; it is offline."""
    guard("announced", event[b] == MemoryEvent.going_offline, why="the notifiers were not asked")
    guard("notifiers_agree", ~vetoes_offline[b], errno=EPERM, why="a memory notifier refuses")
    guard(
        "empty",
        ~exists(Frame, lambda f: (block_of(f) == b) & stands_in_the_way(f)),
        errno=EBUSY,
        why="a frame of the block is still in use",
    )
    block_state[b] = BlockState.offline
    zone[b] = Zone.none
    event[b] = MemoryEvent.offline
    has_memory[node_of[b]] = keeps_memory(b)
    own_pageset[node_of[b], zone[b]] = keeps_zone_populated(b)
    in_zonelists[node_of[b]] = keeps_memory(b)
    node_structure[node_of[b]] = keeps_memory(b)
    crash_map[b] = false
    assigned_increment.update(where=lambda i: increment_block[i] == b, value=false)
    memmap.update(where=lambda s: block_of_section[s] == b, value=Metadata.allocated)
    frame_state.update(where=lambda f: block_of(f) == b, value=FrameState.unavailable)
    leave_spans(b)
    lock_held[b] = false


@action
def cancel_offline(b: Block) -> None:
    """Give up going offline: all memory is available again; what has moved stays moved."""
    guard(
        "going_offline",
        block_state[b] == BlockState.going_offline,
        why="the block is not going offline",
    )
    block_state[b] = BlockState.online
    told = event[b] == MemoryEvent.going_offline
    event[b] = ite(told, MemoryEvent.cancel_offline, event[b])
    driver_reference.update(where=lambda f: (block_of(f) == b) & held_back(f), value=true)
    frame_state.update(
        where=lambda f: (block_of(f) == b) & (frame_state[f] == FrameState.isolated),
        value=FrameState.free,
    )
    lock_held[b] = false
