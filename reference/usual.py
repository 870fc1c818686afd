"""The usual small machines of memory hotplug: where traces are looked for, as small as can be.

Each is there for what the ones before it cannot show: a second folio, memory that comes later, two
nodes, a device that writes by itself, and so on.
"""

from __future__ import annotations

from .shapes import Shape

__all__ = ["ROOMY", "USUAL"]

_FIRST, _SECOND = frozenset([0]), frozenset([1])
_ONE_DEVICE = (("MemoryDevice", 1),)
_NO_DEVICE = (("in_range", (0, 0)),)
_DMA = (("does_dma", (1,)), ("driver_moves", (1,)))
_DMA_FIXED = (("does_dma", (1,)),)
_ERROR = (("may_fail", (1, 0)),)

USUAL = (
    Shape(blocks=2, movable=_SECOND, tables=_NO_DEVICE, more=_ONE_DEVICE),
    Shape(blocks=2, folios=2, movable=_SECOND, tables=_NO_DEVICE, more=_ONE_DEVICE),
    Shape(blocks=2, added=_SECOND),
    Shape(blocks=2, added=_SECOND, memmaps="pgdat"),
    Shape(nodes=2, blocks=1, added=_SECOND, tables=(("movable_node", (0, 1)),)),
    Shape(nodes=2, blocks=1, frames=2),
    Shape(blocks=2, tables=(*_NO_DEVICE, ("filesystem", (1,))), more=_ONE_DEVICE, data=2),
    Shape(nodes=2, blocks=1, more=(("HugeFolio", 2),)),
    Shape(nodes=2, blocks=1, more=(("HugeFolio", 2),), tables=(("gigantic", (0, 1)),)),
    Shape(blocks=2, added=_SECOND, tables=(("at_work", (1,)), ("watched", (1,)))),
    Shape(nodes=2, blocks=1, added=_SECOND, tables=(("at_work", (1,)), ("watched", (1,)))),
    Shape(blocks=1, tables=(("cpus_keep_frames", (1,)),)),
    Shape(nodes=2, blocks=1, frames=2, tables=_NO_DEVICE, more=_ONE_DEVICE),
    Shape(blocks=2, tables=(("in_range", (0, 1, 0, 1)),)),
    Shape(blocks=2, tables=(*_NO_DEVICE, *_DMA), more=_ONE_DEVICE),
    Shape(blocks=2, movable=_SECOND, tables=(*_NO_DEVICE, *_DMA_FIXED), more=_ONE_DEVICE),
    Shape(blocks=2, data=2, tables=(*_NO_DEVICE, *_DMA), more=_ONE_DEVICE),
    Shape(
        blocks=2,
        data=2,
        tables=(*_NO_DEVICE, ("address_kept", (1,)), ("boot_data", (0, 1))),
        more=_ONE_DEVICE,
    ),
    Shape(
        blocks=2,
        movable=_SECOND,
        tables=(*_NO_DEVICE, ("address_kept", (1,))),
        more=_ONE_DEVICE,
    ),
    Shape(
        blocks=3,
        added=frozenset([1, 2]),
        tables=(("in_range", (0, 1, 1)),),
        more=_ONE_DEVICE,
    ),
    Shape(blocks=2, added=_SECOND, tables=(*_NO_DEVICE, ("is_lmb", (1, 1))), more=_ONE_DEVICE),
    Shape(totals=(1, 2, 2), tables=(("is_lmb", (1,)), ("reserved_lmb", (1,)))),
    Shape(
        blocks=2,
        frames=2,
        added=_SECOND,
        memmaps="pgdat",
        tables=(
            *_NO_DEVICE,
            ("is_virtio", (0, 1)),
            ("block_of_subblock", (1, 1)),
            ("subblock_of", (0, 0, 0, 1)),
        ),
        more=(*_ONE_DEVICE, ("SubBlock", 2)),
    ),
    Shape(
        blocks=2,
        added=_SECOND,
        vetoing=frozenset([0]),
        tables=(
            *_NO_DEVICE,
            ("in_storage", (1, 1)),
            ("increment_block", (1, 1)),
            ("asked_first", (1, 0, 0, 0)),
        ),
        more=(*_ONE_DEVICE, ("Increment", 2), ("Listener", 2)),
    ),
    Shape(
        blocks=3,
        added=frozenset([1, 2]),
        tables=(("in_range", (0, 1, 1)), ("memmap_host", (0, 1, 0))),
        more=_ONE_DEVICE,
    ),
    Shape(
        blocks=2,
        tables=(*_NO_DEVICE, ("address_kept", (1,))),
        more=(*_ONE_DEVICE, ("Cpu", 2)),
    ),
    Shape(
        nodes=2, totals=(2, 2, 3), more=_ONE_DEVICE, tables=(*_NO_DEVICE, ("address_kept", (1,)))
    ),
    Shape(blocks=2, data=2, tables=(*_NO_DEVICE, *_ERROR), more=_ONE_DEVICE),
    Shape(
        blocks=1,
        frames=2,
        data=2,
        tables=(*_ERROR, ("does_dma", (1,)), ("does_huge_dma", (1,))),
        more=(("HugeFolio", 1),),
    ),
    Shape(blocks=1, multizone=_FIRST),
    Shape(blocks=1, frames=2, holes=_SECOND),
    Shape(blocks=1, frames=2, boot_kernel=_SECOND),
    Shape(
        totals=(2, 2, 3),
        added=_SECOND,
        memmaps="pgdat",
        tables=(("in_range", (1, 0, 0, 1, 0, 0)), ("is_dax", (0, 1, 1))),
        more=(("MemoryDevice", 3),),
    ),
    Shape(
        nodes=2,
        blocks=1,
        movable=_SECOND,
        data=2,
        tables=(*_NO_DEVICE, ("does_huge_dma", (1,))),
        more=(*_ONE_DEVICE, ("HugeFolio", 2)),
    ),
    Shape(
        blocks=2,
        added=_SECOND,
        tables=(
            ("in_range", (1, 0, 0, 1, 0, 0)),
            ("demands_offline", (1, 0, 0)),
            ("may_be_forbidden", (0, 1, 0)),
            ("lacks_ej0", (0, 0, 1)),
        ),
        more=(("MemoryDevice", 3),),
    ),
)


