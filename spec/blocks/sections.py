"""Sections and nodes: the life of the metadata that describes memory (N1, N2, A1).

Memory that is there gets a pgdat and a mem_map, becomes present, and leaves in
the reverse order.  `present` is the kernel's logical view, `plugged` the physical
one; the list's concern A1 is that they are different.  How devices come and go
with their memory is told in `firmware`.

Sources: mm/sparse.c (sparse_add_section, sparse_remove_section),
mm/memory_hotplug.c (add_memory_resource, try_remove_memory, try_offline_node).
"""

from __future__ import annotations

from errno import EBUSY, EEXIST, EINVAL, ENODEV, ENOMEM

from ..language import (
    Bool,
    Enumeration,
    action,
    definition,
    exists,
    false,
    forall,
    guard,
    implies,
    ite,
    true,
    variable,
)
from ..machine.bookkeeping import firmware_map, lock_held
from ..machine.firmware_request import lock_allows_add
from ..machine.platform_state import (
    drc_acquired,
    has_a_piece,
    has_its_driver,
    is_lmb,
    request_allows_add,
)
from ..machine.section_parts import (
    Altmap,
    Look,
    Reader,
    UsageMap,
    altmap,
    from_altmap,
    hosts_itself,
    looks_at,
    memmap_counted,
    memmaps_added,
    ram_resource,
    usage,
    watched,
)
from ..machine.topology import (
    Block,
    MemoryDevice,
    Node,
    Section,
    block_of_section,
    early,
    early_device,
    in_range,
    memmap_host,
    node_of,
    node_of_section,
    pgdat_block,
    pgdat_section,
    section_of,
)
from .block_states import hwpoison


class Metadata(Enumeration):
    """The life of a pgdat or a mem_map."""

    absent: Metadata
    allocated: Metadata
    initialised: Metadata


inserted = variable(MemoryDevice, Bool, initial=lambda m: early_device[m])
"""The device is physically there."""

present = variable(Section, Bool, initial=lambda s: early[block_of_section[s]])
"""The kernel knows the section (SECTION_MARKED_PRESENT, SECTION_HAS_MEM_MAP)."""

memmap = variable(
    Section,
    Metadata,
    initial=lambda s: ite(early[block_of_section[s]], Metadata.initialised, Metadata.absent),
)
"""The section's struct pages; between online and offline they are initialised."""

pgdat = variable(
    Node,
    Metadata,
    initial=lambda n: ite(early[pgdat_block(n)], Metadata.initialised, Metadata.absent),
)
"""The node's pgdat."""

node_online = variable(Node, Bool, initial=lambda n: early[pgdat_block(n)])
"""The node is in node_states[N_ONLINE]."""

block_device = variable(Block, Bool, initial=lambda b: early[b])
"""The block has a device, /sys/devices/system/memory/memoryN."""


@definition
def plugged(b: Block) -> Bool:
    """The block's memory is all there: every device that it lies in is inserted.

    Memory that lies in no device is always there, but a logical memory block
    only as long as the hypervisor gives it.
    """
    all_devices = forall(MemoryDevice, lambda m: implies(in_range[m, b], inserted[m]))
    return all_devices & implies(is_lmb[b], drc_acquired[b])


@definition
def hosts_memmap_of(s: Section, t: Section) -> Bool:
    """The mem_map of section t lies in the memory of another section, s."""
    return (memmap_host[t] == s) & (s != t)


@definition
def lies_elsewhere_in(s: Section, b: Block) -> Bool:
    """The section's mem_map lies in block b, which is not its own."""
    return (block_of_section[memmap_host[s]] == b) & (block_of_section[s] != b)


@definition
def holds_pgdat_for(s: Section, t: Section) -> Bool:
    """Section t is managed by a pgdat that lies in the memory of another section, s."""
    return (pgdat_section[node_of_section(t)] == s) & (s != t)


