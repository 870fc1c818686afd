"""A plan is done, or given up so that it is known where every block is."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from memhp.machines.applying.apply import Applier, OnFailure
from memhp.machines.applying.checks import Limits
from memhp.machines.applying.journal import History, Journal, history_of
from memhp.machines.applying.planned import PlanError, Planned
from memhp.machines.applying.states import Machine

from .fake import BOOT, Kernel, apply, plan, put, states, tree, zones

BLOCKS = {7: "Normal", 5: "Movable", 6: "Normal", 4: "Movable"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(tmp_path / "machine", BLOCKS)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "it.journal", plan(BLOCKS))


def test_all_blocks_go_in_the_order_of_the_plan(root: Path, journal: Journal) -> None:
    result = apply(journal, root, Kernel())
    assert (result.ending, result.offline) == ("done", (7, 5, 6, 4))
    assert set(states(root).values()) == {"offline"}


def test_undo_brings_each_back_into_the_zone_that_it_had(root: Path, journal: Journal) -> None:
    apply(journal, root, Kernel())
    result = Applier(journal, Machine(root), str, write=Kernel()).undo()
    assert (result.ending, result.offline) == ("undone", ())
    assert set(states(root).values()) == {"online"}
    assert zones(root) == BLOCKS


@pytest.mark.parametrize(
    ("on_failure", "ending", "offline"),
    [
        ("stop", "stopped", {7, 5}),
        ("skip", "stopped", {7, 5, 4}),
        ("undo", "undone", set()),
        ("replan", "stopped", {7, 5}),
    ],
)
def test_a_block_that_refuses_is_told_and_does_what_was_asked(
    root: Path, journal: Journal, on_failure: OnFailure, ending: str, offline: set[int]
) -> None:
    result = apply(journal, root, Kernel(errnos={6: errno.EBUSY}), on_failure=on_failure)
    assert result.ending == ending
    assert set(result.offline) == offline
    assert {block for block, state in states(root).items() if state == "offline"} == offline
    assert "6" in result.why


def test_what_is_left_is_planned_anew(root: Path, journal: Journal, tmp_path: Path) -> None:
    asked = []

    def replan(history: History) -> Planned:
        asked.append((sorted(history.failed), sorted(history.offline)))
        return plan({4: "Movable"})

    kernel = Kernel(errnos={6: errno.EBUSY})
    result = apply(journal, root, kernel, on_failure="replan", replan=replan)
    assert asked == [([6], [5, 7])]
    assert (result.ending, result.offline) == ("done", (7, 5, 4))
    assert set(history_of(tmp_path / "it.journal").offline) == {4, 5, 7}


def test_an_offline_without_end_is_ended_by_a_signal(root: Path, tmp_path: Path) -> None:
    steps = [
        {**step, "limit": 0.05 if step["block"] == 5 else step["limit"]}
        for step in plan(BLOCKS).document["steps"]
    ]
    journal = Journal(tmp_path / "short.journal", plan(BLOCKS, steps=steps))
    result = apply(journal, root, Kernel(hangs=[5]))
    assert result.ending == "stopped"
    assert "block 5 did not go: EINTR; it took more than 0.05 s" in result.why
    assert states(root)[5] == "online"


def test_a_write_that_ends_well_is_not_believed(root: Path, journal: Journal) -> None:
    result = apply(journal, root, Kernel(lies=[5]))
    assert result.ending == "stopped"
    assert "the block says online" in result.why
    assert result.offline == (7,)


def test_pressure_stops_it_before_the_next_step(root: Path, journal: Journal) -> None:
    folder = root / "proc" / "pressure"
    folder.mkdir()
    (folder / "memory").write_text("some avg10=50.00 avg60=0.00\nfull avg10=40.00 avg60=0.00\n")
    result = apply(journal, root, Kernel(), limits=Limits(patience=0))
    assert (result.ending, result.offline) == ("stopped", ())
    assert "40 %" in result.why
    (folder / "memory").write_text("full avg10=0.00 avg60=0.00\n")
    (root / "proc" / "meminfo").write_text("MemAvailable:   10240 kB\n")
    assert "10 MiB" in apply(journal, root, Kernel(), limits=Limits(available=1 << 30)).why
    assert apply(journal, root, Kernel()).ending == "stopped"
    (root / "proc" / "meminfo").write_text("MemAvailable:   1024000 kB\n")
    assert apply(journal, root, Kernel()).ending == "done"


def test_pressure_that_falls_is_waited_for(root: Path, journal: Journal) -> None:
    pressure = root / "proc" / "pressure" / "memory"
    pressure.parent.mkdir()
    pressure.write_text("full avg10=40.00 avg60=0.00\n")
    shown: list[str] = []

    def progress(line: str) -> None:
        shown.append(line)
        pressure.write_text("full avg10=10.00 avg60=0.00\n")

    assert apply(journal, root, Kernel(), progress=progress).ending == "done"
    assert shown[0].startswith("waits, as all tasks waited for memory in 40 %")


def test_it_does_not_wait_for_pressure_once_it_is_asked_to_stop(
    root: Path, journal: Journal
) -> None:
    pressure = root / "proc" / "pressure" / "memory"
    pressure.parent.mkdir()
    pressure.write_text("full avg10=40.00 avg60=0.00\n")
    applier = Applier(journal, Machine(root), str, write=Kernel())
    shown: list[str] = []

    def stop(line: str) -> None:
        shown.append(line)
        applier.stopping = True

    applier.progress = stop
    assert applier.go_on().ending == "interrupted"
    assert len(shown) == 1


def test_it_stops_between_steps_when_it_is_asked_to(root: Path, journal: Journal) -> None:
    applier = Applier(journal, Machine(root), str, write=Kernel())

    def stop(line: str) -> None:
        applier.stopping = True

    applier.tell = stop
    result = applier.go_on()
    assert (result.ending, result.offline) == ("interrupted", (7,))


def change_state(root: Path) -> None:
    put(Machine(root).state_file(6), "offline\n")


def change_zone(root: Path) -> None:
    put(Machine(root).state_file(6).with_name("valid_zones"), "Movable\n")


def change_node(root: Path) -> None:
    (root / "sys/devices/system/node/node0/memory6").rmdir()


def change_size(root: Path) -> None:
    (root / "sys/devices/system/memory/block_size_bytes").write_text("80000000\n")


def change_boot(root: Path) -> None:
    (root / "proc/sys/kernel/random/boot_id").write_text(BOOT.replace("1", "2"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (change_state, "block 6 is offline, not online"),
        (change_zone, "block 6 is in zone Movable, not Normal"),
        (change_node, "block 6 is not on node 0"),
        (change_size, "blocks are of 2147483648 bytes here"),
        (change_boot, "booted since"),
    ],
)
def test_a_machine_that_has_changed_is_refused_before_anything_is_written(
    root: Path, journal: Journal, change: Any, says: str
) -> None:
    change(root)
    before = states(root)
    with pytest.raises(PlanError, match=says):
        apply(journal, root, Kernel())
    assert states(root) == before


def test_a_kernel_without_nodes_links_no_block_from_one(root: Path, journal: Journal) -> None:
    shutil.rmtree(root / "sys/devices/system/node")
    assert apply(journal, root, Kernel()).ending == "done"


def test_a_plan_of_a_record_is_not_done_on_this_machine(root: Path, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "other.journal", plan(BLOCKS, live=False))
    with pytest.raises(PlanError, match="of a record"):
        apply(journal, root, Kernel())


def test_after_a_boot_blocks_that_are_online_again_go_once_more(
    root: Path, journal: Journal
) -> None:
    apply(journal, root, Kernel(errnos={6: errno.EBUSY}))
    change_boot(root)
    for block in (7, 5):
        put(Machine(root).state_file(block), "online\n")
        put(Machine(root).state_file(block).with_name("valid_zones"), f"{BLOCKS[block]}\n")
    assert apply(journal, root, Kernel()).ending == "done"
    assert set(states(root).values()) == {"offline"}


def test_blocks_that_somebody_else_brought_back_are_not_taken_again(
    root: Path, journal: Journal
) -> None:
    apply(journal, root, Kernel(errnos={6: errno.EBUSY}))
    put(Machine(root).state_file(7), "online\n")
    with pytest.raises(PlanError, match="blocks 7 are online again, and it was not memhp"):
        apply(journal, root, Kernel())


def test_moved_bytes_are_held_against_the_plan(root: Path, tmp_path: Path) -> None:
    (root / "proc" / "vmstat").write_text("pgmigrate_success 100\n")

    def write(path: Path, word: str) -> None:
        (root / "proc" / "vmstat").write_text("pgmigrate_success 10100\n")
        Kernel()(path, word)

    told: list[str] = []
    journal = Journal(tmp_path / "one.journal", plan({7: "Normal"}))
    Applier(journal, Machine(root), told.append, write=write).go_on()
    assert "39 MiB moved, at most 0 were expected" in told[0]
