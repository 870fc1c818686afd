"""A kernel and the reference, asked the same; and that a difference is told."""

from __future__ import annotations

import errno
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from memhp.machines.lab import Kernel, LabError
from memhp.machines.lab.conform.board import BOARDS, arrangement
from memhp.machines.lab.conform.look import read_listing, settled
from memhp.machines.lab.conform.results import operations_of
from memhp.machines.lab.conform.scenarios import scenarios_of
from memhp.machines.lab.conform.shown import differences, expected, observed
from memhp.machines.lab.conform.shrink import shortened
from memhp.machines.lab.conform.target import KernelTarget, Operation
from memhp.machines.lab.conform.walk import again, walk
from memhp.machines.lab.conform.worlds import started_from, worlds
from memhp.machines.pageflags import FrameKind
from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.topology import Value
from memhp.spec.profiles import as_of
from memhp.spec.system import SYSTEM

REPLAY = Path(__file__).parents[3] / "docs/replays/refused-zone-remembered.json"
MEMORY, NODES = "sys/devices/system/memory", "sys/devices/system/node"
STATES = {
    0: ("online", "none"),
    1: ("online", "DMA32"),
    2: ("offline", "Normal Movable"),
    3: ("online", "DMA32"),
    32: ("online", "Movable"),
    33: ("offline", "Movable Normal"),
    34: ("online", "Movable"),
    35: ("offline", "Normal Movable"),
}
LISTED = "\n".join(
    [f"{NODES}/node0/cpulist:"]
    + [f"{MEMORY}/block_size_bytes:8000000", f"{NODES}/online:0-1", f"{NODES}/has_memory:0-1"]
    + [f"{MEMORY}/memory{block}/state:{state}" for block, (state, _) in STATES.items()]
    + [f"{MEMORY}/memory{block}/valid_zones:{zones}" for block, (_, zones) in STATES.items()]
    + [f"{MEMORY}/memory{block}/node{int(block >= 32)}" for block in STATES]
)


def test_a_listing_is_what_the_reference_shows_once_it_was_led_there() -> None:
    seen = observed(read_listing(LISTED), BOARDS["x86_64"])
    machine = started_from(Machine(SYSTEM, arrangement(SYSTEM, BOARDS["x86_64"])), seen)
    assert differences(expected(machine), seen) == []
    assert Operations(machine).write_state(5, "online")
    assert machine.get("zone", 5) == "movable"


@pytest.mark.parametrize(
    ("blank", "listed", "kinds"),
    [
        ({1: 5, 3: 2}, 7, {1: FrameKind.free, 3: FrameKind.free}),  # all are on lists of CPUs
        ({1: 900, 3: 2}, 7, {1: FrameKind.kernel, 3: FrameKind.blank}),
        ({1: 9, 3: 2}, 7, {1: FrameKind.blank, 3: FrameKind.blank}),  # some are between two lists
        ({1: 6, 3: 2}, 7, {1: FrameKind.blank, 3: FrameKind.blank}),  # one is not
    ],
)
def test_blank_frames_are_told_by_what_the_lists_of_cpus_hold(
    blank: dict[int, int], listed: int, kinds: dict[int, FrameKind]
) -> None:
    zoneinfo = f"Node 0, zone    DMA32\n  pagesets\n    cpu: 0\n              count: {listed}\n"
    reading = replace(
        read_listing(LISTED, {"proc/zoneinfo": zoneinfo.encode()}),
        frames={
            block: Counter({FrameKind.blank: count, FrameKind.movable: 1})
            for block, count in blank.items()
        },
    )
    busy = replace(reading, nodes=tuple(replace(node, cpus=(0,)) for node in reading.nodes))
    assert settled(busy) == busy
    found = settled(reading).frames or {}
    assert {block: {*found[block]} - {FrameKind.movable} for block in blank} == {
        block: {kind} for block, kind in kinds.items()
    }


@pytest.mark.kernel
def test_a_kernel_follows_the_reference(kernel: Kernel) -> None:
    with KernelTarget(kernel) as target:
        report = walk(target, SYSTEM, steps=30, seed=1)
    assert not report.disagreements, str(report)
    assert report.total.determined > 0 == report.tallies["write_state"].allowed


