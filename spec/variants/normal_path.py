"""Designs that make the normal path pay for hotplug (U2).

They break no property of the machine, only a bound of `spec/numbers/normal_path.py`.
"""

from __future__ import annotations

from ..blocks.block_states import zone
from ..folios.dma import Pin
from ..folios.drain import draining
from ..folios.frames import Folio
from ..language import Bool, ReplaceGuard, exists
from ..machine.topology import Block, Frame, Zone, block_of
from ..numbers.normal_path import SlowDesign
from ..special.huge_pins import HugePin
from ..special.huge_pools import (
    HugeFolio,
    Range,
    huge_home,
    range_of,
    reaches_into_a_draining_block,
)
from .sources import LIST

__all__ = ["SLOW_DESIGNS"]


def _looked_for_among_all(f: Frame) -> Bool:
    return ~exists(Block, lambda b: draining[b] & (block_of(f) == b))


def _nothing_drains(x: Pin, o: Folio) -> Bool:
    return ~exists(Block, lambda b: draining[b])


def _no_frame_of_it_goes(h: HugeFolio) -> Bool:
    return ~reaches_into_a_draining_block(huge_home[h])


def _no_frame_is_movable(x: HugePin, h: HugeFolio) -> Bool:
    r = huge_home[h]
    return ~exists(Frame, lambda f: (range_of[f] == r) & (zone[block_of(f)] == Zone.movable))


def _no_frame_drains(h: HugeFolio, r: Range) -> Bool:
    return ~reaches_into_a_draining_block(r)


SLOW_DESIGNS = (
    SlowDesign(
        name="allocation-looks-at-every-block",
        doc="An allocation walks over all blocks to find the draining ones.",
        source=LIST + ": hotplug must not slow the normal path",
        slows="alloc_kernel",
        edits=(ReplaceGuard("alloc_kernel", "not_draining", _looked_for_among_all),),
    ),
    SlowDesign(
        name="pinning-waits-for-every-removal",
        doc="Memory is registered with a device only while no block drains: all are looked at.",
        source=LIST + ": hotplug must not slow the normal path",
        slows="pin_longterm",
        edits=(ReplaceGuard("pin_longterm", "block_stays", _nothing_drains),),
    ),
    SlowDesign(
        name="huge-fault-looks-at-every-frame",
        doc="A fault that takes a huge folio looks at each of its frames, not at its one block.",
        source=LIST + ": hotplug must not slow the normal path",
        slows="take_huge",
        edits=(ReplaceGuard("take_huge", "range_stays", _no_frame_of_it_goes),),
    ),
    SlowDesign(
        name="huge-pin-looks-at-every-frame",
        doc="Who registers a huge folio with a device looks for the zone of each of its frames.",
        source=LIST + ": hotplug must not slow the normal path",
        slows="pin_huge_longterm",
        edits=(ReplaceGuard("pin_huge_longterm", "outside_removable_area", _no_frame_is_movable),),
    ),
    SlowDesign(
        name="huge-surplus-looks-at-every-block",
        doc="A huge folio on top of its pool is made after a look at the block of each frame.",
        source=LIST + ": hotplug must not slow the normal path",
        slows="take_surplus",
        edits=(ReplaceGuard("take_surplus", "not_draining", _no_frame_drains),),
    ),
)
"""Each must be found too slow."""
