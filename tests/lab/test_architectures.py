"""Guests of other architectures: they boot, say what they have, and memory comes and goes."""

from __future__ import annotations

import errno
import re

import pytest

from memhp.lab.guest.devices import add_dimm, eject_dimm
from memhp.lab.guest.guest import Guest
from memhp.lab.guest.machine import MIB, GuestMachine, Node
from memhp.lab.guest.platforms import platform_of
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.tools.errors import GuestSilent

from .conftest import soon

pytestmark = pytest.mark.kernel

MEMORY = "/sys/devices/system/memory"
NODE = "/sys/devices/system/node"


def states(guest: Guest) -> dict[int, str]:
    """The state of each block."""
    said = guest.shell(f"cd {MEMORY} && grep -H . memory[0-9]*/state").out
    return {int(n): state for n, state in re.findall(r"memory(\d+)/state:(\w+)", said)}


def test_a_foreign_guest_says_what_it_is(foreign_kernel: Kernel) -> None:
    with Guest.boot(foreign_kernel) as guest:
        assert guest.shell("uname -m").out.strip() == foreign_kernel.arch
        assert guest.shell("uname -r").out.strip() == foreign_kernel.version
        last = f"{MEMORY}/memory{max(states(guest))}"
        assert guest.write(f"{last}/state", "sideways") == errno.EINVAL
        error, holder = guest.hold("pinned", 16 * MIB)
        assert (error, holder > 1) == (0, True)
        assert guest.release(holder) == 0


def test_blocks_of_zone_movable_go_offline_and_come_back(foreign_kernel: Kernel) -> None:
    slots = 1 if platform_of(foreign_kernel.arch).numa else 0
    machine = GuestMachine(nodes=(Node(2048 * MIB, 1),), slots=slots, options=("kernelcore=512M",))
    with Guest.boot(foreign_kernel, machine) as guest:
        before = states(guest)
        assert set(before.values()) == {"online"}
        listed = guest.shell(f"cd {MEMORY} && grep -lx Movable memory[0-9]*/valid_zones").out
        movable = [int(number) for number in re.findall(r"memory(\d+)/", listed)]
        answers = {n: guest.write(f"{MEMORY}/memory{n}/state", "offline") for n in movable}
        went = [number for number, answer in answers.items() if answer == 0]
        if foreign_kernel.arch == "aarch64":  # memory of the boot stays (arch/arm64/mm/mmu.c)
            assert set(answers.values()) <= {errno.EPERM, errno.EBUSY}
        else:
            assert went
            assert set(answers.values()) <= {0, errno.EBUSY}
        assert states(guest) == before | dict.fromkeys(went, "offline")
        for number in went:
            assert guest.write(f"{MEMORY}/memory{number}/state", "online_movable") == 0
        assert states(guest) == before


def with_a_dimm(kernel: Kernel, *options: str) -> Guest:
    """A guest whose second node has a DIMM and nothing else."""
    options = ("memhp_default_state=offline", *options)
    machine = GuestMachine(nodes=(Node(512 * MIB, 1), Node()), slots=1, options=options)
    guest = Guest.boot(kernel, machine)
    try:
        add_dimm(guest, "d0", node=1, size=256 * MIB)
        guest.shell(f"until grep -q 1 {NODE}/has_memory; do sleep 0.05; done")
    except BaseException:
        guest.close()
        raise
    return guest


def test_a_node_of_ppc64le_comes_and_goes_with_its_dimm(pseries_kernel: Kernel) -> None:
    with with_a_dimm(pseries_kernel, "movable_node") as guest:
        assert guest.read(f"{NODE}/online").strip() == "0-1"
        (block,) = guest.shell(f"cd {NODE}/node1 && ls -d memory[0-9]*").out.split()
        state = f"{MEMORY}/{block}/state"
        assert guest.read(state) == "online\n"  # whatever memhp_default_state= says
        assert guest.write(state, "offline") == 0
        assert guest.write(state, "online_movable") == 0
        assert eject_dimm(guest, "d0").gone
        assert guest.read(f"{NODE}/online").strip() == "0"
        assert guest.shell(f"ls {MEMORY}/{block}").rc != 0


def test_a_refusal_of_ppc64le_is_told_by_its_console_alone(pseries_kernel: Kernel) -> None:
    with with_a_dimm(pseries_kernel) as guest:
        assert guest.hold("kernel", 32 * MIB, node=1)[0] == 0
        with pytest.raises(GuestSilent, match="neither ejected nor refused") as caught:
            eject_dimm(guest, "d0", limit=4.0)
        assert caught.value.console
        assert soon(lambda: any("count-remove failed" in line for line in guest.console()))
        assert guest.read(f"{NODE}/online").strip() == "0-1"
