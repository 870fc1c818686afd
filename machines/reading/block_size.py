"""How large a memory block is: told by sysfs, or derived from how much memory the blocks hold."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import MachineError
from .numa import NodeReading, hexadecimal_in
from .places import MEMORY_DIR, Tree

__all__ = ["derived_block_size", "told_block_size"]

_LEAST_BLOCK = 16 * 1024**2
_LARGEST_BLOCK = 64 * 1024**3
_LARGEST_ADDRESS = 1 << 64
_LEAST_FILLED = 0.75


def told_block_size(tree: Tree) -> int | None:
    """The bytes of a block that sysfs tells; None if it does not.

    Raises:
        MachineError: it is no power of two.
    """
    path = f"{MEMORY_DIR}/block_size_bytes"
    size = hexadecimal_in(tree, path)
    if size is not None and (size == 0 or size & (size - 1) or size >= _LARGEST_ADDRESS):
        raise MachineError(f"{path}: expected a power of two below 2^64, found {size:#x}")
    return size


def derived_block_size(
    states: Mapping[int, str | None],
    nodes: tuple[NodeReading, ...],
    meminfo: Mapping[str, int] | None,
    notes: list[str],
) -> int | None:
    """The power of two that MemTotal fills when spread over the blocks of each node.

    Where no node tells, it is that of the machine. MemTotal lacks what was reserved at boot, a
    few percent, so it is rounded up. The size is given only if every node with blocks fills it by
    three quarters and all agree: offline blocks or a partial dump show as a disagreement or a gap.

    Args:
        states: of each block, by number.
        nodes: of the machine.
        meminfo: the sizes in `/proc/meminfo`, in KiB.
        notes: that it was derived, or cannot be, is said here.
    """
    if not states:
        return None
    offline = {block for block, state in states.items() if state == "offline"}
    sizes: set[int | None] = set()
    for node in nodes:
        count = len(set(node.blocks) - offline)
        if count:
            sizes.add(_filled_power_of_two(node.mem_total_kib, count))
    if sizes <= {None} and all(node.mem_total_kib is None for node in nodes):
        count = len(states) - len(offline)
        sizes = {_filled_power_of_two((meminfo or {}).get("MemTotal"), count)} if count else set()
    size = sizes.pop() if len(sizes) == 1 else None
    if size is None:
        notes.append(
            "the block size is not recorded and does not follow from MemTotal of the nodes"
        )
    else:
        notes.append(
            f"the block size is not recorded; {size >> 20} MiB is derived from MemTotal and the "
            f"number of blocks of each node, taking the blocks to be online"
        )
    return size


def _filled_power_of_two(total_kib: int | None, count: int) -> int | None:
    if not total_kib:
        return None
    share = -(-total_kib * 1024 // count)
    size = 1 << (share - 1).bit_length()
    plausible = _LEAST_BLOCK <= size <= _LARGEST_BLOCK and share >= _LEAST_FILLED * size
    return size if plausible else None
