"""dax/kmem: persistent or CXL memory that a driver gives to the kernel (A1, R4).

Whoever binds the driver to the device has its memory added; whoever unbinds it has it removed.
The driver takes no block offline for that: somebody has to do so first.

Source: drivers/dax/kmem.c (dev_dax_kmem_probe, dev_dax_kmem_remove).
"""

from __future__ import annotations

from errno import EBUSY, ENODEV

from ..blocks.block_states import BlockState, block_state
from ..blocks.sections import Metadata, inserted, memmap
from ..language import (
    Bool,
    action,
    after,
    always,
    false,
    guard,
    implies,
    sometimes,
    true,
)
from ..machine.firmware_request import Request, request
from ..machine.platform_state import is_dax, kmem_bound
from ..machine.topology import Block, MemoryDevice, Section, block_of_section, in_range
from .firmware import Ost, sections_are_left, told


@action
def bind_kmem(m: MemoryDevice) -> None:
    """The driver takes the device: its memory may be added (dev_dax_kmem_probe)."""
    guard("is_dax", is_dax[m], errno=ENODEV, why="it is no DAX device")
    guard("inserted", inserted[m], errno=ENODEV, why="the device is not there")
    guard("not_bound", ~kmem_bound[m], errno=EBUSY, why="the driver has the device already")
    kmem_bound[m] = true


@action
def unbind_kmem(m: MemoryDevice) -> None:
    """The driver lets go of the device, once its memory is removed (dev_dax_kmem_remove)."""
    guard("bound", kmem_bound[m], errno=ENODEV, why="the driver has no such device")
    guard(
        "memory_gone",
        ~sections_are_left(m),
        errno=EBUSY,
        why="a section of the device is not removed",
    )
    kmem_bound[m] = false


# --- what is true -------------------------------------------------------------------------------


@always(covers="A1 R4")
def dax_memory_has_its_driver(m: MemoryDevice, s: Section) -> Bool:
    """What a driver gave to the kernel can be taken back: the driver stays until it is gone."""
    there = in_range[m, block_of_section[s]] & (memmap[s] != Metadata.absent)
    return implies(is_dax[m] & there, kmem_bound[m])


@always(covers="A1")
def drivers_have_devices_that_are_there(m: MemoryDevice) -> Bool:
    """The driver has only DAX devices, and none leaves before it lets go."""
    return implies(kmem_bound[m], is_dax[m] & inserted[m])


@always(covers="A1")
def the_firmware_asks_for_its_own_devices(m: MemoryDevice) -> Bool:
    """No request of the firmware, and nothing that it is told, is about memory of a driver."""
    return implies((request[m] != Request.none) | (told[m] != Ost.none), ~is_dax[m])


@sometimes(covers="A1 R4")
def dax_memory_is_online(m: MemoryDevice, b: Block) -> Bool:
    """The kernel uses memory of a DAX device."""
    return kmem_bound[m] & in_range[m, b] & (block_state[b] == BlockState.online)


@sometimes(covers="A1 R4")
def a_driver_lets_go_of_its_memory(m: MemoryDevice, s: Section) -> Bool:
    """The driver is unbound from a device whose memory is not there any more, or not yet."""
    return kmem_bound[m] & ~after(kmem_bound[m]) & in_range[m, block_of_section[s]]


@sometimes(covers="A1")
def memory_is_added_beside_a_dax_device(m: MemoryDevice, s: Section) -> Bool:
    """Memory comes whose device has its driver, while another DAX device has none."""
    elsewhere = is_dax[m] & ~in_range[m, block_of_section[s]] & ~kmem_bound[m]
    return elsewhere & (memmap[s] == Metadata.absent) & after(memmap[s] != Metadata.absent)
