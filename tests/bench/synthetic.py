"""Machines made up from a few numbers, as large as machines are built.

>>> machine = synthetic(64 << 30, nodes=2)
>>> machine.layout.blocks, int(machine.can_go().sum())
(512, 508)
"""

from __future__ import annotations

import numpy as np

from memhp.engine.codes import (
    BOOT,
    FREE,
    KERNEL,
    USER,
    ZONES,
)
from memhp.engine.layout import Layout, by_distance
from memhp.engine.machine import Machine

__all__ = ["synthetic"]

_KERNEL, _MOVABLE = ZONES.index("kernel"), ZONES.index("movable")


def synthetic(
    size: int,
    *,
    nodes: int = 1,
    block_size: int = 128 << 20,
    page_size: int = 4096,
    used: float = 0.5,
    mixed: float = 0.01,
    seed: int = 0,
) -> Machine:
    """A machine of ``size`` bytes that has run for a while.

    The first block of each node is the kernel's.  Of the others the share ``used``
    is full of user memory, the share ``mixed`` has frames of all kinds next to each
    other, and the rest is free.  The upper half of each node is movable.

    Args:
        size: bytes of memory, a multiple of ``nodes * block_size``.
        nodes: how many, all equally far from each other.
        block_size: bytes of a memory block.
        page_size: bytes of a base page.
        used: share of the blocks, 0 to 1.
        mixed: share of the blocks, 0 to 1.
        seed: of the choice of blocks and frames.

    Raises ValueError if the sizes do not fit each other.
    """
    blocks, rest = divmod(size, block_size)
    per_node, left = divmod(blocks, nodes)
    if rest or left or not per_node or block_size % page_size:
        raise ValueError(
            f"{size} bytes are not {nodes} nodes of whole blocks of {block_size} bytes, "
            f"or those not of pages of {page_size}"
        )
    frames = block_size // page_size
    random = np.random.default_rng(seed)
    choice = random.random(blocks)
    first = np.arange(blocks) % per_node == 0
    codes = np.where(choice < mixed + used, USER, FREE).astype(np.uint8)
    codes[first] = BOOT
    movable = np.arange(blocks) % per_node >= (per_node + 1) // 2
    zones = np.where(movable, _MOVABLE, _KERNEL).astype(np.uint8)
    frame_codes = {}
    for block in np.flatnonzero((choice < mixed) & ~first).tolist():
        kinds = (FREE, USER) if movable[block] else (FREE, USER, USER, KERNEL)
        lookup = np.array(kinds * (256 // len(kinds)), dtype=np.uint8)
        frame_codes[block] = lookup[np.frombuffer(random.bytes(frames), dtype=np.uint8)].tobytes()
    distance = [[10 if a == b else 20 for b in range(nodes)] for a in range(nodes)]
    layout = Layout(
        node_of=np.repeat(np.arange(nodes), per_node).tolist(),
        fallback=by_distance(distance),
        sections=1,
        frames=frames,
        early=b"\x01" * blocks,
        early_zone=zones.tobytes(),
        pgdat_section=[node * per_node for node in range(nodes)],
        cpus_keep_frames=b"\x01" * nodes,
        block_codes=codes.tobytes(),
        frame_codes=frame_codes,
    )
    return Machine(layout)
