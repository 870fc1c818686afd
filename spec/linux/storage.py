"""s390 from 6.19 on: storage is assigned when memory is added, and given back when it is removed.

Source: drivers/s390/char/sclp_mem.c (sclp_config_mem_store).
"""

from __future__ import annotations

from errno import EBUSY, EINVAL, ENOENT

from ..blocks.block_states import BlockState, block_state
from ..blocks.sections import Metadata, block_device, memmap, plugged
from ..language import Bool, action, always, exists, false, guard, implies
from ..machine.platform_state import (
    Increment,
    accessible,
    assigned_increment,
    in_storage,
    increment_block,
)
from ..machine.topology import Section, block_of_section, memmap_host


def not_added_yet(i: Increment) -> Bool:
    """Who configures a block assigns its storage, and then adds the memory."""
    b = increment_block[i]
    return ~exists(Section, lambda s: (block_of_section[s] == b) & (memmap[s] != Metadata.absent))


def plugged_and_assigned(s: Section) -> Bool:
    """Memory is added once its storage is there."""
    b = block_of_section[s]
    return plugged(b) & accessible(b)


@action
def return_increment(i: Increment) -> None:
    """Who deconfigures a block gives its storage back, and then removes the memory.

    So does who could not add it (sclp_config_mem_store).
    """
    guard("in_storage", in_storage[i], errno=EINVAL, why="the machine has no such increment")
    guard("assigned", assigned_increment[i], errno=ENOENT, why="the increment is standby")
    guard(
        "block_offline",
        block_state[increment_block[i]] == BlockState.offline,
        errno=EBUSY,
        why="the increment's block is not offline",
    )
    guard(
        "not_being_added",
        block_device[increment_block[i]] | not_added_yet(i),
        errno=EBUSY,
        why="the memory of the increment's block is being added, or removed",
    )
    assigned_increment[i] = false


@always(covers="R5 N1")
def mem_maps_lie_in_assigned_storage(s: Section, i: Increment) -> Bool:
    """Storage that holds a mem_map is assigned as long as there is the mem_map."""
    host = block_of_section[memmap_host[s]]
    there = in_storage[i] & (increment_block[i] == host) & (memmap[s] != Metadata.absent)
    return implies(there, assigned_increment[i])
