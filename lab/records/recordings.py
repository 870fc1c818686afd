"""The guests whose records are this project's own test data, and what is done in each.

Between them they have memory of the kernel, of processes (locked, huge, pinned), page
cache and free memory, in kernel zones and in ZONE_MOVABLE, there at boot and added later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from memhp.machines.reading.tree import MEMORY_DIR

from ..guest.devices import add_dimm, wait_for_blocks
from ..guest.guest import Guest, HoldKind
from ..guest.machine import MIB, GuestMachine, Node, VirtioMem
from ..kernels.kernel import Kernel
from ..tools.errors import LabError
from .trial import try_all

__all__ = ["RECORDINGS", "Recording", "record"]

_PATIENCE = 60
"""Seconds: many times what the pages of a block of 128 MiB take to move, without KVM."""


@dataclass(frozen=True)
class Recording:
    """A guest to record: its kernel by name, its machine, and what is done in it before.

    `about` says in a line what is in its blocks; `patience`: see `try_block`.
    """

    name: str
    kernel: str
    about: str
    machine: GuestMachine
    prepare: Callable[[Guest], None]
    patience: int | None = None


def _hold(guest: Guest, *pieces: tuple[HoldKind, int], node: int = -1) -> None:
    """Hold pieces of memory, in MiB, one after the other."""
    for kind, mib in pieces:
        error, _ = guest.hold(kind, mib * MIB, node=node)
        if error:
            raise LabError(f"the guest cannot hold {mib} MiB of kind {kind} (errno {error})")


def _many_files(guest: Guest, name: str, count: int) -> None:
    """Empty files, each with an inode and a name in the kernel's slabs."""
    folder = f"/tmp/{name}"
    guest.shell(f"mkdir {folder}; for i in $(seq {count}); do : > {folder}/$i; done")


def _online(guest: Guest, blocks: int, word: str) -> None:
    """Wait until the guest has so many blocks, and bring those online that are not."""
    states = wait_for_blocks(guest, blocks)
    for block in (block for block, state in states.items() if state == "offline"):
        guest.write(f"/{MEMORY_DIR}/memory{block}/state", word)


def _busy(guest: Guest) -> None:
    _many_files(guest, "files", 3000)
    _hold(guest, ("anon", 300), ("kernel", 20), ("locked", 260), ("cache", 200), ("kernel", 30))
    _hold(guest, ("anon", 400), ("kernel", 4), ("cache", 300))


def _files(guest: Guest) -> None:
    for number in range(3):
        _hold(guest, ("cache", 290))
        _many_files(guest, f"files{number}", 6000)


def _movable_part(guest: Guest) -> None:
    for block in (_FAILED_KERNEL, _FAILED_MOVABLE):
        error = guest.write(f"/{MEMORY_DIR}/hard_offline_page", hex(block * 128 * MIB + (40 << 20)))
        if error:
            raise LabError(f"the guest cannot take a page of block {block} away (errno {error})")
    _hold(guest, ("anon", 200), ("cache", 150), ("kernel", 16), ("locked", 300))
    _hold(guest, ("kernel", 16), ("anon", 300), node=1)


def _dimms(guest: Guest) -> None:
    add_dimm(guest, "kernel", 1, 512 * MIB)
    _online(guest, 20, "online_kernel")
    _hold(guest, ("kernel", 40), ("anon", 150), node=1)
    add_dimm(guest, "movable", 1, 512 * MIB)
    _online(guest, 24, "online_movable")
    add_dimm(guest, "offline", 1, 512 * MIB)
    _hold(guest, ("anon", 500), ("cache", 200), node=1)


def _huge(guest: Guest) -> None:
    guest.write("/proc/sys/vm/nr_hugepages", "300")
    guest.write("/sys/kernel/mm/transparent_hugepage/enabled", "always")
    _hold(guest, ("huge", 400), ("anon", 500), ("kernel", 10), ("locked", 200))


def _huge_in_use(guest: Guest) -> None:
    guest.write("/proc/sys/vm/nr_hugepages", "200")
    _hold(guest, ("huge", 400), ("anon", 200), ("locked", 200))


def _gigantic(guest: Guest) -> None:
    _hold(guest, ("huge", 1024), ("anon", 300), ("cache", 150))


def _pins(guest: Guest) -> None:
    _hold(guest, ("anon", 200), ("pinned", 8), ("anon", 300), ("pinned", 8), ("kernel", 4))


def _arm(guest: Guest) -> None:
    _many_files(guest, "files", 1000)
    _hold(guest, ("anon", 300), ("kernel", 20), ("cache", 100), ("locked", 100))


