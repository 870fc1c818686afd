"""QEMU's command line for a guest: its machine, its kernel, and the lines to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..kernels.kernel import Kernel
from ..tools.errors import LabError
from .machine import MIB, GuestMachine
from .platforms import platform_of

__all__ = ["Accelerator", "Ends", "arguments", "machine_arguments"]

Accelerator = Literal["tcg", "kvm"]
"""What runs the guest's instructions: software emulation (QEMU's TCG), or KVM."""


@dataclass(frozen=True)
class Ends:
    """The numbers of the open files that QEMU is given."""

    console: int
    agent: int
    monitor: int


def arguments(
    kernel: Kernel, machine: GuestMachine, initramfs: str, ends: Ends, accel: Accelerator = "tcg"
) -> list[str]:
    """QEMU's arguments, without the program."""
    platform = platform_of(kernel.arch)
    line = [platform.early] if platform.early else []
    line += [f"console={platform.console}", f"agent=/dev/{platform.agent}", "panic=-1"]
    made = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    made += ["-machine", platform.machine, "-accel", accel]
    made += ["-cpu", "host" if accel == "kvm" else platform.cpu]
    made += machine_arguments(machine, numa=platform.numa)
    made += ["-kernel", str(kernel.image), "-initrd", initramfs]
    made += ["-append", " ".join((*line, *machine.options))]
    made += ["-add-fd", f"fd={ends.console},set=1"]
    made += ["-chardev", "file,id=console,path=/dev/fdset/1"]
    made += ["-chardev", f"socket,id=agent,fd={ends.agent}", *platform.lines]
    made += ["-chardev", f"socket,id=qmp,fd={ends.monitor}", "-mon", "chardev=qmp,mode=control"]
    return made


def machine_arguments(machine: GuestMachine, *, numa: bool = True) -> list[str]:
    """QEMU's arguments for memory, CPUs and nodes.

    Args:
        machine: what the machine is made of.
        numa: whether machines of the architecture have nodes.

    Raises:
        LabError: the machine has what a machine without nodes cannot have.

    >>> machine_arguments(GuestMachine())[:4]
    ['-m', '512M', '-smp', '1']
    """
    cpus = sum(node.cpus for node in machine.nodes)
    memory = f"{sum(node.memory for node in machine.nodes) // MIB}M"
    if machine.slots or machine.virtio_mem:
        room = machine.hotplug + sum(2 * device.size for device in machine.virtio_mem)
        room += sum(node.memory for node in machine.nodes)
        memory += f",slots={machine.slots},maxmem={room // MIB}M"
    made = ["-m", memory, "-smp", str(cpus)]
    if not numa:
        if len(machine.nodes) > 1 or machine.slots or machine.virtio_mem:
            raise LabError("this machine has one node, no DIMM slots and no virtio-mem")
        return made
    first = 0
    for number, node in enumerate(machine.nodes):
        words = f"node,nodeid={number}"
        if node.cpus:
            last = first + node.cpus - 1
            words += f",cpus={first}-{last}"
            first += node.cpus
        if node.memory:
            made += ["-object", f"memory-backend-ram,id=ram{number},size={node.memory // MIB}M"]
            words += f",memdev=ram{number}"
        made += ["-numa", words]
    made += _distance_arguments(machine)
    for number, device in enumerate(machine.virtio_mem):
        made += ["-object", f"memory-backend-ram,id=vm{number},size={device.size // MIB}M"]
        made += [
            "-device",
            f"virtio-mem-pci,id=virtiomem{number},memdev=vm{number},node={device.node},"
            f"requested-size={device.requested // MIB}M",
        ]
    return made


def _distance_arguments(machine: GuestMachine) -> list[str]:
    """All distances, because QEMU takes every one of them or none."""
    if not machine.distances:
        return []
    given = {(source, target): distance for source, target, distance in machine.distances}
    numbers = range(len(machine.nodes))
    made: list[str] = []
    for source in numbers:
        for target in numbers:
            usual = 10 if source == target else 20
            distance = given.get((source, target), usual)
            made += ["-numa", f"dist,src={source},dst={target},val={distance}"]
    return made
