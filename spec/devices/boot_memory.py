"""Boot memory that never goes, and blocks of several sections (R4, R5).

On arm64 a notifier refuses that boot memory goes offline.  It is asked when the
block is isolated already, so the removal begins, and is given up.  On x86_64 with
64 GiB or more a block is 2 GiB, 16 sections: what happens to a block happens to
all of them.

Sources: arch/arm64/mm/mmu.c (prevent_bootmem_remove_notifier),
arch/x86/mm/init_64.c (probe_memory_block_size).
"""

from __future__ import annotations

from ..blocks.block_states import FrameState, MemoryEvent, event, frame_state, in_use
from ..blocks.sections import Metadata, memmap
from ..language import Bool, always, implies, sometimes
from ..machine.topology import (
    Block,
    Frame,
    Section,
    block_of,
    block_of_section,
    early,
    hole,
    vetoes_offline,
)


@always(covers="R5")
def vetoed_boot_memory_never_goes(b: Block) -> Bool:
    """Boot memory that a notifier keeps stays in use: it may be leaving, it never has left."""
    return implies(early[b] & vetoes_offline[b], in_use(b))


@always(covers="R5")
def vetoed_boot_memory_stays_usable(f: Frame) -> Bool:
    """Each frame of it stays the allocator's or an owner's, whatever is tried."""
    kept = early[block_of(f)] & vetoes_offline[block_of(f)] & ~hole[f]
    return implies(kept, frame_state[f] != FrameState.unavailable)


@always(covers="A1 R4")
def sections_of_a_block_are_used_together(s: Section, t: Section) -> Bool:
    """No section of a block has initialised struct pages while another has not."""
    same = block_of_section[s] == block_of_section[t]
    ready = (memmap[s] == Metadata.initialised) == (memmap[t] == Metadata.initialised)
    return implies(same, ready)


@sometimes(covers="R5")
def boot_memory_refuses_to_leave(b: Block) -> Bool:
    """The removal of boot memory begins, and is given up at the notifier's word."""
    return early[b] & vetoes_offline[b] & (event[b] == MemoryEvent.cancel_offline)


@sometimes(covers="R4")
def a_block_of_several_sections_goes_offline(s: Section, t: Section) -> Bool:
    """All sections of a large block are out of use together."""
    large = (s != t) & (block_of_section[s] == block_of_section[t])
    return large & (event[block_of_section[s]] == MemoryEvent.offline)
