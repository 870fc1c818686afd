"""What hangs on a section: kept as long as it is needed, freed when readers are done (N1).

The kernel makes a section invalid first, waits until every reader that may have
seen it valid is done (RCU), and only then frees what hangs on it.

Sources: include/linux/mmzone.h (pfn_valid), mm/sparse.c (section_deactivate),
mm/mmzone.c (first_online_pgdat, next_zone), mm/memory_hotplug.c (remove_memory_blocks_and_altmaps).
"""

from __future__ import annotations

from errno import ENODEV

from ..language import (
    Bool,
    action,
    after,
    always,
    count,
    ends,
    exists,
    guard,
    implies,
    ite,
    sometimes,
    step,
)
from ..machine.bookkeeping import lock_held
from ..machine.section_parts import (
    Altmap,
    Look,
    Reader,
    UsageMap,
    altmap,
    at_work,
    block_references,
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
    Node,
    Section,
    block_of_section,
    early,
    memmap_host,
    node_of_section,
)
from .sections import (
    Metadata,
    block_device,
    memmap,
    pgdat,
    present,
)


def _free_to_look(r: Reader) -> None:
    guard("at_work", at_work[r], why="the machine has no such reader")
    guard("idle", looks_at[r] == Look.nothing, why="it is still looking at something")


@action
def begin_read(r: Reader) -> None:
    """Find the section valid, and go on to its usage map (pfn_valid)."""
    _free_to_look(r)
    guard("section_valid", present[watched[r]], why="the section is not valid")
    looks_at[r] = Look.section


@action
def begin_walk(r: Reader) -> None:
    """Take the node's pgdat and look at its zones (for_each_zone, __alloc_pages_node)."""
    _free_to_look(r)
    guard(
        "pgdat_initialised",
        pgdat[node_of_section(watched[r])] == Metadata.initialised,
        why="the node has no initialised pgdat",
    )
    looks_at[r] = Look.pgdat


@action
def find_block(r: Reader) -> None:
    """Look the block's device up and take a reference to it (find_memory_block)."""
    _free_to_look(r)
    b = block_of_section[watched[r]]
    guard("has_device", block_device[b], errno=ENODEV, why="there is no such memory block")
    looks_at[r] = Look.block
    block_references[b] = block_references[b] + 1


@action
def stop_looking(r: Reader) -> None:
    """The reader is done (rcu_read_unlock), and gives its reference back (put_device)."""
    guard("looking", looks_at[r] != Look.nothing, why="it looks at nothing")
    b = block_of_section[watched[r]]
    held = looks_at[r] == Look.block
    looks_at[r] = Look.nothing
    block_references[b] = ite(held, block_references[b] - 1, block_references[b])


@action
def free_usage_map(s: Section) -> None:
    """Free the usage map of a section that is gone (kfree_rcu in section_deactivate)."""
    guard(
        "has_usage_map",
        (usage[s] != UsageMap.absent) & (usage[s] != UsageMap.freed),
        why="the section has no usage map",
    )
    guard(
        "not_shared",
        usage[s] != UsageMap.boot,
        why="the usage map is part of a boot allocation for many sections",
    )
    guard("section_gone", ~present[s], why="the section is still valid")
    guard(
        "grace_period_over",
        ~exists(Reader, lambda r: (looks_at[r] == Look.section) & (watched[r] == s)),
        why="a reader that found the section valid is not done",
    )
    usage[s] = UsageMap.freed


@action
def free_altmap(b: Block) -> None:
    """Free the block's altmap descriptor after its removal."""
    guard("has_altmap", altmap[b] == Altmap.held, why="the block has no altmap")
    guard(
        "memmaps_returned",
        ~exists(Section, lambda s: (block_of_section[s] == b) & from_altmap[s]),
        why="a mem_map that was cut from the altmap is not given back",
    )
    altmap[b] = Altmap.freed


# --- what is true -------------------------------------------------------------------------------


@always(covers="N1")
def only_readers_at_work_look(r: Reader) -> Bool:
    """A reader that the machine does not have looks at nothing."""
    return implies(looks_at[r] != Look.nothing, at_work[r])


