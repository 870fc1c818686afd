"""Cures: what a user can do about a refusal, by the guard that refuses.

A guard says why a block does not go; what helps depends on what is in the block.  So each cure
names a guard and, where it matters, the kind of frame that it is about (as
`memhp.machines.reading.pageflags` names kinds), and where it is from.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CURES", "Cure", "cures_of"]

_GUIDE = "Documentation/admin-guide/mm/memory-hotplug.rst"
_PIN = "Documentation/core-api/pin_user_pages.rst"
_HUGE = "Documentation/admin-guide/mm/hugetlbpage.rst"
_PARAMETERS = "Documentation/admin-guide/kernel-parameters.txt"


@dataclass(frozen=True)
class Cure:
    """What helps against one refusal.

    `guard` is ACTION.GUARD; `kinds` the kinds of frames that it is about (empty: whatever they
    are); `text` what to do, and `source` where that is from.
    """

    guard: str
    kinds: tuple[str, ...]
    text: str
    source: str


CURES: tuple[Cure, ...] = (
    Cure(
        "begin_offline.no_unmovable",
        ("kernel",),
        "once it is offline, online it with online_movable, so that the kernel puts nothing of its"
        " own there; memory that the kernel has now goes back when its user ends (slab: echo 2 >"
        " /proc/sys/vm/drop_caches frees part of it)",
        _GUIDE,
    ),
    Cure(
        "begin_offline.no_unmovable",
        ("reserved",),
        "memory that was reserved at boot never goes; boot with movable_node or kernelcore= so that"
        " other blocks stay free of it",
        _PARAMETERS,
    ),
    Cure(
        "begin_offline.no_unmovable",
        ("waiting", "unknown", "blank"),
        "try again: pages on their way to the LRU are there in a moment",
        "mm/swap.c, lru_add_drain_all",
    ),
    Cure(
        "begin_offline.no_unmovable",
        ("cma",),
        "an area of CMA stays; boot with another cma= or without the device that reserves it",
        _PARAMETERS,
    ),
    Cure(
        "begin_offline.one_zone",
        (),
        "no cure while it runs: the block has memory of several zones or nodes; a smaller block"
        " size may part them",
        _GUIDE,
    ),
    Cure(
        "begin_offline.no_holes",
        (),
        "no cure: a block that is not all memory stays online",
        "mm/memory_hotplug.c, offline_pages",
    ),
    Cure(
        "begin_offline.block_online",
        (),
        "it is offline already, or on its way: read memoryN/state",
        "drivers/base/memory.c, memory_subsys_offline",
    ),
    Cure(
        "begin_online.no_known_error",
        (),
        "no cure while the memory is there: remove the block, and have its device replaced;"
        " /sys/kernel/debug/hwpoison/unpoison-pfn is for errors that were injected",
        "Documentation/mm/hwpoison.rst",
    ),
    Cure(
        "finish_offline.notifiers_agree",
        (),
        "remove it through the driver that owns it: daxctl reconfigure-device, the size that the"
        " hypervisor requests of virtio-mem, drmgr; on arm64 memory of the boot never goes",
        _GUIDE,
    ),
    Cure(
        "copy.no_running_pin",
        ("pinned",),
        "stop the process that pinned it, or have it let go (io_uring: unregister its buffers;"
        " RDMA, VFIO: close the device)",
        _PIN,
    ),
    Cure(
        "copy.no_running_pin",
        ("held",),
        "stop the process that holds it, or have the other end read it (a pipe that it was spliced"
        " into); direct I/O that is under way ends by itself",
        _PIN,
    ),
    Cure(
        "copy_huge.not_pinned",
        ("huge",),
        "a device uses a huge page as its buffer: stop the process that registered it (RDMA, VFIO,"
        " io_uring), or have it let go",
        _PIN,
    ),
    Cure(
        "try_again.in_budget",
        (),
        "a signal ended the removal, which was still trying: give it more time, and see which page"
        " it fails on",
        "mm/memory_hotplug.c, offline_pages",
    ),
    Cure(
        "vet.nothing_sticky",
        ("offline",),
        "a balloon or a hypervisor's driver has pages of it and does not let go: have it give them"
        " back first",
        "mm/memory_hotplug.c, scan_movable_pages",
    ),
    Cure(
        "dissolve.not_promised",
        ("spare",),
        "make the pool of huge pages smaller (nr_hugepages), or add as many elsewhere first",
        _HUGE,
    ),
    Cure(
        "begin_huge_migration.target_free",
        ("huge",),
        "let huge pages be free elsewhere: raise nr_hugepages of another node, or end who uses"
        " them; a gigantic page moves only to one that is free",
        _HUGE,
    ),
    Cure(
        "reserve_destination.frame_free",
        ("huge",),
        "a gigantic page moves only to one of its size that is free: end who uses it, or raise"
        " nr_hugepages of its size",
        _HUGE,
    ),
    Cure(
        "reserve_destination.frame_free",
        ("movable", "waiting", "unknown", "blank", "kernel"),
        "make room elsewhere: free memory, or add swap; the pages of the block have nowhere to go",
        "mm/memory_hotplug.c, do_migrate_range",
    ),
    Cure(
        "change_home.clean_or_method",
        (),
        "the file system moves no data that is not written out: sync; where that ends with EIO the"
        " store refuses it: mend the store, or give the data up (truncate the file)",
        "mm/migrate.c, fallback_migrate_folio",
    ),
    Cure(
        "move_private.private_known",
        (),
        "the file system keeps data with the page that it cannot move: sync, then drop_caches, or"
        " unmount it",
        "Documentation/filesystems/vfs.rst, migrate_folio",
    ),
    Cure(
        "begin_unmap.no_writeback",
        (),
        "wait until the store has the data: sync; a server that does not answer holds it (NFS:"
        " umount -f)",
        "mm/migrate.c, migrate_folio_unmap",
    ),
    Cure(
        "delete_block_device.block_offline",
        (),
        "take every block of the device offline first",
        _GUIDE,
    ),
)
"""In the order in which they are told."""


def cures_of(guard: str, kinds: frozenset[str] | None = None) -> tuple[Cure, ...]:
    """The cures of a refusal by ACTION.GUARD.

    Args:
        guard: which refuses.
        kinds: what is in the block; None: all cures of the guard.

    >>> [cure.kinds for cure in cures_of("copy.no_running_pin", frozenset({"held"}))]
    [('held',)]
    """
    return tuple(
        cure
        for cure in CURES
        if cure.guard == guard and (kinds is None or not cure.kinds or kinds & set(cure.kinds))
    )
