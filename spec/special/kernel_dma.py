"""Devices that have a kernel page as their buffer: it stays until they are done (K1).

A device knows the frame, not the address, and no CPU that stops keeps it from writing.
So a page begins to move only when no device has it, and is given to none meanwhile.

Source: include/linux/dma-mapping.h (dma_map_page, dma_unmap_page).
"""

from __future__ import annotations

from errno import EBUSY, EINVAL

from ..folios.frames import Data, boot_data, data
from ..language import Bool, action, after, always, false, guard, implies, sometimes, step, true
from .kernel_memory import (
    KernelPage,
    KernelStage,
    dma_frame,
    dma_mapped,
    is_mapped,
    is_moving,
    kernel_contents,
    kernel_stage,
    maps_to,
    old_frame,
)


@action
def map_kernel_dma(k: KernelPage) -> None:
    """A driver gives its device the page as a buffer (dma_map_page)."""
    guard("at_rest", kernel_stage[k] == KernelStage.mapped, errno=EBUSY, why="it is not at rest")
    guard("not_given", ~dma_mapped[k], errno=EBUSY, why="a device has it already")
    dma_mapped[k] = true
    dma_frame[k] = maps_to[k]


@action
def unmap_kernel_dma(k: KernelPage) -> None:
    """The transfer is over: the device has the buffer no more (dma_unmap_page)."""
    guard("given", dma_mapped[k], errno=EINVAL, why="no device has it")
    dma_mapped[k] = false


@action(
    using="devices_reach_the_frame_of_their_kernel_page frames_name_their_kernel_page "
    "frames_of_kernel_pages_are_the_kernels kernel_buffers_of_devices_stay"
)
def kernel_device_write(k: KernelPage, d: Data) -> None:
    """The device writes to the frame that it was given: hardware, which asks nobody."""
    guard("given", dma_mapped[k], why="no device has it")
    data[dma_frame[k]] = d
    kernel_contents[k] = d


# --- what is true -------------------------------------------------------------------------------


@always(covers="K1 U5")
def devices_reach_the_frame_of_their_kernel_page(k: KernelPage) -> Bool:
    """Where a device writes is where the address leads: CPU and device see one buffer."""
    return implies(dma_mapped[k], is_mapped(k) & (dma_frame[k] == maps_to[k]))


@always(covers="K1 U5")
def kernel_buffers_of_devices_stay(k: KernelPage) -> Bool:
    """No page moves that a device may write to."""
    return implies(dma_mapped[k], ~is_moving(k))


@step(covers="K1 U5", using="devices_reach_the_frame_of_their_kernel_page")
def a_kernel_buffer_keeps_its_frame(k: KernelPage) -> Bool:
    """From one transfer's begin to its end the buffer is in one frame."""
    during = dma_mapped[k] & after(dma_mapped[k])
    return implies(during, after(maps_to[k]) == maps_to[k])


@sometimes(covers="K1 U5")
def a_device_fills_a_kernel_buffer(k: KernelPage) -> Bool:
    """A transfer ends, and what the device wrote is where the address leads."""
    ends = dma_mapped[k] & ~after(dma_mapped[k])
    return ends & (kernel_contents[k] != boot_data[maps_to[k]])


@sometimes(covers="K1 U5")
def a_kernel_buffer_moves_between_two_transfers(k: KernelPage) -> Bool:
    """A page moves that a device had, and a device is given it where it is now."""
    again = ~dma_mapped[k] & after(dma_mapped[k])
    return again & (dma_frame[k] == old_frame[k]) & (maps_to[k] != old_frame[k])