@always(covers="N1")
def valid_sections_have_a_usage_map(s: Section) -> Bool:
    """Whoever finds a section valid finds its usage map (I13)."""
    there = (usage[s] == UsageMap.boot) | (usage[s] == UsageMap.own)
    return implies(present[s], there)


@always(covers="N1")
def boot_usage_maps_are_never_freed(s: Section) -> Bool:
    """The usage map of a boot section stays, removed and added again or not (I13)."""
    return implies(early[block_of_section[s]], usage[s] == UsageMap.boot)


@always(covers="N1")
def readers_find_the_usage_map(r: Reader) -> Bool:
    """The usage map is there until the last reader who may hold it is done (I13)."""
    there = (usage[watched[r]] == UsageMap.boot) | (usage[watched[r]] == UsageMap.own)
    return implies(looks_at[r] == Look.section, there)


@step(covers="N1")
def usage_maps_are_freed_once(s: Section) -> Bool:
    """What is freed is a map of the section's own, which was not freed before (I13)."""
    freed = (usage[s] != UsageMap.freed) & after(usage[s] == UsageMap.freed)
    return implies(freed, usage[s] == UsageMap.own)


@always(covers="N1")
def walkers_find_an_initialised_pgdat(r: Reader) -> Bool:
    """A pgdat that anybody looks at is initialised, and stays so (I12)."""
    initialised = pgdat[node_of_section(watched[r])] == Metadata.initialised
    return implies(looks_at[r] == Look.pgdat, initialised)


@always(covers="N1")
def altmaps_outlive_their_memmaps(s: Section) -> Bool:
    """While a mem_map is cut from its block's altmap, the altmap is there (I13)."""
    return implies(from_altmap[s], altmap[block_of_section[s]] == Altmap.held)


@always(covers="N1")
def memmaps_of_added_memory_remember_their_altmap(s: Section) -> Bool:
    """A mem_map in its own added block was cut from its altmap, and goes back there."""
    own = hosts_itself(s) & ~early[block_of_section[s]]
    return implies(own & (memmap[s] != Metadata.absent), from_altmap[s])


@always(covers="N1")
def only_memmaps_in_their_own_block_come_from_an_altmap(s: Section) -> Bool:
    """What lies in another block is not given back to an altmap."""
    host = block_of_section[memmap_host[s]]
    return implies(from_altmap[s], host == block_of_section[s])


@always(covers="N1")
def memmaps_that_added_memory_hosts_go_back_to_it(s: Section) -> Bool:
    """The mem_map of added memory that lies in its own block was cut from there."""
    b = block_of_section[s]
    inside = (memmap[s] != Metadata.absent) & (block_of_section[memmap_host[s]] == b)
    return implies(inside & ~early[b], from_altmap[s])


@always(covers="N1")
def only_memmaps_come_from_an_altmap(s: Section) -> Bool:
    """Nothing is left to give back once the mem_map is gone."""
    return implies(from_altmap[s], memmap[s] != Metadata.absent)


@always(covers="A1 N1")
def added_memory_is_in_the_resource_tree(s: Section) -> Bool:
    """Memory that the kernel describes is System RAM in /proc/iomem (I16)."""
    return implies(memmap[s] != Metadata.absent, ram_resource[block_of_section[s]])


@always(covers="A1 N1")
def the_resource_tree_names_added_memory(b: Block) -> Bool:
    """A range leaves /proc/iomem with its last mem_map (I16)."""
    described = exists(
        Section, lambda s: (block_of_section[s] == b) & (memmap[s] != Metadata.absent)
    )
    return implies(ram_resource[b], described)


@always(covers="N1")
def only_memmaps_are_counted(s: Section) -> Bool:
    """What is freed is counted no more."""
    return implies(memmap_counted[s], memmap[s] != Metadata.absent)


@always(covers="N1")
def added_memmaps_are_counted_exactly(n: Node) -> Bool:
    """The counter of added mem_maps is their number, and so never below nothing."""
    return memmaps_added[n] == count(
        Section, lambda s: memmap_counted[s] & (node_of_section(s) == n)
    )