class Silenced(KernelTarget):
    """A kernel that says of every write that it went well."""

    def do(self, operation: str, *params: Value) -> int | None:
        errno = super().do(operation, *params)
        return None if operation.startswith("write") else errno


@pytest.mark.kernel
def test_a_wrong_errno_is_a_disagreement(kernel: Kernel) -> None:
    with Silenced(kernel) as target:
        report = walk(target, SYSTEM, steps=30, seed=1)
    found = next(each for each in report.disagreements if each.operations[-1][0] == "write_state")
    assert found.kernel is None
    assert None not in found.reference
    assert "the kernel: ok; the reference: EINVAL" in str(replace(found, differs=(), console=()))


class Filled(KernelTarget):
    """A kernel that has memory of its own in every block, the movable ones too."""

    def kernel_memory(self, blocks: Iterable[int]) -> dict[int, tuple[bool, ...]]:
        return dict.fromkeys(blocks, (True,))


@pytest.mark.kernel
def test_kernel_memory_in_the_movable_zone_is_a_disagreement(kernel: Kernel) -> None:
    operations = [("add_device", (1,)), ("write_state", (4, "online_movable"))]
    with Filled(kernel) as target:
        (found,) = again(
            target, SYSTEM, [*operations, ("write_state", (4, "offline"))]
        ).disagreements
    assert found.reference == ()
    assert "it cannot hold what the pages show" in str(found)


@pytest.mark.kernel
def test_a_closed_node_gives_processes_nothing_until_it_is_opened(kernel: Kernel) -> None:
    operations = [
        ("add_device", (1,)),
        ("write_state", (4, "online")),
        ("close", (1,)),
        ("hold", (0, "anon")),
        ("open", (1,)),
        ("hold", (1, "anon")),
    ]
    with Heard(kernel) as target:
        report = again(target, SYSTEM, operations)
    assert report.agrees, "\n".join(map(str, report.disagreements))
    assert target.answers == [None, None, None, errno.EINVAL, None, None]
    assert report.total.determined == len(operations)


