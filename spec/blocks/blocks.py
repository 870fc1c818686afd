"""Blocks: going online, going offline, and what is left when that fails (A1, N1).

One write to /sys/devices/system/memory/memoryN/state is several steps here, so
that everything else may happen between them.  The guards stand in the order in
which the kernel looks, so the first that fails gives the errno that a user sees.

Steps are allowed in more orders than offline_pages() takes them: what is in a
leaving block may move before the notifiers are told, and until their veto is
asked for, which is when the block finishes.  Every run of the kernel is a run
here, so that what is proved holds for the kernel's order as well.

Sources: drivers/base/memory.c (memory_block_online, memory_block_offline),
mm/memory_hotplug.c (online_pages, offline_pages), include/linux/memory.h (events).
"""

from __future__ import annotations

from errno import EBUSY, EINVAL, ENODEV, ENOMEM, EPERM

from ..language import (
    action,
    exists,
    false,
    guard,
    ite,
    true,
)
from ..language.errnos import EHWPOISON
from ..machine.bookkeeping import (
    crash_map,
    in_zonelists,
    lock_held,
    node_structure,
    own_pageset,
)
from ..machine.firmware_request import lock_allows_offline, lock_allows_online
from ..machine.platform_state import (
    accessible,
    assigned_increment,
    driver_reference,
    given_up,
    held_back,
    increment_block,
)
from ..machine.topology import (
    Block,
    Frame,
    Section,
    Zone,
    block_of,
    block_of_section,
    hole,
    memmap_host,
    node_of,
    pgdat_lies_in,
    vetoes_offline,
    vetoes_online,
)
from ..machine.zone_spans import (
    above,
    highest_zone,
    node_grows_over,
    node_left_over,
    node_span,
    pages_zone,
    zone_grows_over,
    zone_left_over,
    zone_span,
)
from .block_states import (
    BlockState,
    FrameState,
    MemoryEvent,
    block_state,
    comes_back_as,
    comes_online_as,
    event,
    frame_state,
    has_memory,
    holds_metadata,
    in_use,
    is_unmovable,
    isolates,
    keeps_memory,
    keeps_zone_populated,
    knows_of_errors,
    refused_move,
    spent,
    stands_in_the_way,
    zone,
)
from .listeners import heard, hears_of_coming, hears_of_leaving, hears_the_cancel
from .sections import Metadata, block_device, lies_elsewhere_in, memmap


def _leave_spans(b: Block) -> None:
    """remove_pfn_range_from_zone: poison the struct pages, make the spans anew without b."""
    pages_zone[b] = Zone.none
    zone_span.update(
        where=lambda x, z: node_of[x] == node_of[b],
        value=lambda x, z: zone_left_over(b, x, z),
    )
    node_span.update(where=lambda x: node_of[x] == node_of[b], value=lambda x: node_left_over(b, x))


def _hotplug_lock(b: Block) -> None:
    guard(
        "hotplug_lock",
        ~exists(Block, lambda other: lock_held[other]),
        why="another block is going online or offline (the writer would wait)",
    )
    guard("has_device", block_device[b], errno=ENODEV, why="there is no such memory block")


@action
def begin_online(b: Block, z: Zone) -> None:
    """Take the lock and choose the zone (memory_block_online, online_pages)."""
    guard(
        "device_hotplug_lock",
        lock_allows_online(b),
        why="somebody else has the lock: a request of the firmware, another write",
    )
    _hotplug_lock(b)
    guard(
        "block_offline",
        block_state[b] == BlockState.offline,
        errno=EINVAL,
        why="the block is not offline",
    )
    guard(
        "no_known_error",
        ~knows_of_errors(b),
        errno=EHWPOISON,
        why="memory of the block has an error, which new struct pages would not know",
    )
    guard("a_zone", z != Zone.none, errno=EINVAL, why="memory goes online in a zone")
    guard(
        "metadata_does_not_move",
        (z != Zone.movable) | ~holds_metadata(b),
        errno=EINVAL,
        why="the block holds metadata of other memory, which does not move",
    )
    lock_held[b] = true
    block_state[b] = BlockState.going_online
    zone[b] = z