def _no_block_is_changing() -> None:
    guard(
        "hotplug_lock",
        ~exists(Block, lambda b: lock_held[b]),
        why="a block is going online or offline (the caller waits for mem_hotplug_lock)",
    )


# --- the way in ---------------------------------------------------------------------------------


@action
def allocate_pgdat(n: Node) -> None:
    """Set memory aside for the node's pgdat."""
    guard("no_pgdat", pgdat[n] == Metadata.absent, errno=EEXIST, why="the node has a pgdat")
    guard(
        "pgdat_memory_plugged",
        plugged(pgdat_block(n)),
        errno=ENOMEM,
        why="the memory that is to hold the node's pgdat is not there",
    )
    pgdat[n] = Metadata.allocated


@action
def initialise_pgdat(n: Node) -> None:
    """Set up the node's pgdat: zones, zonelists (hotadd_init_pgdat)."""
    guard("pgdat_allocated", pgdat[n] == Metadata.allocated, why="no fresh pgdat to initialise")
    pgdat[n] = Metadata.initialised


@action
def allocate_memmap(s: Section) -> None:
    """Allocate the section's mem_map where the topology says (sparse_add_section)."""
    guard("no_memmap", memmap[s] == Metadata.absent, errno=EEXIST, why="it has a mem_map")
    guard(
        "memory_plugged",
        plugged(block_of_section[s]),
        errno=ENODEV,
        why="no memory is plugged where the section should be",
    )
    guard(
        "a_piece_plugged",
        has_a_piece(block_of_section[s]),
        errno=ENODEV,
        why="its virtio-mem device has plugged no sub-block of the block",
    )
    guard(
        "driver_bound",
        has_its_driver(block_of_section[s]),
        errno=ENODEV,
        why="its DAX device has no driver that gives the memory to the kernel",
    )
    guard(
        "request_allows_add",
        request_allows_add(block_of_section[s]),
        errno=EINVAL,
        why="the logical memory block still counts as used, or a request has removed it",
    )
    _no_block_is_changing()
    guard(
        "pgdat_initialised",
        pgdat[node_of_section(s)] == Metadata.initialised,
        errno=ENOMEM,
        why="the node has no initialised pgdat",
    )
    guard(
        "host_present",
        (memmap_host[s] == s) | present[memmap_host[s]],
        errno=ENOMEM,
        why="the section that is to hold the mem_map is not present",
    )
    memmap[s] = Metadata.allocated
    b = block_of_section[s]
    from_altmap[s] = hosts_itself(s)
    altmap[b] = ite(hosts_itself(s), Altmap.held, altmap[b])
    ram_resource[b] = true
    memmap_counted[s] = true
    memmaps_added[node_of[b]] = memmaps_added[node_of[b]] + 1


@action
def add_section(s: Section) -> None:
    """Make the section known to the kernel (sparse_init_one_section)."""
    guard("not_present", ~present[s], errno=EEXIST, why="the section is already present")
    guard("has_memmap", memmap[s] != Metadata.absent, errno=ENOMEM, why="it has no mem_map")
    guard(
        "pgdat_section_first",
        ~exists(Section, lambda t: holds_pgdat_for(t, s) & ~present[t]),
        errno=ENOMEM,
        why="the section that holds the node's pgdat must be present first",
    )
    present[s] = true
    usage[s] = ite(usage[s] == UsageMap.boot, UsageMap.boot, UsageMap.own)


@action
def set_node_online(n: Node) -> None:
    """The node comes online with its first memory (node_set_online)."""
    guard("node_offline", ~node_online[n], errno=EEXIST, why="the node is online")
    guard(
        "pgdat_initialised",
        pgdat[n] == Metadata.initialised,
        errno=ENOMEM,
        why="the node has no initialised pgdat",
    )
    node_online[n] = true