class Heard(KernelTarget):
    """A kernel whose answers are kept."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.answers: list[int | None] = []

    def do(self, operation: str, *params: Value) -> int | None:
        self.answers.append(super().do(operation, *params))
        return self.answers[-1]


@pytest.mark.kernel
def test_a_zone_that_was_refused_is_remembered_and_said_to_be_a_deviation(kernel: Kernel) -> None:
    operations = operations_of(json.loads(REPLAY.read_text()))
    with Heard(kernel) as target:
        report = again(target, SYSTEM, operations)
        if errno.EBUSY in target.answers:
            pytest.skip("the kernel keeps memory of its own in the block: it stays online")
        assert target.observe()["zone"][4] == "movable"
    assert report.agrees, "\n".join(map(str, report.disagreements))
    assert report.deviations == {"refused-zone-remembered": 1}


def test_a_disagreement_is_shortened_to_what_it_takes() -> None:
    steps = tuple(("write_state", (number, "offline")) for number in range(100))
    asked = []

    def same(some: tuple[Operation, ...]) -> bool:
        asked.append(some)
        return {steps[60], steps[70], steps[99]} <= {*some} and some[-1] == steps[99]

    short = shortened(steps, same, lambda: False)
    assert short == (steps[60], steps[70], steps[99])
    assert len(asked) < 60
    assert shortened(steps, same, lambda: True) == steps


def test_what_a_scenario_needs_is_asked_for_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    monkeypatch.setattr("memhp.machines.lab.conform.scenarios.tool", lambda *words: "")
    assert scenarios_of(Kernel("s390x-6.1", "s390x", tmp_path))
    with pytest.raises(LabError, match="fetch --selftest x86_64"):
        scenarios_of(Kernel("x86_64-6.1", "x86_64", tmp_path))


@pytest.mark.parametrize("zone", ["kernel", "movable"])
@pytest.mark.parametrize("version", [(5, 12), (5, 13)])
def test_pinned_pages_keep_a_block_and_where_they_may_be_depends_on_the_version(
    zone: str, version: tuple[int, int]
) -> None:
    system = as_of(SYSTEM, version)
    machine = Machine(system, arrangement(system, BOARDS["x86_64"]))
    user = Operations(machine)
    assert user.add_device(1)
    assert user.write_state(4, f"online_{zone}")
    led = [*worlds(machine, {4: ("pinned", "free")})]
    outcomes = [Operations(world).write_state(4, "offline").errno for world in led]
    pinned = zone == "kernel" or version < (5, 13)
    assert outcomes == [errno.EINTR, None][not pinned :]


@pytest.mark.kernel
def test_what_is_pinned_leaves_the_movable_zone_or_is_a_disagreement(kernel: Kernel) -> None:
    operations = [("add_device", (1,)), ("write_state", (4, "online_movable"))]
    operations += [("hold", (0, "pinned")), ("write_state", (4, "offline")), ("release", (0,))]
    with KernelTarget(kernel) as target:
        report = again(target, SYSTEM, operations)
    assert report.agrees, "\n".join(map(str, report.disagreements))
    with Astray(kernel) as target:
        (found,) = again(target, SYSTEM, operations[:3]).disagreements
    assert "block 4 held: pinned" in str(found)


class Astray(KernelTarget):
    """A kernel that pins where the page was."""

    def do(self, operation: str, *params: Value) -> int | None:
        errno = super().do(operation, *params)
        if operation == "hold":
            self.pinned[0] = frozenset([4])
        return errno


@pytest.mark.kernel
def test_what_is_pinned_in_a_block_that_is_offline_is_a_disagreement(kernel: Kernel) -> None:
    operations = [("add_device", (1,)), ("write_state", (5, "online_kernel"))]
    with Astray(kernel) as target:
        (found,) = again(target, SYSTEM, [*operations, ("hold", (0, "pinned"))]).disagreements
    assert "block 4 held: pinned" in str(found)


@pytest.mark.kernel
def test_kernel_memory_that_was_seen_and_is_gone_allows_what_it_forbade(kernel: Kernel) -> None:
    operations = [("add_device", (1,)), ("write_state", (4, "online_kernel"))]
    with Fleeting(kernel) as target:
        report = again(target, SYSTEM, [*operations, ("write_state", (4, "offline"))])
    assert report.agrees, "\n".join(map(str, report.disagreements))
    assert report.tallies["write_state"].allowed == 1


class Fleeting(KernelTarget):
    """A kernel whose own memory is gone once it was looked at."""

    def kernel_memory(self, blocks: Iterable[int]) -> dict[int, tuple[bool, ...]]:
        return dict.fromkeys(blocks, (True,))


class Lost(KernelTarget):
    """A kernel that panics at the third operation of its first guest."""

    asked = 0

    def do(self, operation: str, *params: Value) -> int | None:
        self.asked += 1
        if self.asked == 3:
            self.booted.write("/proc/sysrq-trigger", "c")
        return super().do(operation, *params)


@pytest.mark.kernel
def test_a_kernel_that_panics_is_reported_and_the_walk_goes_on(kernel: Kernel) -> None:
    with Lost(kernel) as target:
        report = walk(target, SYSTEM, steps=6, seed=2)
    (lost,) = report.lost
    assert "panic" in lost
    assert report.total.steps == 5
    assert not report.agrees


class Generous(KernelTarget):
    """A kernel that gives memory of a node that has none."""

    def do(self, operation: str, *params: Value) -> int | None:
        return None if operation == "hold" else super().do(operation, *params)


@pytest.mark.kernel
def test_memory_of_a_node_without_memory_is_a_disagreement(kernel: Kernel) -> None:
    operations = [("hold", (0, "anon")), ("add_device", (1,)), ("write_state", (4, "online"))]
    operations += [("hold", (1, "locked")), ("release", (1,))]
    with KernelTarget(kernel) as target:
        report = again(target, SYSTEM, operations)
    assert report.agrees, "\n".join(map(str, report.disagreements))
    assert (report.tallies["hold"].determined, report.tallies["hold"].allowed) == (2, 0)
    with Generous(kernel) as target:
        (found,) = again(target, SYSTEM, operations[:1]).disagreements
    assert found.reference == (errno.EINVAL,)