_DEVICE = GuestMachine(
    nodes=(Node(1024 * MIB, 2),),
    virtio_mem=(VirtioMem(node=0, size=1024 * MIB, requested=832 * MIB),),
)


def _arm_device(guest: Guest) -> None:
    _online(guest, 15, "online")
    _hold(guest, ("anon", 500), ("kernel", 10), ("locked", 300), ("kernel", 20), ("cache", 200))


_FAILED_KERNEL, _FAILED_MOVABLE = 10, 44
"""Blocks in which a page fails."""

_ALL = (
    Recording(
        "busy",
        "x86_64-5.10",
        "one node, much of it in use by processes, page cache and the kernel",
        GuestMachine(nodes=(Node(4096 * MIB, 2),)),
        _busy,
    ),
    Recording(
        "files",
        "x86_64-6.12",
        "page cache, and slabs with the inodes of many files",
        GuestMachine(nodes=(Node(2048 * MIB, 1),)),
        _files,
    ),
    Recording(
        "movablecore",
        "x86_64-6.1",
        "two nodes with a part in ZONE_MOVABLE (movablecore=), and two pages that failed",
        GuestMachine(nodes=(Node(2048 * MIB, 2), Node(2048 * MIB)), options=("movablecore=1536M",)),
        _movable_part,
    ),
    Recording(
        "dimms",
        "x86_64-6.12",
        "DIMMs in kernel zone and ZONE_MOVABLE, and one left offline",
        GuestMachine(
            nodes=(Node(2048 * MIB, 2), Node()),
            slots=3,
            options=("memhp_default_state=offline",),
        ),
        _dimms,
    ),
    Recording(
        "dimms-memmap",
        "x86_64-newest",
        "the same, with the memmap of each block in its own memory",
        GuestMachine(
            nodes=(Node(2048 * MIB, 2), Node()),
            slots=3,
            options=("memhp_default_state=offline", "memory_hotplug.memmap_on_memory=1"),
        ),
        _dimms,
    ),
    Recording(
        "huge",
        "x86_64-newest",
        "huge pages, used and free, and transparent ones",
        GuestMachine(nodes=(Node(4096 * MIB, 2),)),
        _huge,
    ),
    Recording(
        "huge-turning",
        "x86_64-6.12",
        "the same with a kernel that may move huge pages inside the block",
        GuestMachine(nodes=(Node(4096 * MIB, 2),)),
        _huge,
        patience=_PATIENCE,
    ),
    Recording(
        "huge-in-use",
        "x86_64-6.1",
        "huge pages, all of them in use",
        GuestMachine(nodes=(Node(4096 * MIB, 2),)),
        _huge_in_use,
        patience=_PATIENCE,
    ),
    Recording(
        "gigantic",
        "x86_64-6.12",
        "a gigantic page in use, and none that is free",
        GuestMachine(
            nodes=(Node(4096 * MIB, 2),),
            options=("default_hugepagesz=1G", "hugepagesz=1G", "hugepages=1"),
        ),
        _gigantic,
        patience=_PATIENCE,
    ),
    Recording(
        "pinned",
        "x86_64-6.12",
        "memory pinned by io_uring",
        GuestMachine(nodes=(Node(3072 * MIB, 2),)),
        _pins,
        patience=_PATIENCE,
    ),
    Recording(
        "arm64-boot",
        "aarch64-6.1",
        "memory of the boot, which never goes on arm64",
        GuestMachine(nodes=(Node(2048 * MIB, 2),)),
        _arm,
    ),
    Recording(
        "arm64-nodes",
        "aarch64-6.12",
        "the same on two nodes",
        GuestMachine(nodes=(Node(1024 * MIB, 2), Node(1024 * MIB))),
        _arm,
    ),
    Recording(
        "arm64-device",
        "aarch64-newest",
        "a virtio-mem device beside the memory of the boot",
        _DEVICE,
        _arm_device,
    ),
)

RECORDINGS: Mapping[str, Recording] = MappingProxyType({each.name: each for each in _ALL})
"""By name, which is also that of the file."""


def record(recording: Recording, kernel: Kernel) -> bytes:
    """The record, a tar, of a guest that is booted and prepared, and whose blocks are tried.

    Args:
        recording: which guest.
        kernel: the kernel that it names.

    Raises:
        LabError, GuestDied, GuestSilent: the guest could not be had, or did not do as it was to.
    """
    with Guest.boot(kernel, recording.machine, command_limit=3 * _PATIENCE) as guest:
        recording.prepare(guest)
        return try_all(guest, patience=recording.patience)
