"""That what a kernel does otherwise is told: kernels on paper, and no guest."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from memhp.lab.conform import lmbs
from memhp.lab.conform.board import BOARDS, arrangement
from memhp.lab.conform.deviations import RefusedZones
from memhp.lab.conform.follow import Follower
from memhp.lab.conform.look import Own, read_listing
from memhp.lab.conform.report import Disagreement, Report
from memhp.lab.conform.scenarios import SCENARIOS, Check, run
from memhp.lab.conform.shown import expected, observed
from memhp.lab.conform.target import NOWHERE, KernelTarget, Operation
from memhp.lab.conform.walk import again, walk
from memhp.lab.conform.worlds import started_from
from memhp.lab.guest.guest import Guest, Reply
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.tools.errors import LabError
from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.target import Observation
from memhp.reference.topology import Value
from memhp.spec.profiles import LINUX, as_of, system_of
from memhp.spec.system import SYSTEM

MEMORY, NODE = "sys/devices/system/memory", "sys/devices/system/node"
AT_BOOT = read_listing(
    "\n".join(
        [f"{MEMORY}/block_size_bytes:8000000", f"{NODE}/online:0", f"{NODE}/has_memory:0"]
        + [f"{NODE}/node0/cpulist:0"]
        + [f"{MEMORY}/memory{block}/state:online" for block in range(4)]
        + [f"{MEMORY}/memory{block}/valid_zones:DMA32" for block in range(4)]
        + [f"{MEMORY}/memory{block}/node0" for block in range(4)]
    ),
    {"proc/iomem": b"00000000-1fffffff : System RAM\n"},
)
PAPER = Kernel("paper", "x86_64", Path(), version="6.12.1")
PLUGGED: tuple[Operation, ...] = (("add_device", (1,)),)


class Silent:
    """A guest that has nothing to say."""

    def last_lines(self) -> tuple[str, ...]:
        return ()


class Paper(KernelTarget):
    """A kernel that does as the reference does, without any guest."""

    own: Own = "nothing"
    system = as_of(SYSTEM, (6, 12))

    def boot(self) -> None:
        self.holders, self.pinned, self.closed = {}, {}, False
        self.at_boot = AT_BOOT
        topology = arrangement(self.system, self.board, multizone=frozenset())
        fresh = Machine(self.system, topology)
        self.machine = started_from(fresh, observed(AT_BOOT, self.board))

    @property
    def booted(self) -> Guest:
        return cast(Guest, Silent())

    def do(self, operation: str, *params: Value) -> int | None:
        number = int(params[0])
        if operation == "hold":
            if self.closed or not self.machine.get("has_memory", 1):
                return errno.EINVAL
            self.holders[number] = 100 + number
        elif operation == "release":
            del self.holders[number]
        elif operation in ("close", "open"):
            self.closed = operation == "close"
        else:
            done = getattr(Operations(self.machine), operation)(*params)
            return cast("int | None", done.errno)
        return None

    def observe(self) -> Observation:
        return expected(self.machine)

    def has_room(self) -> bool:
        return True

    def kernel_memory(self, blocks: Iterable[int]) -> dict[int, tuple[Own, ...]]:
        return dict.fromkeys(blocks, (self.own,))


def held(target: KernelTarget, *operations: Operation) -> Report:
    return again(target, SYSTEM, operations)


def one(found: Sequence[Disagreement]) -> Disagreement:
    (disagreement,) = found
    return disagreement


def test_a_kernel_that_does_as_the_reference_does_agrees() -> None:
    report = walk(Paper(PAPER), SYSTEM, steps=300, seed=3)
    assert report.agrees, "\n".join(map(str, report.disagreements))
    assert report.total.determined == 300


class Ordered(Paper):
    """A kernel that has a node's pgdat in the node's own memory, as the list asks for."""

    system = SYSTEM


def test_an_order_between_the_added_blocks_of_a_node_is_a_disagreement() -> None:
    upper, lower = ("add_device", (2,)), ("add_device", (1,))
    found = one(held(Ordered(PAPER), upper).disagreements)
    assert (found.kernel, found.reference) == (errno.ENOMEM, (None,))
    ejected = one(held(Ordered(PAPER), lower, upper, ("eject_device", (1,))).disagreements)
    assert (ejected.kernel, ejected.reference) == (errno.EBUSY, (None,))


class Silenced(Paper):
    """A kernel that says of every write that it went well."""

    def do(self, operation: str, *params: Value) -> int | None:
        errno = super().do(operation, *params)
        return None if operation.startswith("write") else errno


def test_a_wrong_errno_is_a_disagreement_and_ends_a_replay() -> None:
    operations = tuple(("write_state", (1, word)) for word in ("", "nonsense", "online"))
    found = one(held(Silenced(PAPER), *operations).disagreements)
    assert found.operations == operations[:2]
    assert (found.kernel, found.reference) == (None, (errno.EINVAL,))
    assert "the kernel: ok; the reference: EINVAL" in str(replace(found, differs=(), console=()))


def test_after_a_disagreement_a_walk_goes_on_with_a_new_guest() -> None:
    report = walk(Silenced(PAPER), SYSTEM, steps=60, seed=1)
    assert len(report.disagreements) > 1
    assert report.total.steps == 60
    assert sum(len(found.operations) for found in report.disagreements) <= 60


def test_kernel_memory_in_the_movable_zone_is_a_disagreement() -> None:
    target = Paper(PAPER)
    target.own = "kernel"
    operations = [("write_state", (4, "online_movable")), ("write_state", (4, "offline"))]
    found = one(held(target, *PLUGGED, *operations).disagreements)
    assert found.reference == ()
    assert "it cannot hold what the pages show" in str(found)


FILLED: tuple[Operation, ...] = (*PLUGGED, ("write_state", (4, "online_kernel")))


class Careless(Paper):
    """A kernel that takes blocks offline whatever its own page words show in them."""

    own: Own = "kernel"


def test_an_offline_of_kernel_memory_is_a_disagreement() -> None:
    found = one(held(Careless(PAPER), *FILLED, ("write_state", (4, "offline"))).disagreements)
    assert (found.kernel, found.reference) == (None, (errno.EBUSY,))
    assert found.held == ("block 4 held: kernel",)


@pytest.mark.parametrize("own", ["kernel", "boot"])
def test_an_ejection_may_meet_kernel_memory_that_goes_but_what_boot_reserved_never_goes(
    own: Own,
) -> None:
    target = Careless(PAPER)
    target.own = own
    report = held(target, *FILLED, ("eject_device", (1,)))
    assert report.agrees == (own == "kernel")
    if report.agrees:
        assert report.tallies["eject_device"].changed == 1
        (line,) = report.changes
        assert "ok, the reference EBUSY: block 4 held kernel, then free" in line


def test_a_kernel_whose_ejections_never_meet_kernel_memory_does_not_agree() -> None:
    report = held(Careless(PAPER), *(*FILLED, ("eject_device", (1,))) * 2)
    assert report.tallies["eject_device"].changed == 2
    assert not report.agrees


class Changing(Paper):
    """A kernel whose memory is in a block at every other look."""

    looks = 0

    def kernel_memory(self, blocks: Iterable[int]) -> dict[int, tuple[Own, ...]]:
        asked = list(blocks)
        self.looks += bool(asked)
        return dict.fromkeys(asked, ("kernel" if self.looks % 2 else "nothing",))


def test_what_a_second_look_does_not_show_any_more_is_a_change() -> None:
    operations = [("write_state", (4, "online_movable")), ("write_state", (4, "offline"))]
    report = held(Changing(PAPER), *PLUGGED, *operations)
    assert report.tallies["write_state"].changed == 1
    assert "block 4 held kernel, then free" in report.changes[0]


class Moved(Paper):
    """A kernel that shows a block on another node than the board has it on."""

    def observe(self) -> Observation:
        shown = dict(super().observe())
        return {**shown, "node": [0 if node == 1 else node for node in shown["node"]]}


def test_a_block_on_another_node_is_a_disagreement() -> None:
    found = one(held(Moved(PAPER), *PLUGGED).disagreements)
    assert "node of 4: 1 expected, 0 seen" in found.differs


class Astray(Paper):
    """A kernel that pins in block 4, whatever that is."""

    where = 4

    def do(self, operation: str, *params: Value) -> int | None:
        errno = super().do(operation, *params)
        if operation == "hold":
            self.pinned[0] = frozenset([self.where])
        return errno


@pytest.mark.parametrize("brought", [(4, "online_movable"), (5, "online_kernel")])
def test_what_is_pinned_in_the_movable_zone_or_in_an_offline_block_is_a_disagreement(
    brought: tuple[int, str],
) -> None:
    operations = (*PLUGGED, ("write_state", brought), ("hold", (0, "pinned")))
    found = one(held(Astray(PAPER), *operations).disagreements)
    assert "block 4 held: pinned" in str(found)


def test_what_is_pinned_outside_of_the_board_is_a_disagreement() -> None:
    target = Astray(PAPER)
    target.where = NOWHERE
    found = one(held(target, *FILLED, ("hold", (0, "pinned"))).disagreements)
    assert found.held == (f"block {NOWHERE} held: pinned",)


def test_a_kernel_without_memory_blocks_is_said_not_to_show_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def listed(*words: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "block_size_bytes")

    monkeypatch.setattr("memhp.lab.conform.target.Guest.boot", lambda *words: Silent())
    monkeypatch.setattr("memhp.lab.conform.target.listed", listed)
    with pytest.raises(LabError, match=r"paper does not show its memory blocks .*block_size_bytes"):
        KernelTarget(PAPER).boot()


class Generous(Paper):
    """A kernel that gives memory of a node that has none."""

    def do(self, operation: str, *params: Value) -> int | None:
        return None if operation == "hold" else super().do(operation, *params)


def test_memory_of_a_node_without_memory_is_a_disagreement() -> None:
    found = one(held(Generous(PAPER), ("hold", (0, "anon"))).disagreements)
    assert found.reference == (errno.EINVAL,)


class Spoiling(Paper):
    """A kernel that loses what was written to memory."""

    def do(self, operation: str, *params: Value) -> int | None:
        errno_ = super().do(operation, *params)
        return errno.EIO if operation == "release" else errno_


def test_memory_that_is_not_as_it_was_is_a_disagreement() -> None:
    operations: list[Operation] = [("write_state", (4, "online")), ("hold", (0, "anon"))]
    found = one(held(Spoiling(PAPER), *PLUGGED, *operations, ("release", (0,))).disagreements)
    assert (found.kernel, found.reference) == (errno.EIO, (None,))


class Illegible(Paper):
    """A kernel that shows what cannot be read."""

    def do(self, operation: str, *params: Value) -> int | None:
        raise FileNotFoundError(errno.ENOENT, "gone", "state")


def test_a_walk_that_loses_one_guest_after_the_other_ends_with_its_report() -> None:
    report = walk(Illegible(PAPER), SYSTEM, steps=20, seed=2)
    assert ["gone" in lost.why for lost in report.lost] == [True] * 5
    assert [len(lost.operations) for lost in report.lost] == [1] * 5
    assert not report.agrees


def test_a_scenario_that_cannot_go_on_is_a_check_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def checks(follower: Follower) -> Iterator[Check]:
        yield Check("a first thing", "1", "1")
        raise KeyError("something")

    monkeypatch.setattr("memhp.lab.conform.scenarios.KernelTarget", Paper)
    played = run(replace(SCENARIOS[0], checks=checks), PAPER, SYSTEM)
    assert [check.agrees for check in played] == [True, False, True]
    assert "something" in played[1].seen


class Offering(Silent):
    """A guest whose LMBs come online when they are offered, and go together when asked back."""

    shown = ""

    def qmp(self, command: str, **arguments: object) -> None:
        self.shown = {"device_add": "online\nonline\n", "device_del": ""}.get(command, self.shown)

    def shell(self, command: str) -> Reply:
        return Reply(0, self.shown)


def test_lmbs_go_as_linux_lets_them_and_not_as_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list has the node's pgdat in one of them, which leaves last."""
    guest = cast(Guest, Offering())
    monkeypatch.setattr(Paper, "booted", guest)
    monkeypatch.setattr(
        lmbs, "kernel_memory", lambda guest, blocks, frames: dict.fromkeys(blocks, ("nothing",))
    )
    follower = Follower(Paper(PAPER), SYSTEM)
    follower.target.board, follower.target.frames_of_block = BOARDS["ppc64le"], 1
    checks = list(lmbs.lmbs_come_and_go(follower))
    assert [check.seen for check in checks] == ["['online', 'online']", "[]"]
    assert all(check.agrees for check in checks)


def test_a_zone_that_was_refused_is_forgotten_once_the_block_was_offline() -> None:
    machine = Machine(system_of(LINUX), arrangement(system_of(LINUX), BOARDS["x86_64"]))
    user, notes = Operations(machine), RefusedZones()
    assert user.add_device(1)
    assert user.write_state(4, "online_movable")
    assert user.write_state(5, "online_kernel")
    assert machine.step("alloc_kernel", 5)
    for name, *params in (("write_state", 4, "online_kernel"), ("eject_device", 1)):
        before, done = machine.copy(), notes.of(machine)
        assert not getattr(done, name)(*params)
        notes.note((name, tuple(params)), before, done)
        assert notes.zones == ({4: "kernel"} if name == "write_state" else {})
