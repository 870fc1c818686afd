"""A removal meets file data: it writes out, releases, waits within its budget, or gives up."""

from __future__ import annotations

from errno import EINTR

import pytest

from memhp.reference import Machine
from memhp.reference.operations import Operations
from memhp.reference.outcome import Refusal
from memhp.reference.shapes import Shape
from memhp.reference.steps import Result
from memhp.spec.profiles import LINUX, as_of, system_of
from memhp.spec.system import SYSTEM

OWN_METHOD, RELEASABLE, NEITHER = 0, 1, 2
DIRTY = (("alloc_folio", 0, 1, "page_cache"), ("fault", 0), ("store", 0, 1))
SENT = (*DIRTY, ("begin_writeback", 0))
PRIVATE = (("alloc_folio", 0, 1, "page_cache"), ("attach_private", 0))
BUSY = (*PRIVATE, ("use_private", 0))


def machine_after(*steps: tuple[str | int, ...], filesystem: int = OWN_METHOD) -> Machine:
    """A machine with four ticks to wait, after the steps; its folio lives in block 1."""
    shape = Shape(blocks=2, data=2, more=(("Tick", 4),), tables=(("filesystem", (filesystem,)),))
    machine = Machine(SYSTEM, shape.build(SYSTEM))
    for action, *params in steps:
        assert not isinstance(machine.step(str(action), *params), Refusal), action
    return machine


class Refused(Operations):
    """A user of a machine with a store that answers each write with an error."""

    def _try(self, action: str, *params: str | int | bool) -> Result:
        return super()._try("fail_writeback" if action == "end_writeback" else action, *params)


def offline(machine: Machine, users: type[Operations] = Operations) -> tuple[int | None, list[str]]:
    """Take block 1 offline: the errno, and the steps; each of them keeps every property."""
    start, user = machine.copy(), users(machine)
    errno = user.write_state(1, "offline").errno
    for action, params in user.steps:
        before = start.copy()
        assert start.step(action, *params)
        assert start.violations() == []
        assert start.step_violations(before) == []
    assert start == machine
    return errno, [action for action, _ in user.steps]


def led_to(machine: Machine) -> list[int]:
    """The frames whose struct page leads to the private data of folio 0."""
    return [frame for frame in range(2) if machine.evaluate("leads_to_private", frame, 0)]


def test_dirty_data_moves_unwritten_with_a_method() -> None:
    machine = machine_after(*DIRTY)
    errno, steps = offline(machine)
    assert errno is None
    assert "begin_writeback" not in steps
    assert (machine.get("home", 0), machine.get("dirty", 0)) == (0, True)


@pytest.mark.parametrize("filesystem", [RELEASABLE, NEITHER])
def test_dirty_data_without_a_method_is_written_out_and_then_moves(filesystem: int) -> None:
    machine = machine_after(*DIRTY, filesystem=filesystem)
    errno, steps = offline(machine)
    assert errno is None
    order = ["abort_migration", "begin_writeback", "wait_for_writeback", "end_writeback"]
    places = [steps.index(step) for step in (*order, "finish_migration", "finish_offline")]
    assert places == sorted(places)
    assert (machine.get("home", 0), machine.get("dirty", 0)) == (0, False)
    assert machine.get("stored", 0) == machine.get("contents", 0) == 1


@pytest.mark.parametrize(("version", "written"), [((6, 15), True), ((6, 16), False)])
def test_from_6_16_on_such_data_waits_for_the_flusher(
    version: tuple[int, int], written: bool
) -> None:
    system = as_of(SYSTEM, version)
    more, tables = (("Tick", 4),), (("filesystem", (NEITHER,)),)
    shape = Shape(nodes=2, blocks=1, data=2, more=more, tables=tables)
    machine = Machine(system, shape.build(system))
    for action, *params in DIRTY:
        assert machine.step(str(action), *params)
    user = Operations(machine)
    assert bool(user.write_state(1, "offline")) is written
    assert ("begin_writeback" in [action for action, _ in user.steps]) is written
    if not written:
        assert machine.step("begin_writeback", 0)
        assert machine.step("end_writeback", 0)
        assert user.write_state(1, "offline")


def test_a_removal_waits_one_tick_for_a_store_that_answers() -> None:
    machine = machine_after(*SENT)
    errno, steps = offline(machine)
    assert errno is None
    assert steps.count("wait_for_writeback") == steps.count("end_writeback") == 1


def test_a_removal_gives_up_on_a_silent_store_when_its_budget_is_spent() -> None:
    machine = machine_after(*SENT, ("store_stops", 0))
    before = machine.copy()
    errno, steps = offline(machine)
    assert errno == EINTR
    assert steps.count("wait_for_writeback") == steps.count("try_again") == 2
    assert all(machine.get("spent", 1, tick) for tick in range(4))
    assert machine.get("block_state", 1) == "online"
    for variable in ("home", "contents", "stored", "dirty", "under_writeback", "stage"):
        assert machine.get(variable, 0) == before.get(variable, 0)
    assert [machine.get("frame_state", frame) for frame in range(2)] == ["free", "user"]


def test_a_silent_store_holds_up_dirty_data_that_has_to_be_written_out() -> None:
    machine = machine_after(*DIRTY, ("store_stops", 0), filesystem=NEITHER)
    errno, _ = offline(machine)
    assert errno == EINTR
    assert machine.get("home", 0) == 1
    assert machine.get("contents", 0) == 1