ROOMY = (
    *USUAL,
    Shape(totals=(2, 2, 4), folios=2),
    Shape(nodes=2, totals=(3, 3, 3), folios=2, tables=(("in_range", (0,) * 9),)),
    Shape(
        blocks=2,
        added=_SECOND,
        tables=(
            ("in_range", (1, 1, 0, 1)),
            ("vetoes_online", (1, 0)),
            ("in_storage", (1,)),
            ("increment_block", (1,)),
        ),
    ),
    Shape(
        blocks=2,
        movable=_SECOND,
        tables=(
            *_NO_DEVICE,
            ("is_lmb", (1, 1)),
            ("filesystem", (2,)),
            ("gigantic", (1, 0)),
            ("does_huge_dma", (1,)),
        ),
        more=_ONE_DEVICE,
    ),
    Shape(
        nodes=2,
        totals=(2, 3, 3),
        tables=_NO_DEVICE,
        more=(*_ONE_DEVICE, ("HugeFolio", 3)),
    ),
    Shape(
        blocks=2,
        movable=_SECOND,
        tables=(*_NO_DEVICE, ("gigantic", (0, 1))),
        more=_ONE_DEVICE,
    ),
    Shape(nodes=2, blocks=1, added=_SECOND, tables=(("at_work", (1,)), ("watched", (0,)))),
    Shape(nodes=2, blocks=1, tables=(("may_fail", (0, 1)),), more=(("HugeFolio", 2),)),
    Shape(
        nodes=2,
        totals=(3, 3, 3),
        movable=_SECOND,
        tables=(("in_range", (0, 0, 0)), ("address_kept", (1,))),
        more=_ONE_DEVICE,
    ),
    Shape(
        blocks=2,
        tables=(("in_range", (1, 1)), ("vetoes_online", (1, 0)), ("memmap_host", (0, 0))),
        more=_ONE_DEVICE,
    ),
    Shape(
        nodes=2,
        totals=(2, 3, 3),
        tables=(*_NO_DEVICE, ("gigantic", (0, 1, 0))),
        more=(*_ONE_DEVICE, ("HugeFolio", 3)),
    ),
    Shape(blocks=2, holes=_FIRST),
    Shape(blocks=1, frames=3, folios=2, tables=_DMA_FIXED),
    Shape(
        nodes=2,
        totals=(2, 3, 3),
        tables=_NO_DEVICE,
        more=(*_ONE_DEVICE, ("HugeFolio", 2)),
    ),
    Shape(nodes=2, added=frozenset([1, 2, 3]), vetoing_nodes=frozenset([0, 1])),
)
"""Where runs that never end, and what must be reached, are looked for: there is room to move."""
