"""A kernel as a target: what it is asked, and what it shows of its state.

The guest has node 0 with boot memory, and DIMMs that may come to node 1.  It shows which
blocks there are, each state, the zone of an online block, the default zone of an offline
one, and the lists of nodes.

No rule is stated here.

Sources: drivers/base/memory.c (state_store, valid_zones_show), drivers/base/core.c
(online_store), drivers/base/node.c (node lists), drivers/acpi/scan.c (ejection).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from errno import EBUSY, ENODEV, ENOENT
from types import MappingProxyType
from typing import Literal

from memhp.machines.lab.devices import eject_dimm
from memhp.machines.lab.errors import GuestSilent, LabError
from memhp.machines.lab.guest import Guest
from memhp.machines.lab.kernels import Kernel
from memhp.machines.lab.layout import MIB, Layout, Node, VirtioMem
from memhp.machines.lab.snapshot import page_sizes
from memhp.machines.sysfs import BlockReading, MachineReading, NodeReading
from memhp.reference.machine import Machine
from memhp.reference.shapes import Shape
from memhp.reference.target import Observation
from memhp.reference.topology import Topology, Value
from memhp.spec.architectures import architecture
from memhp.spec.language.system import System

from .look import kernel_memory, listed

__all__ = [
    "BOARDS",
    "BOOT_BLOCKS",
    "DEVICES",
    "HELD",
    "TEXTS",
    "WORDS",
    "Board",
    "KernelTarget",
    "Operation",
    "arrangement",
    "confine",
    "differences",
    "expected",
    "observed",
]

BOOT_BLOCKS = 4
DEVICES = 2
BLOCKS_OF_DEVICE = 2

HELD = ("anon", "locked", "cache", "kernel")
"""What holders have: all of it moves but the kernel's own."""
_HELD_BYTES = 8 * MIB
_ROOM_BYTES = 8 * _HELD_BYTES
_CPUSET = "/sys/fs/cgroup/memhp"

WORDS = ("online", "online_kernel", "online_movable", "offline", "nonsense", "online\n", "")
TEXTS = ("1", "0", "y", "n", "on", "off", "2", "maybe", "")

