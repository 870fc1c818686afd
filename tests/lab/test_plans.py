"""Plans, made and done in a real kernel: they go through, are refused, or are taken back.

One guest for all, which counts its instructions: each test leaves its machine as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from memhp.lab.guest.guest import HoldKind
from memhp.lab.guest.machine import MIB
from memhp.lab.kernels.kernel import Kernel

from ..bench.plan_guests import JOURNAL, MACHINE, PLAN, Bench, Start, kill, states_in, zones_in

START = Start((("anon", 100, 1), ("cache", 30, 1)), thp="never")
WHOLE = "/tmp/whole.json"

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("plans")]


@pytest.fixture(scope="module")
def bench(kernel: Kernel) -> Iterator[Bench]:
    """A guest whose node 1 came with a DIMM, and holds memory of processes."""
    machine = replace(MACHINE, modules=("fuse",))
    with Bench.of(kernel, machine, dimms=4) as made, made.started(START):
        yield made
        assert made.intact()


@pytest.fixture(scope="module")
def whole(bench: Bench) -> Mapping[str, Any]:
    """The plan to take all of node 1, made before anything is done."""
    plan = bench.plan("--node", "1")
    bench.guest.shell(f"cp {PLAN} {WHOLE}")
    return plan


@pytest.fixture(autouse=True)
def as_before(bench: Bench, whole: Mapping[str, Any]) -> Iterator[None]:
    """That plan is there, and whatever is done, every block is back in its zone afterwards."""
    bench.guest.shell(f"cp {WHOLE} {PLAN}; rm -f {JOURNAL}")
    states, zones = states_in(bench.guest), zones_in(bench.guest)
    yield
    assert states_in(bench.guest) == states
    assert zones_in(bench.guest) == zones


def held(bench: Bench, kind: HoldKind, mib: int, node: int) -> int:
    error, holder = bench.guest.hold(kind, mib * MIB, node=node)
    assert error == 0
    return holder


def shorten(bench: Bench, seconds: int) -> None:
    """Give each write of the plan so long."""
    document = json.loads(bench.guest.read(PLAN))
    for step in document["steps"]:
        step["limit"] = seconds
    bench.guest.shell(f": >{PLAN}")
    assert bench.guest.write(PLAN, json.dumps(document)) == 0


def test_a_whole_node_goes_while_processes_run_on_it(
    bench: Bench, whole: Mapping[str, Any]
) -> None:
    assert whole["verdict"] == "can"
    assert whole["left"]["memoryless_nodes"] == [1]
    ran = bench.apply()
    assert ran.code == 0, ran
    assert whole["seconds"]["low"] <= bench.seconds() <= whole["seconds"]["high"]
    assert bench.guest.read("/sys/devices/system/node/has_memory") == "0\n"
    assert bench.take_up("undo").code == 0


@pytest.mark.parametrize("seed", range(5))
def test_after_a_kill_it_goes_on_or_back(bench: Bench, seed: int) -> None:
    back = seed % 2 == 0
    found = kill(bench, 30_000 * 2**seed, back=back)
    assert found["described"], found
    assert found["ended"], found
    if not back and bench.history() is not None:
        assert bench.take_up("undo").code == 0


def test_what_holds_a_page_is_found_before_anything_moves(bench: Bench) -> None:
    holder = held(bench, "spliced", 1, 1)
    plan = bench.plan("--node", "1")
    assert plan["verdict"] == "cannot"
    assert bench.apply().code == 2
    assert bench.guest.release(holder) == 0


def test_a_goal_without_room_is_refused(bench: Bench) -> None:
    free = int(bench.guest.read("/sys/devices/system/node/node0/meminfo").split()[8]) >> 10
    holder = held(bench, "locked", free - 200, 0)
    filling = held(bench, "locked", 300, 1)
    assert bench.plan("--node", "1")["verdict"] != "can"
    assert bench.guest.release(filling) == 0
    assert bench.guest.release(holder) == 0


def test_what_is_held_meanwhile_stops_it_and_all_comes_back(bench: Bench) -> None:
    shorten(bench, 1)
    holder = held(bench, "spliced", 1, 1)
    ran = bench.apply("--on-failure", "undo")
    assert ran.code == 1, ran
    assert "did not go" in ran.out
    assert bench.guest.release(holder) == 0


def test_a_store_that_falls_silent_leaves_a_write_that_is_told(bench: Bench) -> None:
    shorten(bench, 1)
    holder = held(bench, "silent", MIB, 1)
    ran = bench.apply()
    assert bench.guest.resume(holder) == 0
    assert ran.code == 3, ran
    assert "hears no signal" in ran.out + ran.err
    bench.guest.shell("sleep 2")
    assert bench.take_up("undo").code == 0
    assert bench.guest.release(holder) == 0
