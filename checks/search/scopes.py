"""Scopes: the small machines that a bounded search looks at.

`USUAL` is where *sometimes* properties and variants are looked for; a user's
own scope, such as ``node=2,block=4,frame=8``, becomes the regular machines of
that size (see `memhp.reference.shapes`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from memhp.reference import Topology, violated_axioms
from memhp.reference.shapes import Shape, arrangements
from memhp.spec.language.system import System

from .alike import Ground, ground

__all__ = ["ROOMY", "USUAL", "ScopeError", "fitting", "machines", "scope", "scope_text", "unfit"]

_FIRST, _SECOND = frozenset([0]), frozenset([1])
_ONE_DEVICE = (("MemoryDevice", 1),)
_NO_DEVICE = (("in_range", (0, 0)),)
_DMA = (("does_dma", (1,)), ("driver_moves", (1,)))
_DMA_FIXED = (("does_dma", (1,)),)

USUAL = (
    Shape(blocks=2, movable=_SECOND, tables=_NO_DEVICE, more=_ONE_DEVICE),
    Shape(blocks=2, folios=2, movable=_SECOND, tables=_NO_DEVICE, more=_ONE_DEVICE),
    Shape(blocks=2, added=_SECOND),
    Shape(blocks=2, added=_SECOND, memmaps="pgdat"),
    Shape(nodes=2, blocks=1, added=_SECOND),
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
        totals=(2, 2, 3),
        added=_SECOND,
        memmaps="pgdat",
        tables=(
            *_NO_DEVICE,
            ("section_of", (0, 1, 1)),
            ("range_of", (0, 1, 1)),
            ("head_frame", (0, 1)),
            ("is_virtio", (0, 1)),
            ("block_of_subblock", (1, 1)),
            ("subblock_of", (0, 0, 1)),
        ),
        more=(*_ONE_DEVICE, ("SubBlock", 2)),
    ),
    Shape(
        blocks=2,
        added=_SECOND,
        vetoing=frozenset([0]),
        tables=(*_NO_DEVICE, ("in_storage", (1, 1)), ("increment_block", (1, 1))),
        more=(*_ONE_DEVICE, ("Increment", 2)),
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
    Shape(blocks=1, multizone=_FIRST),
    Shape(blocks=1, frames=2, holes=_SECOND),
    Shape(blocks=1, frames=2, boot_kernel=_SECOND),
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
)
"""Where runs that never end, and what must be reached, are looked for: there is room to move."""


class ScopeError(ValueError):
    """A scope that no regular machine has; the message is one line."""


def fitting(system: System, shapes: Sequence[Shape]) -> dict[int, Topology]:
    """The machines that satisfy every axiom of the system, by the index of their shape.

    Nothing may be shown on the others: no machine of the specification is like them.
    """
    return dict(_fitting(ground(system), tuple(shapes)))


@lru_cache(maxsize=8)
def _fitting(common: Ground, shapes: tuple[Shape, ...]) -> dict[int, Topology]:
    built = {number: shape.build(common.system) for number, shape in enumerate(shapes)}
    return {n: each for n, each in built.items() if not violated_axioms(common.system, each)}


def unfit(system: System, shapes: Sequence[Shape]) -> dict[str, int]:
    """The number of machines that violate an axiom, by its name; empty if all satisfy all."""
    return dict(
        Counter(name for shape in shapes for name in violated_axioms(system, shape.build(system)))
    )


def machines(system: System, text: str) -> tuple[Shape, ...]:
    """The shapes of a scope (see `scope`) whose machines satisfy every axiom of the system.

    Raises:
        ScopeError: there is none, or the text is no scope.
    """
    shapes = scope(text)
    if fit := tuple(shapes[number] for number in fitting(system, shapes)):
        return fit
    violated = ", ".join(unfit(system, shapes))
    raise ScopeError(f"scope {text!r}: each of its machines violates an axiom: {violated}")


def scope(text: str) -> tuple[Shape, ...]:
    """The shapes of a scope such as ``node=2,block=4,section=4,frame=8,folio=2,pte=1``.

    Numbers count elements in all; a sort that the text does not name has as few as fit.

    Raises:
        ScopeError: the text is no such list, or names too few of something.

    >>> [shape.sizes["Frame"] for shape in scope("node=2,block=3,frame=4")]
    [4, 4, 4]
    """
    sizes = _numbers(text)
    nodes = sizes.get("node", 1)
    blocks = sizes.get("block", max(2, nodes))
    sections = sizes.get("section", blocks)
    frames = sizes.get("frame", sections)
    if not nodes <= blocks <= sections <= frames:
        raise ScopeError(
            f"scope {text!r}: each node needs a block, each block a section, each section a frame"
        )
    shape = Shape(
        nodes=nodes,
        totals=(blocks, sections, frames),
        folios=sizes.get("folio", 1),
        ptes=sizes.get("pte", 1),
        vmas=sizes.get("vma", 1),
        data=sizes.get("data", 1),
    )
    return tuple(shape for _, shape in arrangements(shape))


def _numbers(text: str) -> dict[str, int]:
    names = ("node", "block", "section", "frame", "folio", "pte", "vma", "data")
    sizes: dict[str, int] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        name = name.strip().lower()
        if name not in names or name in sizes:
            raise ScopeError(f"scope {text!r}: {part!r} is not one of {', '.join(names)} = number")
        if not re.fullmatch(r"\s*[0-9]{1,3}\s*", number) or not 0 < int(number) <= 255:
            raise ScopeError(f"scope {text!r}: {part!r}: the number must be from 1 to 255")
        sizes[name] = int(number)
    return sizes


def scope_text(shape: Shape) -> str:
    """The sizes of a machine for a reader, such as ``node=1, block=2``."""
    return ", ".join(f"{name.lower()}={size}" for name, size in shape.sizes.items())
