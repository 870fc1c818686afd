"""What is true of nodes, sections and their metadata: who is there before whom (N1, N2, A1)."""

from __future__ import annotations

from ..language import (
    Bool,
    after,
    all_of,
    always,
    exists,
    forall,
    implies,
    sometimes,
    step,
)
from ..machine.platform_state import drc_acquired, is_lmb
from ..machine.topology import (
    Block,
    Frame,
    MemoryDevice,
    Node,
    Section,
    block_of_section,
    early,
    in_range,
    memmap_host,
    metadata_frame,
    node_of,
    node_of_section,
    pgdat_block,
    pgdat_section,
    section_of,
)
from .block_states import FrameState, frame_state
from .sections import (
    Metadata,
    block_device,
    inserted,
    memmap,
    node_online,
    pgdat,
    plugged,
    present,
)


@always(covers="N2")
def pgdat_section_leaves_last(s: Section) -> Bool:
    """While any section of a node is present, the section that holds its pgdat is present."""
    return implies(present[s], present[pgdat_section[node_of_section(s)]])


@always(covers="N2")
def memmap_host_leaves_last(s: Section) -> Bool:
    """While a mem_map exists, the section that holds it is present (its own one may be absent)."""
    other = memmap_host[s] != s
    return implies((memmap[s] != Metadata.absent) & other, present[memmap_host[s]])


@always(covers="N1")
def present_sections_have_a_memmap(s: Section) -> Bool:
    """A mem_map is allocated before its section appears and freed after it is gone."""
    return implies(present[s], memmap[s] != Metadata.absent)


@always(covers="N1")
def a_memmap_needs_an_initialised_pgdat(s: Section) -> Bool:
    """The pgdat is initialised before, and freed after, every mem_map of its node."""
    used = memmap[s] != Metadata.absent
    return implies(used, pgdat[node_of_section(s)] == Metadata.initialised)


@always(covers="N1")
def an_online_node_has_an_initialised_pgdat(n: Node) -> Bool:
    """NODE_DATA of an online node is initialised."""
    return implies(node_online[n], pgdat[n] == Metadata.initialised)


@always(
    covers="N1 A1",
    using="a_shared_block_keeps_all_its_devices memmap_host_leaves_last "
    "memmaps_describe_memory_of_the_partition present_sections_have_a_memmap",
)
def memmaps_lie_in_plugged_memory(s: Section) -> Bool:
    """No mem_map lies in memory that was ejected."""
    return implies(memmap[s] != Metadata.absent, plugged(block_of_section[memmap_host[s]]))


@always(
    covers="N1 N2 U1",
    using="blocks_leave_after_what_they_describe "
    "both_frames_of_a_moving_page_are_the_kernels destinations_are_set_aside "
    "early_sections_have_an_early_memmap folios_live_in_user_frames "
    "frames_of_kernel_pages_are_the_kernels "
    "frames_with_metadata_are_handed_to_nobody huge_folios_take_whole_ranges "
    "mem_maps_of_other_blocks_take_frames "
    "metadata_lies_in_memory_outside_the_movable_zone metadata_never_moves "
    "offline_memmaps_are_not_initialised sources_are_held_until_the_end "
    "struct_pages_lie_in_memory_in_use",
)
def the_kernel_has_the_frames_of_struct_pages_in_use(s: Section) -> Bool:
    """Where struct pages in use lie in another block, the kernel has a frame for them."""
    host = memmap_host[s]
    elsewhere = (memmap[s] == Metadata.initialised) & (
        block_of_section[host] != block_of_section[s]
    )
    return implies(
        elsewhere,
        exists(
            Frame,
            lambda f: all_of(
                section_of[f] == host, metadata_frame[f], frame_state[f] == FrameState.kernel
            ),
        ),
    )


@always(covers="N1 A1")
def pgdats_lie_in_plugged_memory(n: Node) -> Bool:
    """No pgdat lies in memory that was ejected."""
    return implies(pgdat[n] != Metadata.absent, plugged(pgdat_block(n)))


@always(covers="A1", using="memmaps_describe_memory_of_inserted_devices")
def memmaps_describe_plugged_memory(s: Section) -> Bool:
    """A mem_map exists only for memory that is there."""
    return implies(memmap[s] != Metadata.absent, plugged(block_of_section[s]))


