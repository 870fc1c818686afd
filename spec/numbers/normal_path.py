"""The normal path: what allocation, free, fault and look-up may read of hotplug (U2).

The list asks that hotplug does not slow what every machine does all the time.
A step costs what it reads: entries of state, as many as its guards and updates
name.  `WITHOUT_HOTPLUG` compiles hotplug out; the difference is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..blocks.block_states import FrameState, hwpoison
from ..language import DropGuard, ReplaceDefinition, ite
from ..language.edits import Edit
from ..machine.topology import Frame

__all__ = ["LOOK_UPS", "NORMAL_PATH", "WITHOUT_HOTPLUG", "SlowDesign"]


@dataclass(frozen=True)
class SlowDesign:
    """Edits that make the action ``slows`` read more than it may."""

    name: str
    doc: str
    source: str
    slows: str
    edits: tuple[Edit, ...]


NORMAL_PATH = {
    "alloc_kernel": 2,
    "free_kernel": 1,
    "alloc_folio": 2,
    "free_folio": 1,
    "fault": 0,
    "pin_short": 0,
    "pin_longterm": 4,
    "unmap_kernel_page": 1,
    "take_huge": 3,
    "take_promised": 3,
    "take_surplus": 2,
    "pin_huge_short": 0,
    "pin_huge_longterm": 4,
}
"""The actions, and how many entries of state each may read more than without hotplug."""

NOT_OF = ("gigantic",)
"""Topology that is false of what the bounds are about.

A gigantic folio lies in several blocks, and whoever takes one looks at each: its entries are as
many as its blocks, and no number bounds them.
"""

LOOK_UPS = ("block_of", "node_of_section", "node_of_frame")
"""Definitions that find out where a frame belongs: they read no state at all."""


def _free_list(f: Frame) -> FrameState:
    return ite(hwpoison[f], FrameState.off_buddy, FrameState.free)


WITHOUT_HOTPLUG: tuple[Edit, ...] = (
    ReplaceDefinition("released", _free_list),
    DropGuard("alloc_kernel", "not_draining"),
    DropGuard("alloc_kernel", "node_stays"),
    DropGuard("alloc_folio", "not_draining"),
    DropGuard("alloc_folio", "node_stays"),
    DropGuard("pin_longterm", "outside_removable_area"),
    DropGuard("pin_longterm", "block_stays"),
    DropGuard("take_huge", "range_stays"),
    DropGuard("take_promised", "range_stays"),
    DropGuard("take_surplus", "not_draining"),
    DropGuard("take_surplus", "node_stays"),
    DropGuard("pin_huge_longterm", "outside_removable_area"),
    DropGuard("pin_huge_longterm", "range_stays"),
)
"""The same machine without hotplug: no block is isolated, none drains, no area is removable."""