@action
def create_block_device(b: Block) -> None:
    """Show the block in sysfs, offline (create_memory_block_devices)."""
    guard(
        "device_hotplug_lock",
        lock_allows_add(b),
        why="somebody else has the lock: a request of the firmware, a write to sysfs",
    )
    guard("no_device", ~block_device[b], errno=EEXIST, why="the block has a device")
    guard(
        "sections_present",
        ~exists(Section, lambda s: (block_of_section[s] == b) & ~present[s]),
        errno=ENODEV,
        why="a section of the block is not present",
    )
    guard("node_online", node_online[node_of[b]], errno=ENODEV, why="the node is not online")
    block_device[b] = true
    firmware_map[b] = true


# --- the way out --------------------------------------------------------------------------------


@action(
    using="frames_in_use_have_an_initialised_memmap offline_memmaps_are_not_initialised "
    "only_devices_change_state"
)
def remove_section(s: Section) -> None:
    """Make the kernel forget the section, and its errors (section_deactivate)."""
    guard("present", present[s], errno=ENODEV, why="the section is not present")
    guard(
        "no_device",
        ~block_device[block_of_section[s]],
        errno=EBUSY,
        why="the block still has a device: it was not removed, or it is not offline",
    )
    guard(
        "hosts_no_memmap",
        ~exists(Section, lambda t: hosts_memmap_of(s, t) & (memmap[t] != Metadata.absent)),
        errno=EBUSY,
        why="the section holds the mem_map of another section",
    )
    guard(
        "pgdat_leaves_last",
        ~exists(Section, lambda t: holds_pgdat_for(s, t) & present[t]),
        errno=EBUSY,
        why="the section holds the node's pgdat, and another section of the node is present",
    )
    present[s] = false
    hwpoison.update(where=lambda f: section_of[f] == s, value=false)


@action(
    using="devices_have_their_sections offline_memmaps_are_not_initialised "
    "only_devices_change_state",
)
def free_memmap(s: Section) -> None:
    """Give the mem_map's memory back, after the section is gone (depopulate_section_memmap)."""
    guard("has_memmap", memmap[s] != Metadata.absent, why="it has no mem_map")
    guard("section_gone", ~present[s], errno=EBUSY, why="the section is still present")
    _no_block_is_changing()
    b, n = block_of_section[s], node_of_section(s)
    memmap[s] = Metadata.absent
    from_altmap[s] = false
    ram_resource[b] = exists(
        Section,
        lambda t: (block_of_section[t] == b) & (t != s) & (memmap[t] != Metadata.absent),
    )
    memmap_counted[s] = false
    memmaps_added[n] = ite(memmap_counted[s], memmaps_added[n] - 1, memmaps_added[n])


@action
def set_node_offline(n: Node) -> None:
    """The node goes when its last memory is gone (try_offline_node)."""
    guard("node_online", node_online[n], errno=ENODEV, why="the node is not online")
    guard(
        "no_section_left",
        ~exists(Section, lambda s: (node_of_section(s) == n) & present[s]),
        errno=EBUSY,
        why="a section of the node is still present",
    )
    guard(
        "no_device_left",
        ~exists(Block, lambda b: (node_of[b] == n) & block_device[b]),
        errno=EBUSY,
        why="a block of the node still has a device",
    )
    node_online[n] = false


@action
def free_pgdat(n: Node) -> None:
    """Give the pgdat's memory back, after all that it describes is gone."""
    guard("has_pgdat", pgdat[n] != Metadata.absent, why="the node has no pgdat")
    guard("node_offline", ~node_online[n], errno=EBUSY, why="the node is still online")
    guard(
        "no_memmap_left",
        ~exists(Section, lambda s: (node_of_section(s) == n) & (memmap[s] != Metadata.absent)),
        errno=EBUSY,
        why="a section of the node still has a mem_map",
    )
    guard(
        "nobody_looks",
        ~exists(Reader, lambda r: (looks_at[r] == Look.pgdat) & (node_of_section(watched[r]) == n)),
        errno=EBUSY,
        why="somebody looks at the node's zones without a lock",
    )
    pgdat[n] = Metadata.absent
