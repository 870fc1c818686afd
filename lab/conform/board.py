"""The machine that a guest of each architecture is, and the same machine for the reference.

A guest has boot memory, most of it on node 0, and more memory: DIMMs that may come to node 1
where there is ACPI, else what is said below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from memhp.reference.shapes import Shape
from memhp.reference.topology import Topology
from memhp.spec.language.system import System
from memhp.spec.numbers.architectures import architecture

from ..guest.machine import MIB, GuestMachine, Node, VirtioMem

__all__ = [
    "BLOCKS_OF_DEVICE",
    "BOARDS",
    "BOOT_BLOCKS",
    "DEVICES",
    "Board",
    "arrangement",
    "device_of_block",
]

BOOT_BLOCKS = 4
DEVICES = 2
BLOCKS_OF_DEVICE = 2


@dataclass(frozen=True)
class Board:
    """A guest of one architecture (a name of `memhp.spec.numbers.architectures`).

    ``first`` and ``more`` are the numbers of the first boot block and of the first of the
    others, as QEMU places them.  ``how`` says what those are: *dimms*, which come and go on
    node 1; a *virtio-mem* device, all of which is there from boot, on node 0, since without
    ACPI nothing tells the kernel of another node; or *boot* memory as well.  ``nodes`` is
    how many nodes there are, ``lmb`` the bytes of a logical memory block (0: a block is one
    section), and ``linux`` the kernel's version (None: that of the specification's figures).
    """

    architecture: str
    first: int
    more: int
    how: Literal["dimms", "virtio-mem", "boot"]
    nodes: int
    lmb: int = 0
    linux: tuple[int, int] | None = None

    @property
    def block(self) -> int:
        """The bytes of a block."""
        return self.lmb or architecture(self.architecture).section_in(self.linux)

    @property
    def dimms(self) -> bool:
        """Whether DIMMs can come and go."""
        return self.how == "dimms"

    @property
    def added(self) -> frozenset[int]:
        """The blocks that are not boot memory."""
        others = range(BOOT_BLOCKS, BOOT_BLOCKS + DEVICES * BLOCKS_OF_DEVICE)
        return frozenset() if self.how == "boot" else frozenset(others)

    @property
    def kept(self) -> frozenset[int]:
        """The blocks that a notifier of the architecture keeps online."""
        removable = architecture(self.architecture).boot_memory_removable
        return frozenset() if removable else frozenset(range(BOOT_BLOCKS))

    def blocks_of(self, device: int) -> list[int]:
        """The blocks of a DIMM, ascending, in the reference's numbers."""
        return [block for block in sorted(self.added) if device_of_block(block) == device]

    def numbers(self) -> list[int]:
        """The guest's number of each block of the reference, in ascending order."""
        others = range(DEVICES * BLOCKS_OF_DEVICE)
        return [self.first + b for b in range(BOOT_BLOCKS)] + [self.more + b for b in others]

    def guest_machine(self) -> GuestMachine:
        """The guest: boot memory on node 0, then the others, and nothing onlined by itself."""
        boot, size = BOOT_BLOCKS * self.block, DEVICES * BLOCKS_OF_DEVICE * self.block
        last = Node(size if self.how == "boot" else 0)
        first = boot + (size if self.how == "boot" and self.nodes == 1 else 0)
        return GuestMachine(
            nodes=(Node(first, cpus=1), last)[: self.nodes],
            slots=DEVICES if self.dimms or self.lmb else 0,  # slots make memory of a pseries LMBs
            virtio_mem=(VirtioMem(0, size, size),) if self.how == "virtio-mem" else (),
            options=("memhp_default_state=offline",),
        )


BOARDS: Mapping[str, Board] = MappingProxyType(
    {
        "x86_64": Board("x86_64", 0, 32, "dimms", nodes=2),
        "aarch64": Board("arm64-4k", 8, 16, "virtio-mem", nodes=1),
        "ppc64le": Board("ppc64-64k", 0, 4, "boot", nodes=2, lmb=256 * MIB),
        "s390x": Board("s390x", 0, 4, "boot", nodes=1),
    }
)
"""By the name that `uname -m` gives."""


def arrangement(
    system: System,
    board: Board,
    holes: frozenset[int] = frozenset(),
    multizone: frozenset[int] = frozenset([0]),
    *,
    movable_node: bool = False,
) -> Topology:
    """The board's machine as the reference takes it: device 0 is boot memory, the others DIMMs.

    A frame stands for all of its block: it is a hole if the block has one.  Guests boot without
    memmap_on_memory: the mem_maps of DIMMs lie in pages of the kernel, wherever it had room for
    them, and what the kernel has in a block its page words tell.  Of two memory notifiers one is
    asked before that of the architecture, and one behind it.

    Args:
        system: the specification.
        board: the board.
        holes: the boot blocks with holes.
        multizone: the boot blocks that span several zones.
        movable_node: whether the kernel is started with that word.
    """
    blocks, others = range(len(board.numbers())), range(BOOT_BLOCKS, len(board.numbers()))
    device_of = [device_of_block(b) if b in board.added else 0 for b in blocks]
    devices = range(max(device_of) + 1)
    return Shape(
        nodes=board.nodes,
        totals=(len(blocks),) * 3,
        added=board.added,
        multizone=multizone,
        holes=holes,
        vetoing=board.kept,
        folios=len(blocks),
        more=(("MemoryDevice", len(devices)), ("Pin", len(blocks)), ("Listener", 2)),
        tables=(
            ("movable_node", (int(movable_node),) * board.nodes),
            ("node_of", tuple((board.nodes - 1) * (b in others) for b in blocks)),
            ("in_range", tuple(int(device_of[b] == m) for m in devices for b in blocks)),
            ("is_lmb", (int(bool(board.lmb)),) * len(blocks)),
            ("does_dma", (1,) * len(blocks)),
            ("may_be_forbidden", tuple(int(device > 0) for device in devices)),
            ("asked_first", (1,) * len(blocks) + (0,) * len(blocks)),
        ),
    ).build(system)


def device_of_block(block: int) -> int:
    """The number of the device that an added block is a part of, from 1."""
    return 1 + (block - BOOT_BLOCKS) // BLOCKS_OF_DEVICE