_INSERTION = (0, 1)
"""The sources of an _OST that answers an insertion (ACPI specification, 6.3.5)."""
_NOT_FINAL = (0x80, 0x84)
_MEMORY = "/sys/devices/system/memory"
_KINDS = {"DMA": "kernel", "DMA32": "kernel", "Normal": "kernel", "Movable": "movable"}
Operation = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True)
class Board:
    """A guest of one architecture (a name of `memhp.spec.architectures`).

    ``first`` and ``more`` are the numbers of the first boot block and of the first of the
    others, as QEMU places them.  ``how`` says what those are: *dimms*, which come and go on
    node 1; a *virtio-mem* device, all of which is there from boot, on node 0, since without
    ACPI nothing tells the kernel of another node; or *boot* memory as well.  ``nodes`` is
    how many nodes there are, ``lmb`` the bytes of a logical memory block (0: a block is one
    section).
    """

    architecture: str
    first: int
    more: int
    how: Literal["dimms", "virtio-mem", "boot"]
    nodes: int
    lmb: int = 0

    @property
    def block(self) -> int:
        """The size of a block, in bytes."""
        return self.lmb or architecture(self.architecture).section

    @property
    def dimms(self) -> bool:
        """DIMMs can come and go."""
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

    def numbers(self) -> list[int]:
        """The guest's number of each block of the reference, in ascending order."""
        others = range(DEVICES * BLOCKS_OF_DEVICE)
        return [self.first + b for b in range(BOOT_BLOCKS)] + [self.more + b for b in others]

    def layout(self) -> Layout:
        """Boot memory on node 0, then the others, and nothing onlined by itself."""
        boot, size = BOOT_BLOCKS * self.block, DEVICES * BLOCKS_OF_DEVICE * self.block
        last = Node(size if self.how == "boot" else 0)
        together = boot + (size if self.how == "boot" and self.nodes == 1 else 0)
        return Layout(
            nodes=(Node(together, cpus=1), last)[: self.nodes],
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
) -> Topology:
    """The same machine for the reference: device 0 is the boot memory, the others DIMMs.

    A frame stands for all of its block: it is a hole if the block has one.  The nodes'
    structures and the mem_maps of the DIMMs are taken to be in boot memory, as they are on
    x86 (the axiom `pgdat_is_on_its_own_node` asks for more than that kernel does).

    Parameters: the boot blocks with holes, and those that span several zones.
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
        more=(("MemoryDevice", len(devices)),),
        tables=(
            ("node_of", tuple((board.nodes - 1) * (b in others) for b in blocks)),
            ("in_range", tuple(int(device_of[b] == m) for m in devices for b in blocks)),
            ("memmap_host", tuple(0 if b in board.added else b for b in blocks)),
            ("pgdat_section", (0,) * board.nodes),
            ("is_lmb", (int(bool(board.lmb)),) * len(blocks)),
        ),
    ).build(system)


def confine(guest: Guest, nodes: str) -> int:
    """From now on the agent, and who it starts, have memory of these nodes alone (cpuset).

    Returns:
        0 or an errno.  What is theirs on other nodes moves, if it can.
    """
    guest.shell(
        f"test -d {_CPUSET} || {{ mount -t cgroup2 none /sys/fs/cgroup; cd /sys/fs/cgroup;"
        f" echo +cpuset > cgroup.subtree_control; mkdir {_CPUSET};"
        f" echo 1 > {_CPUSET}/cgroup.procs; }}"
    )
    return guest.write(f"{_CPUSET}/cpuset.mems", nodes)


def device_of_block(block: int) -> int:
    """The device that an added block is a part of."""
    return 1 + (block - BOOT_BLOCKS) // BLOCKS_OF_DEVICE


class KernelTarget:
    """A kernel in a guest as a `Target`: a reset boots.  Use it as a context manager."""

    def __init__(self, kernel: Kernel, programs: tuple[str, ...] = ()) -> None:
        if kernel.arch not in BOARDS:
            known = ", ".join(BOARDS)
            raise LabError(f"{kernel.name}: conformance knows guests of {known}, not {kernel.arch}")
        self.kernel = kernel
        self.board = BOARDS[kernel.arch]
        self.programs = programs
        self.guest: Guest | None = None
        self.at_boot: MachineReading
        self.reading: MachineReading
        self.frames_of_block = 0
        self.holders: dict[int, int] = {}

    def __enter__(self) -> KernelTarget:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the guest."""
        if self.guest is not None:
            self.guest.close()
            self.guest = None

    def reset(self, topology: Topology) -> None:
        """Boot.  Raises LabError for another machine than `arrangement`, or other block sizes."""
        if topology.sizes["Block"] != len(self.board.numbers()):
            raise LabError("a kernel boots the machine of `arrangement` alone")
        self.close()
        self.holders = {}
        layout = replace(self.board.layout(), programs=self.programs)
        self.guest = Guest.boot(self.kernel, layout)
        self.at_boot = self.reading = listed(self.guest, "iomem")
        page, size = page_sizes(self.guest)
        self.frames_of_block = size // page
        if size != self.board.block:
            raise LabError(
                f"{self.kernel.name} has blocks of {size // MIB} MiB; conformance knows"
                f" {self.board.architecture} with {self.board.block // MIB} MiB"
            )

    @property
    def booted(self) -> Guest:
        """The guest.  Raises LabError if it is not booted."""
        if self.guest is None:
            raise LabError("the guest is not booted: call `reset` first")
        return self.guest

    def do(self, operation: str, *params: Value) -> int | None:
        """Do it.  Raises ValueError for an operation that a kernel cannot be asked."""
        number = int(params[0])
        if operation == "write_state":
            return self._write(number, "state", str(params[1]))
        if operation == "write_online":
            return self._write(number, "online", str(params[1]))
        if operation == "add_device":
            return self._add(number)
        if operation == "eject_device":
            return None if eject_dimm(self.booted, f"dimm{number}").gone else EBUSY
        if operation == "hold":
            return self._hold(number, str(params[1]))
        if operation == "release":
            return self.booted.release(self.holders.pop(number)) or None
        if operation in ("close", "open"):
            return confine(self.booted, "0" if operation == "close" else "0-1") or None
        raise ValueError(f"a kernel cannot be asked for {operation!r}")

    def has_room(self) -> bool:
        """The last node has memory free that suffices for several holders."""
        free = [n.mem_free_kib or 0 for n in self.reading.nodes if n.number == self.board.nodes - 1]
        return sum(free) * 1024 >= _ROOM_BYTES

    def _hold(self, number: int, kind: str) -> int | None:
        """Have a process of that number hold memory of the last node."""
        words = (kind, str(self.board.nodes - 1), str(_HELD_BYTES))
        answer = self.booted.agent("hold", *words)
        if not answer.code:
            self.holders[number] = int(answer.data)
        return answer.code or None

    def _write(self, block: int, name: str, text: str) -> int | None:
        errno = self.booted.write(f"{_MEMORY}/memory{self.board.numbers()[block]}/{name}", text)
        return ENODEV if errno == ENOENT else errno or None

    def _add(self, device: int) -> int | None:
        """Plug the DIMM at its place, and wait for what the guest tells the firmware."""
        guest, name, size = self.booted, f"dimm{device}", BLOCKS_OF_DEVICE * self.board.block
        guest.events()
        guest.qmp("object-add", qom_type="memory-backend-ram", id=f"{name}-ram", size=size)
        guest.qmp(
            "device_add",
            driver="pc-dimm",
            id=name,
            memdev=f"{name}-ram",
            node=self.board.nodes - 1,
            addr=self.board.more * self.board.block + (device - 1) * size,
        )
        deadline = time.monotonic() + guest.command_limit
        while (left := deadline - time.monotonic()) > 0:
            for event in guest.events(wait=left):
                info = event.get("data", {}).get("info", {})
                about = event["event"] == "ACPI_DEVICE_OST" and info.get("device") == name
                if about and info["source"] in _INSERTION and info["status"] not in _NOT_FINAL:
                    return EBUSY if info["status"] else None
        raise GuestSilent(f"{name} was not taken", guest.last_lines())

    def arranged(self, system: System) -> Topology:
        """The `arrangement` with what only a booted guest tells: holes, and blocks of no zone."""
        ranges = self.at_boot.iomem or ()
        size = self.board.block
        full = {
            block
            for block, number in enumerate(self.board.numbers())
            for start in [number * size]
            if any(r.start <= start and start + size <= r.stop for r in ranges)
        }
        zones = observed(self.at_boot, self.board)["zone"]
        boot = frozenset(range(len(zones))) - self.board.added
        several = [block for block in boot if zones[block] == "none"]
        holes = boot - full
        return arrangement(system, self.board, holes, frozenset(several))

    def observe(self) -> Observation:
        """What sysfs tells, in the words of `expected`."""
        self.reading = listed(self.booted)
        return observed(self.reading, self.board)

    def kernel_memory(self, blocks: Iterable[int]) -> dict[int, tuple[bool, ...]]:
        """Whether the kernel has memory of its own in these online blocks; both: nothing tells."""
        numbers = {self.board.numbers()[block]: block for block in blocks}
        found = kernel_memory(self.booted, numbers, self.frames_of_block)
        return {numbers[number]: told for number, told in found.items()}


