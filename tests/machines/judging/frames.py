"""A machine of the engine, made of what a real machine says about itself, every frame of it.

What the readers do not tell is taken for the worst: a frame of unknown use, a
poisoned one or one that a balloon holds counts as the kernel's, and so does
kernel memory in the movable zone.  A pin does not show, so a frame that counts as
movable may still refuse.

numpy is imported with this module only.
"""

from __future__ import annotations

import os
from array import array
from pathlib import Path

import numpy as np

from memhp.engine.codes import (
    BOOT,
    FREE,
    KERNEL,
    UNAVAILABLE,
    USER,
    ZONES,
)
from memhp.engine.layout import Layout, by_distance
from memhp.engine.machine import Machine
from memhp.machines.reading.errors import MachineError, NotPermitted
from memhp.machines.reading.pageflags import FrameKind, frame_kind, read_words
from memhp.machines.reading.sysfs import BlockReading, MachineReading

__all__ = ["load_engine"]

_CODES = {
    FrameKind.free: FREE,
    FrameKind.movable: USER,
    FrameKind.waiting: USER,
    FrameKind.huge: USER,
    FrameKind.reserved: BOOT,
    FrameKind.hole: UNAVAILABLE,
}
_ZONES = {"DMA": "kernel", "DMA32": "kernel", "Normal": "kernel", "Movable": "movable"}


def load_engine(reading: MachineReading, *, path: str | Path = "/proc/kpageflags") -> Machine:
    """The machine that was read, with the use of each frame of its online blocks.

    Blocks that sysfs does not show, between or behind the others, were not there at
    boot.  A block that is offline is offline in the engine, too.

    Args:
        reading: what `read_machine` gave for this machine, now.
        path: the file with a word for each frame.

    Raises:
        NotPermitted: only root may read page flags.
        MachineError: the reading has no blocks, nodes or sizes, or the file cannot be read.
    """
    if not reading.blocks or not reading.block_size or not reading.page_size:
        raise MachineError(f"{reading.source}: no blocks, or their size is not known")
    frames = reading.block_size // reading.page_size
    shown = {block.number: block for block in reading.blocks}
    online = [number for number, block in shown.items() if block.state != "offline"]
    numbers = range(max(shown) + 1)
    codes = _codes(Path(path), frames, online)
    nodes = sorted({block.nodes[0] for block in reading.blocks if block.nodes}) or [0]
    node_of = [_node_of(shown.get(number), nodes) for number in numbers]
    machine = Machine(
        Layout(
            node_of=node_of,
            fallback=by_distance(_distances(reading, nodes)),
            sections=1,
            frames=frames,
            early=bytes(number in codes for number in numbers),
            early_zone=bytes(_zone(shown.get(number)) for number in numbers),
            pgdat_section=[min(online, default=0)] * len(nodes),  # as Linux: in memory that stays
            holes=bytes(UNAVAILABLE in codes.get(number, b"") for number in numbers),
            cpus_keep_frames=b"\x01" * len(nodes),
            frame_codes=codes,
        )
    )
    for number in sorted(shown.keys() - codes.keys()):
        machine.add_memory(number)
    return machine


def _codes(path: Path, frames: int, blocks: list[int]) -> dict[int, bytes]:
    """The engine's code of every frame of these blocks."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return {b: _of_words(read_words(handle, b * frames, frames), frames) for b in blocks}
        finally:
            os.close(handle)
    except PermissionError:
        raise NotPermitted(f"{path}: permission denied; only root may read page flags") from None
    except OSError as error:
        raise MachineError(f"{path}: cannot be read ({error.strerror})") from None


def _of_words(words: array[int], frames: int) -> bytes:
    distinct, which = np.unique(np.array(words, dtype=np.uint64), return_inverse=True)
    codes = np.array([_code(int(word)) for word in distinct], dtype=np.uint8)
    missing = frames - len(words)
    return codes[which].tobytes() + bytes((UNAVAILABLE,)) * missing


def _code(word: int) -> int:
    return _CODES.get(frame_kind(word), KERNEL)


def _node_of(block: BlockReading | None, nodes: list[int]) -> int:
    """The place of the block's first node among all; 0 if nobody says."""
    return nodes.index(block.nodes[0]) if block and block.nodes else 0


def _zone(block: BlockReading | None) -> int:
    """The zone of an online block; 0 if it is in several zones, or on several nodes."""
    if block is None or not block.valid_zones or len(block.nodes) > 1:
        return ZONES.index("none")
    return ZONES.index(_ZONES.get(block.valid_zones[0], "none"))


def _distances(reading: MachineReading, nodes: list[int]) -> list[tuple[int, ...]]:
    """The distances between nodes with memory; where one is missing, all are equally far."""
    numbers = [node.number for node in reading.nodes]
    rows = {node.number: node.distance for node in reading.nodes}
    if all(len(rows.get(node) or ()) == len(numbers) for node in nodes):
        columns = [numbers.index(node) for node in nodes]
        return [tuple((rows[node] or ())[column] for column in columns) for node in nodes]
    return [tuple(10 if a == b else 20 for b in nodes) for a in nodes]
