"""A guest is recorded and its blocks are tried: what is judged of it comes true."""

from __future__ import annotations

from pathlib import Path

import pytest

from memhp.lab.guest.devices import add_dimm, wait_for_blocks
from memhp.lab.guest.guest import Guest
from memhp.lab.guest.machine import MIB, GuestMachine, Node
from memhp.lab.guest.snapshot import block_states, page_sizes, words_of
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.records.trial import try_all, try_block
from memhp.machines.judging.offline import judge
from memhp.machines.reading.pageflags import KPF_BUDDY
from memhp.machines.reading.sysfs import read_machine
from memhp.spec.system import SYSTEM

pytestmark = pytest.mark.kernel

MEMORY = "/sys/devices/system/memory"
LONG = 100
"""Seconds for what is done at once, less than the guest's limit for commands."""


def test_a_fresh_guest_does_as_it_is_judged(kernel: Kernel, tmp_path: Path) -> None:
    machine = GuestMachine(nodes=(Node(512 * MIB, 1), Node(256 * MIB)))
    with Guest.boot(kernel, machine) as guest:
        assert guest.hold("kernel", 8 * MIB, node=1)[0] == 0
        path = tmp_path / "guest.tar.gz"
        path.write_bytes(try_all(guest))
    reading = read_machine(path)
    judged = judge(reading, SYSTEM)
    assert reading.outcomes is not None
    assert reading.outcomes.keys() == {each.number for each in judged}
    assert [each for each in judged if each.agrees(reading.outcomes[each.number]) is False] == []
    assert {each.verdict for each in judged} >= {"no"}
    assert reading.page_size == 4096


@pytest.fixture(scope="module")
def added(guest: Guest) -> int:
    """A block in ZONE_MOVABLE, alone on its node."""
    before = block_states(guest).keys()
    add_dimm(guest, "added", node=2, size=128 * MIB)
    (block,) = wait_for_blocks(guest, len(before) + 1).keys() - before
    assert guest.write(f"{MEMORY}/memory{block}/state", "online_movable") == 0
    return block


@pytest.mark.parametrize("patience", [None, LONG])
def test_a_block_that_went_is_back_in_its_zone(
    guest: Guest, added: int, patience: int | None
) -> None:
    assert try_block(guest, added, patience=patience) == "done"
    assert guest.read(f"{MEMORY}/memory{added}/valid_zones") == "Movable\n"
    assert try_block(guest, 0, patience=patience) == "EINVAL"


def test_an_offline_that_lasts_is_given_up(guest: Guest, added: int) -> None:
    error, holder = guest.hold("spliced", 4 * MIB, node=2)
    assert error == 0
    assert try_block(guest, added, patience=2) == "EINTR"
    assert guest.release(holder) == 0
    assert try_block(guest, added, patience=LONG) == "done"


def test_page_words_count_every_frame(guest: Guest) -> None:
    page, size = page_sizes(guest)
    words = words_of(guest, 4, size // page)
    assert words.total() == size // page
    assert words[1 << KPF_BUDDY] > 0
