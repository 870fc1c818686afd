"""QEMU's command line for a guest: its machine, its kernel, and the lines to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..kernels.kernel import Kernel
from ..tools.errors import LabError
from .machine import MIB, GuestMachine
from .platforms import platform_of

__all__ = ["Accelerator", "Ends", "arguments", "machine_arguments"]

Accelerator = Literal["tcg", "kvm", "counted"]
"""What runs the guest's instructions: software emulation (QEMU's TCG), KVM, or emulation that
counts them: then each takes two nanoseconds of the guest's own clock, however busy this machine
is, and time in which the guest waits is passed over.  Give such a guest one CPU: of two, Linux 6.1
waits for the second without end."""

_ACCELERATORS = {
    "tcg": ("-accel", "tcg"),
    "kvm": ("-accel", "kvm"),
    "counted": ("-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off"),
}


@dataclass(frozen=True)
class Ends:
    """The descriptors of the open files that QEMU is given."""

    console: int
    agent: int
    monitor: int


def arguments(
    kernel: Kernel, machine: GuestMachine, initramfs: str, ends: Ends, accel: Accelerator = "tcg"
) -> list[str]:
    """QEMU's arguments, without the program.

    Args:
        kernel: what is booted.
        machine: what the guest's machine is words of.
        initramfs: the path of the archive that it starts with.
        ends: the open files that QEMU is given.
        accel: what runs the guest's instructions.

    Raises:
        LabError: the architecture is not known, or cannot have such a machine.
    """
    platform = platform_of(kernel.arch)
    line = [platform.early] if platform.early else []
    line += [f"console={platform.console}", f"agent=/dev/{platform.agent}", "panic=-1"]
    words = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    words += ["-machine", platform.machine, *_ACCELERATORS[accel]]
    words += ["-cpu", "host" if accel == "kvm" else platform.cpu]
    words += machine_arguments(machine, numa=platform.numa)
    words += ["-kernel", str(kernel.image), "-initrd", initramfs]
    words += ["-append", " ".join((*line, *machine.options))]
    words += ["-add-fd", f"fd={ends.console},set=1"]
    words += ["-chardev", "file,id=console,path=/dev/fdset/1"]
    words += ["-chardev", f"socket,id=agent,fd={ends.agent}", *platform.lines]
    words += ["-chardev", f"socket,id=qmp,fd={ends.monitor}", "-mon", "chardev=qmp,mode=control"]
    return words


def machine_arguments(machine: GuestMachine, *, numa: bool = True) -> list[str]:
    """QEMU's arguments for memory, CPUs and nodes.

    Args:
        machine: what the machine is words of.
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
    words = ["-m", memory, "-smp", str(cpus)]
    if not numa:
        if len(machine.nodes) > 1 or machine.slots or machine.virtio_mem:
            raise LabError("this machine has one node, no DIMM slots and no virtio-mem")
        return words
    first = 0
    for number, node in enumerate(machine.nodes):
        text = f"node,nodeid={number}"
        if node.cpus:
            last = first + node.cpus - 1
            text += f",cpus={first}-{last}"
            first += node.cpus
        if node.memory:
            words += ["-object", f"memory-backend-ram,id=ram{number},size={node.memory // MIB}M"]
            text += f",memdev=ram{number}"
        words += ["-numa", text]
    words += _distance_arguments(machine)
    for number, device in enumerate(machine.virtio_mem):
        words += ["-object", f"memory-backend-ram,id=vm{number},size={device.size // MIB}M"]
        words += [
            "-device",
            f"virtio-mem-pci,id=virtiomem{number},memdev=vm{number},node={device.node},"
            f"requested-size={device.requested // MIB}M",
        ]
    return words


def _distance_arguments(machine: GuestMachine) -> list[str]:
    """All distances, because QEMU takes every one of them or none."""
    if not machine.distances:
        return []
    distances = {(source, target): distance for source, target, distance in machine.distances}
    numbers = range(len(machine.nodes))
    words: list[str] = []
    for source in numbers:
        for target in numbers:
            usual = 10 if source == target else 20
            distance = distances.get((source, target), usual)
            words += ["-numa", f"dist,src={source},dst={target},val={distance}"]
    return words
