"""`memhp sections`: how large memory blocks are, what devices lose by it, what adding takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memhp.machines.reading.units import in_units

if TYPE_CHECKING:
    from memhp.machines.reading.memory_map import MemoryMap
    from memhp.spec.numbers.architectures import Architecture

__all__ = ["HotAdd", "blocks_document", "blocks_text", "hot_add_of"]


@dataclass(frozen=True)
class HotAdd:
    """Bytes of a block under a hypervisor and otherwise, and what adding takes.

    ``guest`` and ``bare`` are None where the map does not tell them or the rule is another;
    ``added`` bytes take ``memmap`` bytes of those that are ``free``.
    """

    guest: int | None
    bare: int | None
    added: int | None
    memmap: int | None
    free: int | None


def hot_add_of(
    memory_map: MemoryMap, arch: Architecture, added: int | None, free: int | None
) -> HotAdd:
    """What the map says of blocks, and what adding takes.

    Args:
        memory_map: of a machine, or described.
        arch: which one it is.
        added: bytes that are to be added.
        free: bytes that are free, if the user says so.
    """
    from memhp.spec.numbers.hot_add import memmap_bytes, x86_64_block_size

    end = memory_map.boot_end
    sizes: dict[bool, int | None] = {True: None, False: None}
    if end is not None and arch.name.startswith("x86_64"):
        for guest in sizes:
            if memory_map.guest in (None, guest):
                sizes[guest] = x86_64_block_size(end, guest=guest)
    memmap = None if added is None else memmap_bytes(added, arch.page)
    return HotAdd(
        sizes[True], sizes[False], added, memmap, memory_map.free if free is None else free
    )


def blocks_text(memory_map: MemoryMap, arch: Architecture, found: HotAdd) -> Iterator[str]:
    """The same in sentences.

    Args:
        memory_map: of a machine, or described.
        arch: which one it is.
        found: what `hot_add_of` found.
    """
    named = (("under a hypervisor", found.guest), ("without a hypervisor", found.bare))
    told = [f"{in_units(size)} {where}" for where, size in named if size is not None]
    if told:
        yield (
            f"memory block: {', '.join(told)}, for boot memory ends at {memory_map.boot_end:#x};"
            " Linux 6.18 and later take less where firmware advises it. What is added must begin"
            " and end at a block's boundary: else a DIMM is refused (EINVAL)"
        )
    for at, name in memory_map.windows if told else ():
        parts = [f"{_loss(*its)} with blocks of {in_units(size)}" for size, its in _losses(at)]
        size = in_units(at.stop - at.start)
        yield f"lost of {name}, {at.start:#x}-{at.stop - 1:#x} ({size}): {'; '.join(parts)}"
    if found.added is not None and found.memmap is not None:
        yield _needed(arch, found)


def _losses(at: Any) -> list[tuple[int, tuple[int, int]]]:
    """What of a range is lost with blocks of each size."""
    from memhp.spec.numbers.hot_add import BLOCK_SIZES, lost

    return [(size, lost(at.start, at.stop, size)) for size in reversed(BLOCK_SIZES)]


def _loss(before: int, behind: int) -> str:
    return " + ".join(in_units(each) for each in (before, behind) if each) or "nothing"


def _needed(arch: Architecture, found: HotAdd) -> str:
    """What adding takes, whether that is free, and when it need not be."""
    from memhp.spec.numbers.hot_add import memmap_fits

    added, memmap = found.added or 0, found.memmap or 0
    says = (
        f"adding {in_units(added)} takes {in_units(memmap)} of mem_map first, 64 bytes for each"
        f" page of {in_units(arch.page)}, out of memory that is free"
    )
    if found.free is not None:
        enough = "enough, if it stays so"
        if found.free <= memmap:
            enough = "so it fails (ENOMEM) unless enough is reclaimed first"
        says += f": {in_units(found.free)} are, {enough}"
    sizes = [size for size in (found.guest, found.bare) if size is not None]
    if sizes and all(memmap_fits(size, arch) for size in sizes):
        says += (
            "; with memory_hotplug.memmap_on_memory=Y a DIMM of ACPI, or of a dax device that asks"
            " for it, takes it out of itself (Linux 6.6 and older: only if it is one block)"
        )
    return says


def blocks_document(memory_map: MemoryMap, found: HotAdd) -> dict[str, Any]:
    """The same for a program; sizes in bytes.

    Args:
        memory_map: of a machine, or described.
        found: what `hot_add_of` found.
    """
    return {
        "boot_end": memory_map.boot_end,
        "block": {"guest": found.guest, "bare": found.bare},
        "windows": [
            {
                "name": name,
                "start": at.start,
                "stop": at.stop,
                "lost": [
                    {"block": size, "before": before, "behind": behind}
                    for size, (before, behind) in _losses(at)
                ],
            }
            for at, name in memory_map.windows
        ],
        "added": found.added,
        "memmap": found.memmap,
        "free": found.free,
    }
