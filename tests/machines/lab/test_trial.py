"""A guest is recorded and its blocks are tried: what is judged of it comes true."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from memhp.machines.estimate import judge
from memhp.machines.lab import MIB, Guest, Kernel, Layout, Node
from memhp.machines.lab.snapshot import page_sizes, words_of
from memhp.machines.lab.trial import try_all, try_block
from memhp.machines.pageflags import KPF_BUDDY
from memhp.machines.sysfs import read_machine
from memhp.spec.system import SYSTEM

pytestmark = pytest.mark.kernel

MEMORY = "/sys/devices/system/memory"


def test_a_fresh_guest_does_as_it_is_judged(kernel: Kernel, tmp_path: Path) -> None:
    layout = Layout(nodes=(Node(512 * MIB, 1), Node(256 * MIB)))
    with Guest.boot(kernel, layout) as guest:
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


def test_a_block_that_went_is_back_as_it_was(guest: Guest) -> None:
    assert guest.write(f"{MEMORY}/memory5/state", "offline") in (0, errno.EBUSY)
    guest.write(f"{MEMORY}/memory5/state", "online_movable")
    before = guest.read(f"{MEMORY}/memory5/valid_zones")
    assert try_block(guest, 5) == "done"
    assert guest.read(f"{MEMORY}/memory5/valid_zones") == before
    assert try_block(guest, 0) == "EINVAL"
    assert try_block(guest, 5, patience=10) == "done"
    assert try_block(guest, 0, patience=10) == "EINVAL"


def test_a_pinned_block_is_given_up(guest: Guest) -> None:
    error, holder = guest.hold("spliced", 4 * MIB, node=1)
    assert error == 0
    try:
        assert "EINTR" in {try_block(guest, block, patience=2) for block in (4, 5)}
    finally:
        assert guest.release(holder) == 0


def test_page_words_count_every_frame(guest: Guest) -> None:
    page, size = page_sizes(guest)
    words = words_of(guest, 4, size // page)
    assert words.total() == size // page
    assert words[1 << KPF_BUDDY] > 0