@action(
    using="addresses_are_ordered addresses_differ coming_blocks_have_a_zone "
    "devices_have_their_sections offline_blocks_have_no_zone only_devices_change_state "
    "pages_name_no_other_zone present_sections_have_a_memmap",
)
def initialise_memmap(b: Block) -> None:
    """Initialise the struct pages; the frames stay isolated (move_pfn_range_to_zone)."""
    guard(
        "going_online",
        block_state[b] == BlockState.going_online,
        why="the block is not going online",
    )
    guard(
        "not_initialised",
        exists(Section, lambda s: (block_of_section[s] == b) & (memmap[s] != Metadata.initialised)),
        why="its struct pages are initialised already",
    )
    guard(
        "accessible",
        accessible(b),
        errno=EPERM,
        why="a storage increment of the block is not assigned",
    )
    guard(
        "host_in_use",
        ~exists(
            Section,
            lambda s: (
                (block_of_section[s] == b)
                & (block_of_section[memmap_host[s]] != b)
                & ~in_use(block_of_section[memmap_host[s]])
            ),
        ),
        errno=ENOMEM,
        why="the block that holds the mem_map is not online",
    )
    memmap.update(where=lambda s: block_of_section[s] == b, value=Metadata.initialised)
    frame_state.update(where=lambda f: block_of(f) == b, value=FrameState.isolated)
    n = node_of[b]
    pages_zone[b] = zone[b]
    zone_span.update(
        where=lambda x, z: (node_of[x] == n) & (z == zone[b]) & zone_grows_over(b, x, z), value=true
    )
    node_span.update(where=lambda x: (node_of[x] == n) & node_grows_over(b, x), value=true)
    highest_zone[n] = ite(above(zone[b], highest_zone[n]), zone[b], highest_zone[n])


@action
def announce_online(b: Block) -> None:
    """Tell the notifiers MEM_GOING_ONLINE (online_pages)."""
    guard(
        "going_online",
        block_state[b] == BlockState.going_online,
        why="the block is not going online",
    )
    guard(
        "memmap_initialised",
        ~exists(
            Section, lambda s: (block_of_section[s] == b) & (memmap[s] != Metadata.initialised)
        ),
        why="the mem_map of a section is not initialised",
    )
    guard("not_announced", event[b] != MemoryEvent.going_online, why="they know already")
    event[b] = MemoryEvent.going_online
    heard.update(
        where=lambda w, c: (c == b) & hears_of_coming(w, b), value=MemoryEvent.going_online
    )
    node_structure[node_of[b]] = true


@action
def finish_online(b: Block) -> None:
    """Give the frames to the allocator; the block is online (online_pages)."""
    guard("announced", event[b] == MemoryEvent.going_online, why="the notifiers were not asked")
    guard("notifiers_agree", ~vetoes_online[b], errno=EPERM, why="a memory notifier refuses")
    block_state[b] = BlockState.online
    event[b] = MemoryEvent.online
    heard.update(where=lambda w, c: c == b, value=MemoryEvent.online)
    own_pageset[node_of[b], zone[b]] = true
    driver_reference.update(where=lambda f: (block_of(f) == b) & held_back(f), value=true)
    frame_state.update(where=lambda f: block_of(f) == b, value=lambda f: comes_online_as(f))
    has_memory[node_of[b]] = true
    in_zonelists[node_of[b]] = true
    crash_map[b] = true
    lock_held[b] = false


@action(
    using="coming_blocks_have_a_zone devices_have_their_sections offline_blocks_have_no_zone "
    "only_devices_change_state present_sections_have_a_memmap",
)
def cancel_online(b: Block) -> None:
    """Give up going online: everything is as before (online_pages)."""
    guard(
        "going_online",
        block_state[b] == BlockState.going_online,
        why="the block is not going online",
    )
    block_state[b] = BlockState.offline
    zone[b] = Zone.none
    told = event[b] == MemoryEvent.going_online
    event[b] = ite(told, MemoryEvent.cancel_online, event[b])
    heard.update(
        where=lambda w, c: (c == b) & hears_the_cancel(w, b), value=MemoryEvent.cancel_online
    )
    node_structure[node_of[b]] = has_memory[node_of[b]]
    assigned_increment.update(where=lambda i: (increment_block[i] == b) & given_up(i), value=false)
    memmap.update(where=lambda s: block_of_section[s] == b, value=Metadata.allocated)
    frame_state.update(where=lambda f: block_of(f) == b, value=FrameState.unavailable)
    _leave_spans(b)
    lock_held[b] = false