@always(covers="A1")
def memmaps_describe_memory_of_inserted_devices(s: Section, m: MemoryDevice) -> Bool:
    """No device of a section that has a mem_map is gone."""
    described = (memmap[s] != Metadata.absent) & in_range[m, block_of_section[s]]
    return implies(described, inserted[m])


@always(covers="A1 R3")
def memmaps_describe_memory_of_the_partition(s: Section) -> Bool:
    """No logical memory block is described that the hypervisor took back, or never gave."""
    b = block_of_section[s]
    return implies((memmap[s] != Metadata.absent) & is_lmb[b], drc_acquired[b])


@always(covers="A1")
def present_sections_are_plugged(s: Section) -> Bool:
    """Memory is ejected only when every section in it is removed."""
    return implies(present[s], plugged(block_of_section[s]))


@always(covers="A1")
def devices_have_their_sections(s: Section) -> Bool:
    """A block that sysfs shows has every section present."""
    return implies(block_device[block_of_section[s]], present[s])


@always(covers="A1 N1")
def devices_are_on_online_nodes(b: Block) -> Bool:
    """A block that sysfs shows is linked under a node that is online."""
    return implies(block_device[b], node_online[node_of[b]])


@step(covers="N1")
def memmaps_are_allocated_before_initialisation(s: Section) -> Bool:
    """No mem_map springs into life initialised."""
    fresh = (memmap[s] == Metadata.absent) & (after(memmap[s]) != Metadata.absent)
    return implies(fresh, after(memmap[s]) == Metadata.allocated)


@step(covers="N1")
def pgdats_are_allocated_before_initialisation(n: Node) -> Bool:
    """No pgdat springs into life initialised."""
    fresh = (pgdat[n] == Metadata.absent) & (after(pgdat[n]) != Metadata.absent)
    return implies(fresh, after(pgdat[n]) == Metadata.allocated)


@step(covers="N1")
def a_pgdat_is_freed_after_its_sections(n: Node, s: Section) -> Bool:
    """When a pgdat goes, no section of its node is present."""
    freed = (pgdat[n] != Metadata.absent) & (after(pgdat[n]) == Metadata.absent)
    return implies(freed & (node_of_section(s) == n), ~present[s])


@step(covers="N1 A1")
def a_node_goes_with_its_last_section(n: Node, s: Section) -> Bool:
    """A node leaves node_states[N_ONLINE] only when nothing of it is present."""
    gone = node_online[n] & ~after(node_online[n])
    return implies(gone & (node_of_section(s) == n), ~present[s])


@sometimes(covers="N1 N2 A1")
def a_node_appears_and_its_memory_is_present(n: Node, s: Section) -> Bool:
    """A node that was not there at boot comes online with a section."""
    at_boot = exists(Block, lambda b: (node_of[b] == n) & early[b])
    return ~at_boot & (node_of_section(s) == n) & node_online[n] & present[s]


@sometimes(covers="N1 N2")
def a_section_goes_that_would_hold_a_memmap(s: Section, t: Section) -> Bool:
    """A section goes that would hold another's mem_map, if that one had any."""
    goes = present[s] & ~after(present[s])
    return goes & (memmap_host[t] == s) & (t != s) & (memmap[t] == Metadata.absent)


@sometimes(covers="N1 N2 A1")
def early_memory_is_ejected(b: Block) -> Bool:
    """Memory that was there at boot can go, block, sections, mem_map and all."""
    return early[b] & ~plugged(b)


@sometimes(covers="N1 N2")
def a_node_goes_while_another_stays(n: Node, s: Section) -> Bool:
    """Sections and blocks of other nodes keep no node."""
    goes, others = node_online[n] & ~after(node_online[n]), node_of_section(s) != n
    return goes & others & present[s] & block_device[block_of_section[s]]


@sometimes(covers="N1 N2")
def a_whole_node_is_gone(n: Node) -> Bool:
    """A node that was there at boot loses its last memory, its pgdat included."""
    gone = forall(Block, lambda b: implies(node_of[b] == n, ~plugged(b)))
    return early[pgdat_block(n)] & (pgdat[n] == Metadata.absent) & gone
