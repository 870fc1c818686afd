"""QEMU's arguments, and the machines that are refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from memhp.lab.guest.command_line import Ends, arguments, machine_arguments
from memhp.lab.guest.machine import MIB, GuestMachine, Node, VirtioMem
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.tools.errors import LabError

KERNEL = Kernel("own", "x86_64", Path("/k/vmlinuz"))


def values(words: list[str], option: str) -> list[str]:
    """What follows each occurrence of an option."""
    return [after for word, after in pairwise(words) if word == option]


def test_nodes_have_their_memory_and_cpus() -> None:
    words = machine_arguments(
        GuestMachine(nodes=(Node(512 * MIB, 2), Node(256 * MIB, 1), Node(128 * MIB)))
    )
    assert values(words, "-m") == ["896M"]
    assert values(words, "-smp") == ["3"]
    assert values(words, "-numa") == [
        "node,nodeid=0,cpus=0-1,memdev=ram0",
        "node,nodeid=1,cpus=2-2,memdev=ram1",
        "node,nodeid=2,memdev=ram2",
    ]


def test_either_all_distances_are_told_or_none() -> None:
    nodes = (Node(512 * MIB, 1), Node(256 * MIB))
    assert not [w for w in machine_arguments(GuestMachine(nodes=nodes)) if w.startswith("dist")]
    told = [
        w for w in machine_arguments(GuestMachine(nodes, ((0, 1, 30),))) if w.startswith("dist")
    ]
    assert [word.rpartition("=")[2] for word in told] == ["10", "30", "20", "10"]


def test_slots_and_devices_make_room_for_memory_that_comes_later() -> None:
    nodes = (Node(512 * MIB, 1), Node())
    words = machine_arguments(GuestMachine(nodes, slots=3, hotplug=1024 * MIB))
    assert values(words, "-m") == ["512M,slots=3,maxmem=1536M"]
    device = VirtioMem(node=1, size=1024 * MIB, requested=128 * MIB)
    machine = GuestMachine(nodes, virtio_mem=(device,))
    assert machine.wanted_modules == ("virtio_pci", "virtio_mem")
    assert values(machine_arguments(machine), "-device") == [
        "virtio-mem-pci,id=virtiomem0,memdev=vm0,node=1,requested-size=128M"
    ]


def test_the_kernel_gets_its_options_and_both_serial_lines() -> None:
    words = arguments(KERNEL, GuestMachine(options=("movable_node",)), "/i", Ends(5, 6, 7))
    assert values(words, "-append") == [
        "earlyprintk=serial,ttyS0,115200 console=ttyS0 agent=/dev/ttyS1 panic=-1 movable_node",
    ]
    assert values(words, "-serial") == ["chardev:console", "chardev:agent"]
    assert values(words, "-accel") == ["tcg"]
    assert not values(words, "-icount")
    assert "socket,id=agent,fd=6" in words
    assert "-no-reboot" in words


def test_a_guest_may_have_a_clock_of_its_own() -> None:
    words = arguments(KERNEL, GuestMachine(), "/i", Ends(5, 6, 7), "counted")
    assert values(words, "-accel") == ["tcg,thread=single"]
    assert values(words, "-icount") == ["shift=1,sleep=off"]


def test_an_architecture_has_serial_lines_of_its_own() -> None:
    kernel = Kernel("own", "aarch64", Path("/k/vmlinuz"))
    words = arguments(kernel, GuestMachine(), "/i", Ends(5, 6, 7))
    assert values(words, "-append") == ["earlycon console=ttyAMA0 agent=/dev/ttyS0 panic=-1"]
    assert values(words, "-device") == ["pci-serial,chardev=agent"]
    with pytest.raises(LabError, match="no guests of m68k yet"):
        arguments(Kernel("own", "m68k", Path("/k")), GuestMachine(), "/i", Ends(5, 6, 7))


def test_a_machine_without_nodes_is_told_none() -> None:
    words = arguments(Kernel("own", "s390x", Path("/k")), GuestMachine(), "/i", Ends(5, 6, 7))
    assert values(words, "-m") == ["512M"]
    assert not values(words, "-numa")
    for machine in (GuestMachine((Node(512 * MIB, 1), Node(256 * MIB))), GuestMachine(slots=1)):
        with pytest.raises(LabError, match="one node"):
            machine_arguments(machine, numa=False)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ((), "node 0"),
        ((Node(512 * MIB),), "node 0"),
        ((Node(512 * MIB, 1), Node(256 * MIB), Node(256 * MIB, 1)), "CPUs first"),
        ((Node(512 * MIB, 1), Node(), Node()), "at most one"),
        ((Node(512 * MIB, 1), Node()), "needs slots"),
        ((Node(512 * MIB + 1, 1),), "whole MiB"),
    ],
)
def test_a_machine_that_a_guest_would_number_otherwise_is_refused(
    nodes: tuple[Node, ...], said: str
) -> None:
    with pytest.raises(LabError, match=said):
        GuestMachine(nodes)


def test_distances_and_devices_are_of_nodes_that_are_there() -> None:
    with pytest.raises(LabError, match="no two nodes of 1"):
        GuestMachine(distances=((0, 1, 20),))
    with pytest.raises(LabError, match="from 10 to 254"):
        GuestMachine(distances=((0, 0, 255),))
    with pytest.raises(LabError, match="0 to 256 slots, not -1"):
        GuestMachine(slots=-1)
    with pytest.raises(LabError, match="node 2"):
        GuestMachine(virtio_mem=(VirtioMem(2, 128 * MIB),))