def test_the_next_removal_has_its_own_budget_and_succeeds_when_the_store_is_back() -> None:
    machine = machine_after(*SENT, ("store_stops", 0))
    assert offline(machine)[0] == EINTR
    assert machine.step("store_returns", 0)
    assert offline(machine)[0] is None
    assert machine.get("stored", 0) == machine.get("contents", 0) == 1


@pytest.mark.parametrize("filesystem", [RELEASABLE, NEITHER])
def test_a_removal_gives_up_on_a_store_that_refuses_all_data(filesystem: int) -> None:
    """Each try sends the data, waits, and pays for the next: the budget ends it."""
    machine = machine_after(*DIRTY, filesystem=filesystem)
    errno, steps = offline(machine, Refused)
    assert errno == EINTR
    assert steps.count("fail_writeback") == 1
    assert steps.count("begin_writeback") == 2
    assert all(machine.get("spent", 1, tick) for tick in range(4))
    assert (machine.get("home", 0), machine.get("contents", 0)) == (1, 1)
    assert machine.get("wb_err", 0)


def test_what_a_store_refuses_leaves_with_a_method() -> None:
    machine = machine_after(*SENT)
    errno, steps = offline(machine, Refused)
    assert errno is None
    assert "fail_writeback" in steps
    assert (machine.get("home", 0), machine.get("dirty", 0)) == (0, True)
    assert (machine.get("stored", 0), machine.get("contents", 0)) == (0, 1)


def test_an_error_is_told_once_and_the_data_is_still_there() -> None:
    machine = machine_after(*SENT, ("fail_writeback", 0))
    assert not machine.step("free_folio", 0)
    assert machine.step("report_error", 0)
    assert not machine.step("report_error", 0)
    assert machine.get("dirty", 0)
    assert machine.get("failure", 0) == "told"


def test_linux_takes_for_written_what_its_store_refused() -> None:
    """The data is gone with its folio; that it was refused is told to who asks."""
    run = (*SENT, ("fail_writeback", 0), ("unmap", 0), ("free_folio", 0))
    system = system_of(LINUX)
    machine = Machine(system, Shape(blocks=2, data=2).build(system))
    for action, *params in run:
        assert machine.step(str(action), *params)
    assert (machine.get("stored", 0), machine.get("wb_err", 0)) == (0, True)
    assert machine.violations() == []


def test_private_data_moves_by_its_own_method() -> None:
    machine = machine_after(*PRIVATE)
    assert offline(machine)[0] is None
    assert machine.get("has_private", 0)
    assert led_to(machine) == [0]


def test_private_data_goes_back_when_its_folio_does_not_move() -> None:
    moving = (("reserve_destination", 0, 0), ("begin_unmap", 0), ("copy", 0))
    machine = machine_after(*PRIVATE, *moving)
    assert led_to(machine) == [1]
    assert machine.step("move_private", 0)
    assert led_to(machine) == [0]
    assert not machine.step("use_private", 0)
    assert machine.step("abort_migration", 0)
    assert led_to(machine) == [1]
    assert machine.step("use_private", 0)


def test_private_data_that_cannot_move_is_released_first() -> None:
    machine = machine_after(*PRIVATE, filesystem=RELEASABLE)
    errno, steps = offline(machine)
    assert errno is None
    assert steps.index("release_private") < steps.index("finish_migration")
    assert (machine.get("home", 0), machine.get("has_private", 0)) == (0, False)


def test_dirty_data_is_written_out_before_its_private_data_is_released() -> None:
    machine = machine_after(*DIRTY, ("attach_private", 0), filesystem=RELEASABLE)
    errno, steps = offline(machine)
    assert errno is None
    assert steps.index("end_writeback") < steps.index("release_private")


def test_private_data_that_nobody_can_move_or_release_stays() -> None:
    machine = machine_after(*PRIVATE, filesystem=NEITHER)
    assert offline(machine)[0] == EINTR
    assert (machine.get("home", 0), machine.get("has_private", 0)) == (1, True)
    assert led_to(machine) == [1]


@pytest.mark.parametrize("filesystem", [OWN_METHOD, RELEASABLE])
def test_private_data_in_use_stays_until_the_work_is_done(filesystem: int) -> None:
    machine = machine_after(*BUSY, filesystem=filesystem)
    assert offline(machine)[0] == EINTR
    assert (machine.get("home", 0), machine.get("has_private", 0)) == (1, True)
    assert machine.step("put_private", 0)
    assert offline(machine)[0] is None


def test_a_folio_that_waits_for_a_silent_store_does_not_keep_the_others() -> None:
    """Both live in the one block that leaves; the second moves, the first holds the block up."""
    shape = Shape(blocks=2, frames=2, folios=2, data=2, more=(("Store", 2), ("Tick", 2)))
    machine = Machine(SYSTEM, shape.build(SYSTEM))
    for step in (
        ("alloc_folio", 0, 2, "page_cache"),
        ("alloc_folio", 1, 3, "page_cache"),
        ("fault", 0),
        ("store", 0, 1),
        ("begin_writeback", 0),
        ("store_stops", 0),
    ):
        assert machine.step(*step)
    assert offline(machine)[0] == EINTR
    assert machine.get("home", 0) == 2
    assert machine.get("home", 1) in (0, 1)