def observed(reading: MachineReading, board: Board) -> Observation:
    """What a guest was read to show of its blocks and nodes, in the words of `expected`."""
    shown = {block.number: block for block in reading.blocks}
    blocks = [shown.get(number) for number in board.numbers()]
    told = [_zone_of(block) for block in blocks]
    # A kernel without NUMA shows no node: it has one.
    nodes = {node.number: node for node in reading.nodes} or {0: NodeReading(0)}
    here = [nodes.get(number) for number in range(board.nodes)]
    return {
        "block_device": [block is not None for block in blocks],
        "block_state": [state for state, _ in told],
        "zone": [zone if state == "online" else None for state, zone in told],
        "default_zone": [zone if state == "offline" else None for state, zone in told],
        "node_online": tuple(bool(node and node.online is not False) for node in here),
        "has_memory": tuple(bool(node and node.has_memory is not False) for node in here),
    }


def _zone_of(block: BlockReading | None) -> tuple[str | None, str | None]:
    """The state, and the zone of an online block or the default one of an offline block."""
    if block is None:
        return None, None
    first = (block.valid_zones or ("none",))[0]
    return block.state, _KINDS.get(first, "none")


def expected(machine: Machine) -> Observation:
    """What sysfs would tell of the reference's state; None where it tells nothing."""
    blocks, nodes = range(machine.topology.sizes["Block"]), range(machine.topology.sizes["Node"])
    there = [bool(machine.get("block_device", b)) for b in blocks]
    states = [machine.get("block_state", b) if there[b] else None for b in blocks]
    return {
        "block_device": there,
        "block_state": states,
        "zone": [machine.get("zone", b) if states[b] == "online" else None for b in blocks],
        "default_zone": [
            machine.evaluate("default_zone", b) if states[b] == "offline" else None for b in blocks
        ],
        "node_online": tuple(machine.get("node_online", n) for n in nodes),
        "has_memory": tuple(machine.get("has_memory", n) for n in nodes),
    }


def differences(wanted: Observation, seen: Observation) -> list[str]:
    """Where the two differ, in words.

    >>> differences({"zone": ("kernel", None)}, {"zone": ("movable", None)})
    ['zone of 0: kernel expected, movable seen']
    """
    return [
        f"{name} of {at}: {want} expected, {got} seen"
        for name in wanted
        for at, (want, got) in enumerate(zip(wanted[name], seen[name], strict=True))
        if want != got
    ]