@step(covers="A1 N1")
def memory_is_added_and_removed_under_the_lock(s: Section, b: Block) -> Bool:
    """No mem_map comes or goes while a block is going online or offline."""
    there, later = memmap[s] == Metadata.absent, after(memmap[s] == Metadata.absent)
    return implies(there != later, ~lock_held[b])


@always(covers="A1")
def block_references_are_balanced(b: Block) -> Bool:
    """Every reference to a block's device belongs to a look-up that is not over."""
    return block_references[b] == count(
        Reader, lambda r: (looks_at[r] == Look.block) & (block_of_section[watched[r]] == b)
    )


@step(covers="A1")
def only_blocks_with_a_device_are_found(r: Reader) -> Bool:
    """No look-up takes a reference to a device that is gone."""
    found = (looks_at[r] != Look.block) & (after(looks_at[r]) == Look.block)
    return implies(found, block_device[block_of_section[watched[r]]])


@ends(by=stop_looking, covers="N1")
def grace_periods_end(r: Reader) -> tuple[Bool, Bool]:
    """Once a section is gone nobody new looks at it, and those who do get done (RCU)."""
    gone = ~present[watched[r]]
    return gone, looks_at[r] == Look.section


@sometimes(covers="N1")
def a_section_goes_under_a_reader(r: Reader) -> Bool:
    """A section can be removed while a reader looks at it."""
    return (looks_at[r] == Look.section) & ~present[watched[r]]


@sometimes(covers="A1")
def a_device_goes_under_a_reference(r: Reader) -> Bool:
    """A block's device can be removed while a look-up holds a reference to it."""
    return (looks_at[r] == Look.block) & ~block_device[block_of_section[watched[r]]]


@sometimes(covers="N1")
def somebody_walks_the_zones(r: Reader) -> Bool:
    """The zones of a node can be looked at without a lock."""
    return looks_at[r] == Look.pgdat


@sometimes(covers="N1")
def a_usage_map_is_freed(s: Section) -> Bool:
    """The usage map of an added section goes some time after the section."""
    return usage[s] == UsageMap.freed


@sometimes(covers="N1")
def a_usage_map_goes_where_nobody_reads(r: Reader, s: Section) -> Bool:
    """A reader that might look at the section, and does not, keeps no usage map."""
    freed = (usage[s] != UsageMap.freed) & after(usage[s] == UsageMap.freed)
    return freed & at_work[r] & (watched[r] == s)


@sometimes(covers="N1")
def a_usage_map_goes_while_another_is_read(r: Reader, s: Section) -> Bool:
    """A reader that looks at another section keeps no usage map."""
    freed = (usage[s] != UsageMap.freed) & after(usage[s] == UsageMap.freed)
    return freed & (looks_at[r] == Look.section) & (watched[r] != s)


@sometimes(covers="N1")
def a_pgdat_goes_under_a_walk_of_another_node(r: Reader, n: Node) -> Bool:
    """Who looks at the zones of one node keeps no other node's pgdat."""
    gone = (pgdat[n] != Metadata.absent) & after(pgdat[n] == Metadata.absent)
    return gone & (looks_at[r] == Look.pgdat)


@step(covers="N1")
def only_an_altmap_that_is_held_is_freed(b: Block) -> Bool:
    """There is nothing to free where a block has its mem_map elsewhere."""
    freed = (altmap[b] != Altmap.freed) & after(altmap[b] == Altmap.freed)
    return implies(freed, altmap[b] == Altmap.held)


@sometimes(covers="N1")
def an_altmap_is_freed_beside_one_in_use(b: Block, s: Section) -> Bool:
    """The altmap of one block goes while another block's mem_map lies in its own."""
    freed = (altmap[b] == Altmap.held) & after(altmap[b] == Altmap.freed)
    return freed & from_altmap[s] & (block_of_section[s] != b)


@sometimes(covers="N1")
def an_altmap_is_freed(b: Block) -> Bool:
    """The altmap of a removed block goes."""
    return altmap[b] == Altmap.freed


@sometimes(covers="A1")
def a_reference_is_given_back(r: Reader) -> Bool:
    """A reader that held a reference on a block device is done."""
    return (looks_at[r] == Look.block) & (after(looks_at[r]) == Look.nothing)
