"""A kernel and the reference, asked the same; and that a difference is told."""

from __future__ import annotations

import errno
import json
from collections import Counter
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import cast

import pytest

from memhp.cli.main import main
from memhp.lab.conform import look
from memhp.lab.conform.board import BOARDS, arrangement
from memhp.lab.conform.look import read_listing, settled
from memhp.lab.conform.results import operations_of
from memhp.lab.conform.scenarios import Scenario, run, scenarios_of
from memhp.lab.conform.shown import differences, expected, observed
from memhp.lab.conform.shrink import shortened
from memhp.lab.conform.target import KernelTarget, Operation
from memhp.lab.conform.walk import again, walk
from memhp.lab.conform.worlds import started_from, worlds
from memhp.lab.guest.guest import Guest, Reply
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.tools.errors import LabError
from memhp.machines.reading.pageflags import FrameKind
from memhp.reference.compile import violated_axioms
from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.topology import Value
from memhp.spec.profiles import as_of
from memhp.spec.system import SYSTEM

REPLAY = Path(__file__).parents[2] / "docs/replays/refused-zone-remembered.json"
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
MOVABLE = 1 << 5 | 1 << 12  # lru and anon (Documentation/admin-guide/mm/pagemap.rst)
ANYTHING = ("kernel", "nothing")
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
    found = settled(reading).frames or {}
    assert {block: {*found[block]} - {FrameKind.movable} for block in blank} == {
        block: {kind} for block, kind in kinds.items()
    }


@pytest.mark.parametrize(
    ("cpus", "counts", "told"),
    [
        ("", (5,), ("nothing",)),
        ("", (5, 4), ANYTHING),
        ("", (5, 4, 4, 5, 5, 5), ("nothing",)),  # at the third look nothing happens
        ("0", (5,), ANYTHING),
    ],
)
def test_lists_of_cpus_tell_only_of_a_quiet_node_in_which_nothing_happens(
    cpus: str, counts: tuple[int, ...], told: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Quiet:
        """A guest whose block 1 has five blank frames, and lists of these lengths."""

        left = cycle(counts)

        def shell(self, command: str) -> Reply:
            return Reply(0, LISTED.replace("node0/cpulist:", f"node0/cpulist:{cpus}"))

        def read(self, path: str) -> str:
            if path == "/proc/version":
                return "Linux version 6.12.0"
            pages = f"pages free 0\n  pagesets\n    cpu: 0\n              count: {next(self.left)}"
            return f"Node 0, zone    DMA32\n  {pages}\n"

    words = {1: {0: 5, MOVABLE: 1}}
    monkeypatch.setattr(look, "words_of", lambda guest, block, frames: words.get(block, {}))
    found = look.kernel_memory(cast(Guest, Quiet()), [1], 6)
    assert found == {1: told}


def test_what_the_board_does_not_have_and_a_block_of_another_node_are_differences() -> None:
    board = BOARDS["x86_64"]
    wanted = observed(read_listing(LISTED), board)
    more = f"{MEMORY}/memory99/state:online\n{MEMORY}/memory99/node1"
    seen = observed(
        read_listing(f"{LISTED.replace('memory33/node1', 'memory33/node0')}\n{more}"), board
    )
    assert differences(wanted, seen) == [
        "node of 5: 1 expected, 0 seen",
        "other_blocks of 0: none expected, 99 seen",
    ]


@pytest.mark.kernel
def test_a_kernel_follows_the_reference(kernel: Kernel) -> None:
    with KernelTarget(kernel) as target:
        report = walk(target, SYSTEM, steps=30, seed=1)
    assert not report.disagreements, str(report)
    assert report.total.determined > 0 == report.tallies["write_state"].allowed


@pytest.mark.kernel
def test_a_foreign_kernel_follows_the_reference(foreign_kernel: Kernel) -> None:
    with KernelTarget(foreign_kernel) as target:
        report = walk(target, SYSTEM, steps=30, seed=1)
    assert not report.disagreements, str(report)
    assert report.total.determined > 0


@pytest.mark.kernel
def test_a_scenario_is_as_predicted(any_kernel: Kernel, scenario: Scenario) -> None:
    try:
        assert scenario in scenarios_of(any_kernel)
    except LabError as error:
        pytest.skip(str(error))
    checks = run(scenario, any_kernel, SYSTEM)
    assert [check for check in checks if not check.agrees] == []
    assert len(checks) > 1


@pytest.mark.kernel
def test_an_image_by_its_path_is_held_as_the_same_kernel_by_its_name(
    kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["lab", "conform", "--kernels", str(kernel.image), "--steps", "3", "--no-scenarios"]
    assert main(words) == 0
    assert f"{kernel.image} ({kernel.version}): 3 steps" in capsys.readouterr().out


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
    monkeypatch.setattr("memhp.lab.conform.scenarios.tool", lambda *words: "")
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


UPPER_FIRST: list[Operation] = [
    ("add_device", (2,)),
    ("add_device", (1,)),
    *[("write_state", (block, "online_movable")) for block in (6, 7, 4, 5)],
    ("eject_device", (1,)),
    ("eject_device", (2,)),
]
"""Two DIMMs of one node that has no memory: the upper comes first, and the lower goes first."""


def test_the_follower_has_no_order_between_added_blocks() -> None:
    system = as_of(SYSTEM, (6, 12))
    topology = arrangement(system, BOARDS["x86_64"])
    assert violated_axioms(SYSTEM, topology) == []
    user = Operations(Machine(system, topology))
    for operation, params in UPPER_FIRST:
        assert getattr(user, operation)(*params)
    listed = Operations(Machine(SYSTEM, topology))
    assert listed.add_device(2).guard == "pgdat_memory_plugged"


@pytest.mark.kernel
def test_the_upper_of_two_dimms_comes_first_and_the_lower_goes_first(kernel: Kernel) -> None:
    with KernelTarget(kernel) as target:
        report = again(target, SYSTEM, UPPER_FIRST)
        assert target.observe()["node_online"] == (True, False)
    assert report.agrees, "\n".join(map(str, report.disagreements))


@pytest.mark.kernel
def test_what_is_pinned_leaves_the_movable_zone(kernel: Kernel) -> None:
    operations = [("add_device", (1,)), ("write_state", (4, "online_movable"))]
    operations += [("hold", (0, "pinned")), ("write_state", (4, "offline")), ("release", (0,))]
    with KernelTarget(kernel) as target:
        report = again(target, SYSTEM, operations)
    assert report.agrees, "\n".join(map(str, report.disagreements))


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
    assert "panic" in lost.why
    assert len(lost.operations) == 3
    assert report.total.steps == 5
    assert not report.agrees


@pytest.mark.kernel
def test_memory_of_a_node_without_memory_cannot_be_had(kernel: Kernel) -> None:
    operations = [("hold", (0, "anon")), ("add_device", (1,)), ("write_state", (4, "online"))]
    operations += [("hold", (1, "locked")), ("release", (1,))]
    with KernelTarget(kernel) as target:
        report = again(target, SYSTEM, operations)
    assert report.agrees, "\n".join(map(str, report.disagreements))
    assert (report.tallies["hold"].determined, report.tallies["hold"].allowed) == (2, 0)