@action
def begin_offline(b: Block) -> None:
    """Isolate the block's free frames: nothing new is allocated in it (offline_pages)."""
    guard(
        "device_hotplug_lock",
        lock_allows_offline(b),
        why="somebody else has the lock: a request of the firmware, another write",
    )
    _hotplug_lock(b)
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
        ~exists(Frame, lambda f: (block_of(f) == b) & is_unmovable(f)),
        errno=EBUSY,
        why="the block holds unmovable kernel memory",
    )
    guard(
        "hosts_no_memmap",
        ~exists(Section, lambda s: lies_elsewhere_in(s, b) & (memmap[s] == Metadata.initialised)),
        errno=EBUSY,
        why="the block holds struct pages of other memory that is in use",
    )
    guard(
        "pgdat_leaves_last",
        ~(pgdat_lies_in(node_of[b], b) & keeps_memory(b)),
        errno=EBUSY,
        why="the block holds the node's pgdat, and another block of the node is in use",
    )
    lock_held[b] = true
    spent.update(where=lambda x, t: x == b, value=false)
    refused_move.update(where=lambda f: block_of(f) == b, value=false)
    block_state[b] = BlockState.going_offline
    frame_state.update(where=lambda f: (block_of(f) == b) & isolates(f), value=FrameState.isolated)


@action
def announce_offline(b: Block) -> None:
    """Tell the notifiers MEM_GOING_OFFLINE (offline_pages)."""
    guard(
        "going_offline",
        block_state[b] == BlockState.going_offline,
        why="the block is not going offline",
    )
    guard("not_announced", event[b] != MemoryEvent.going_offline, why="they know already")
    event[b] = MemoryEvent.going_offline
    heard.update(
        where=lambda w, c: (c == b) & hears_of_leaving(w, b), value=MemoryEvent.going_offline
    )
    driver_reference.update(where=lambda f: block_of(f) == b, value=false)


@action(
    using="devices_have_their_sections leaving_blocks_have_a_zone "
    "notifiers_know_that_a_block_is_leaving offline_blocks_have_no_zone "
    "only_devices_change_state present_sections_have_a_memmap",
)
def finish_offline(b: Block) -> None:
    """Take the empty block out of its zone; it is offline (offline_pages)."""
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
    heard.update(where=lambda w, c: c == b, value=MemoryEvent.offline)
    has_memory[node_of[b]] = keeps_memory(b)
    own_pageset[node_of[b], zone[b]] = keeps_zone_populated(b)
    in_zonelists[node_of[b]] = keeps_memory(b)
    node_structure[node_of[b]] = keeps_memory(b)
    crash_map[b] = false
    assigned_increment.update(where=lambda i: increment_block[i] == b, value=false)
    memmap.update(where=lambda s: block_of_section[s] == b, value=Metadata.allocated)
    frame_state.update(where=lambda f: block_of(f) == b, value=FrameState.unavailable)
    _leave_spans(b)
    lock_held[b] = false


@action
def cancel_offline(b: Block) -> None:
    """Give up going offline: all memory is available again; what moved stays (offline_pages)."""
    guard(
        "going_offline",
        block_state[b] == BlockState.going_offline,
        why="the block is not going offline",
    )
    block_state[b] = BlockState.online
    told = event[b] == MemoryEvent.going_offline
    event[b] = ite(told, MemoryEvent.cancel_offline, event[b])
    heard.update(
        where=lambda w, c: (c == b) & hears_the_cancel(w, b), value=MemoryEvent.cancel_offline
    )
    driver_reference.update(where=lambda f: (block_of(f) == b) & held_back(f), value=true)
    frame_state.update(
        where=lambda f: (block_of(f) == b) & (frame_state[f] == FrameState.isolated),
        value=lambda f: comes_back_as(f),
    )
    lock_held[b] = false
