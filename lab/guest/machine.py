"""What a guest's machine is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ..tools.errors import LabError

__all__ = ["MIB", "GuestMachine", "Node", "VirtioMem"]

MIB = 1024 * 1024


@dataclass(frozen=True)
class Node:
    """A NUMA node at boot: its memory in bytes (0: none yet) and how many CPUs it has."""

    memory: int = 0
    cpus: int = 0


@dataclass(frozen=True)
class VirtioMem:
    """A virtio-mem device: `requested` of `size` bytes are plugged, on `node`."""

    node: int
    size: int
    requested: int = 0


@dataclass(frozen=True)
class GuestMachine:
    """What a guest's machine is made of, and what its kernel is told; sizes in bytes.

    Raises:
        LabError: QEMU or the kernel would make another machine of it.

    The kernel numbers nodes as the firmware's table names them: those with CPUs, then those
    with memory, then the one that a DIMM may come to.  A machine has them in that order, so
    that the numbers here are those of the guest.  An empty node needs `slots` or a device.

    `distances` holds (from, to, distance) for pairs that are not 20 apart (10: the same
    node), each way on its own; `slots` is how many DIMMs can be added, into `hotplug` bytes
    of address space.  `options` are words of the kernel's command line, such as
    ``movable_node`` or ``memory_hotplug.memmap_on_memory=1``; `modules` are loaded at boot.
    `programs` of this machine can be run in the guest, if it has the same architecture; with
    `memhp` so can memhp itself (`Guest.memhp`), in 250 MiB of the guest's memory.
    """

    nodes: tuple[Node, ...] = (Node(memory=512 * MIB, cpus=1),)
    distances: tuple[tuple[int, int, int], ...] = ()
    slots: int = 0
    hotplug: int = 4096 * MIB
    virtio_mem: tuple[VirtioMem, ...] = ()
    options: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    memhp: bool = False

    def __post_init__(self) -> None:
        if not self.nodes or not self.nodes[0].memory or not self.nodes[0].cpus:
            raise LabError("node 0 of a layout needs memory and a CPU: the kernel boots there")
        kinds = [0 if node.cpus else 1 if node.memory else 2 for node in self.nodes]
        if kinds != sorted(kinds) or kinds.count(2) > 1:
            raise LabError(
                "name nodes with CPUs first, then those with memory alone, then at most one with"
                " neither: so the kernel numbers them"
            )
        if 2 in kinds and not (self.slots or self.virtio_mem):
            raise LabError("a node with neither memory nor CPUs needs slots or a virtio-mem device")
        if not 0 <= self.slots <= 256:
            raise LabError(f"a guest has 0 to 256 slots, not {self.slots}")
        if any(node.memory % MIB for node in self.nodes):
            raise LabError("the memory of a node is whole MiB")
        for source, target, distance in self.distances:
            if not {source, target} <= set(range(len(self.nodes))) or not 10 <= distance < 255:
                raise LabError(
                    f"the distance {source, target, distance} names no two nodes of"
                    f" {len(self.nodes)} with a distance from 10 to 254"
                )
        for device in self.virtio_mem:
            if not 0 <= device.node < len(self.nodes):
                raise LabError(f"a virtio-mem device is on node {device.node}, which is not there")

    @property
    def wanted_modules(self) -> tuple[str, ...]:
        """The modules to load: those asked for, and those that devices need."""
        needed = ("virtio_pci", "virtio_mem") if self.virtio_mem else ()
        return tuple(dict.fromkeys((*self.modules, *needed)))
