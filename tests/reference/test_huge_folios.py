"""What a user of sysfs sees of a block that holds huge folios, as Linux answers."""

from __future__ import annotations

from dataclasses import replace
from errno import EBUSY, EINTR

import pytest

from memhp.engine import EngineTarget
from memhp.reference import Machine, Operations, Shape
from memhp.spec.system import SYSTEM

from .replaying import replayed

FREE = (("grow_pool", 0, 0),)
USED = (*FREE, ("take_huge", 0), ("map_huge", 0, 0))
UNSEEN = (*FREE, ("take_huge", 0))
ON_THE_OTHER_NODE = ("grow_pool", 1, 1)
SURPLUS = (("take_surplus", 0, 0), ("map_huge", 0, 0))

TWO_NODES = Shape(nodes=2, blocks=1, frames=2, more=(("HugeFolio", 2),))
"""A range of two frames on each node."""

DEVICE = (*USED, ON_THE_OTHER_NODE, ("pin_huge_short", 0, 0))
LONG = (*USED, ON_THE_OTHER_NODE, ("pin_huge_longterm", 0, 0))
WITH_DEVICE = replace(TWO_NODES, tables=(("does_huge_dma", (1,)),))
"""The same, and a device that uses huge folios."""

TWO_RANGES = Shape(
    nodes=2,
    blocks=1,
    sections=2,
    more=(("HugeFolio", 4), ("HugePte", 2)),
    tables=(("does_huge_dma", (1,)),),
)
"""Two ranges of one frame on each node, and a device that uses huge folios."""


def after(shape: Shape, *steps: tuple[str | int, ...]) -> tuple[Operations, EngineTarget]:
    """A machine on which these steps were taken, and the engine's."""
    topology = shape.build(SYSTEM)
    user, engine = Operations(Machine(SYSTEM, topology)), EngineTarget()
    engine.reset(topology)
    for action, *parameters in steps:
        params = tuple(parameters)
        assert user.machine.step(str(action), *params), action
        user.steps.append((str(action), params))
        assert engine.do(str(action), *params) is None
    return user, engine


@pytest.mark.parametrize(
    ("steps", "errno", "guard"),
    [
        (FREE, None, ""),
        ((*USED, ON_THE_OTHER_NODE), None, ""),
        ((*SURPLUS, ON_THE_OTHER_NODE), None, ""),
        ((*FREE, ("reserve_huge", 0)), EBUSY, "not_promised"),
        (UNSEEN, EBUSY, "huge_free"),
        (USED, None, ""),
        ((*USED, ON_THE_OTHER_NODE, ("begin_huge_migration", 0, 1)), EINTR, "empty"),
        ((*FREE, ("grow_pool", 1, 1), ("reserve_huge", 0)), EBUSY, "not_promised"),
    ],
)
def test_an_offline_write_answers_as_linux_does(
    steps: tuple[tuple[str | int, ...], ...], errno: int | None, guard: str
) -> None:
    user, engine = after(TWO_NODES, *steps)
    result = user.write_state(0, "offline")
    assert (result.errno, result.guard) == (errno, guard)
    assert engine.do("write_state", 0, "offline") == errno
    assert not user.machine.violations()
    replayed(user)


@pytest.mark.parametrize("steps", [DEVICE, LONG], ids=["for one transfer", "for long"])
def test_a_huge_folio_that_a_device_uses_stays_and_can_be_moved_once_it_is_done(
    steps: tuple[tuple[str | int, ...], ...],
) -> None:
    user, engine = after(WITH_DEVICE, *steps)
    result = user.write_state(0, "offline")
    assert (result.errno, result.guard) == (EINTR, "empty")
    assert engine.do("write_state", 0, "offline") == EINTR
    assert user.machine.get("huge_pte", 0) == "present"
    assert user.machine.get("huge_home", 0) == 0
    assert observed_alike(user.machine, engine)
    assert user.machine.step("unpin_huge", 0)
    user.steps.append(("unpin_huge", (0,)))
    assert engine.do("unpin_huge", 0) is None
    assert user.write_state(0, "offline")
    assert engine.do("write_state", 0, "offline") is None
    assert user.machine.get("huge_pte_range", 0) == 1
    assert observed_alike(user.machine, engine)
    replayed(user)


def observed_alike(machine: Machine, engine: EngineTarget) -> bool:
    """Whether the engine has what the machine has of huge folios and who reaches them."""
    names = {"huge_pte": PTE_STATES, "huge_stage": STAGES}
    seen = engine.observe()
    return all(
        [words.index(str(machine.get(name, n))) for n in range(len(seen[name]))] == seen[name]
        for name, words in names.items()
    ) and all(
        [machine.get(name, n) for n in range(len(seen[name]))] == seen[name]
        for name in ("huge_home", "huge_pte_range", "huge_pin_range", "huge_pin_count", "target")
    )


PTE_STATES = ("none", "present", "migration")
STAGES = ("idle", "reserved", "copied", "settled")


def test_what_moves_goes_first_and_what_is_free_is_dissolved_when_nothing_moves() -> None:
    steps = (*USED, ("grow_pool", 1, 1), ("grow_pool", 2, 2), ("alloc_folio", 0, 3, "anonymous"))
    user, engine = after(TWO_RANGES, *steps)
    assert user.write_state(0, "offline")
    assert engine.do("write_state", 0, "offline") is None
    machine = user.machine
    assert [machine.get("huge_state", huge) for huge in range(3)] == ["used", "none", "none"]
    assert machine.get("huge_home", 0) == 2
    assert [machine.get("nr_huge", node) for node in range(2)] == [0, 1]
    assert [machine.get("free_huge", node) for node in range(2)] == [0, 0]
    replayed(user)


def test_a_block_in_which_a_folio_stays_keeps_its_free_huge_folios() -> None:
    steps = (
        *FREE,
        ("alloc_folio", 0, 1, "anonymous"),
        ("alloc_kernel", 2),
        ("alloc_kernel", 3),
    )
    user, engine = after(TWO_RANGES, *steps)
    assert user.write_state(0, "offline").errno == EINTR
    assert engine.do("write_state", 0, "offline") == EINTR
    assert user.machine.get("huge_state", 0) == "free"
    replayed(user)


def test_what_was_dissolved_before_one_refused_is_free_memory_again() -> None:
    steps = (("grow_pool", 0, 0), ("grow_pool", 1, 1), ("reserve_huge", 0))
    user, engine = after(TWO_RANGES, *steps)
    assert user.write_state(0, "offline").errno == EBUSY
    assert engine.do("write_state", 0, "offline") == EBUSY
    assert [user.machine.get("huge_state", huge) for huge in range(2)] == ["none", "free"]
    assert [user.machine.get("frame_state", frame) for frame in range(2)] == ["free", "huge"]
    assert engine.machine.memory.free[0] == 1
    replayed(user)


GIVEN_UP = (
    ("grow_pool", 2, 2),
    ("begin_huge_migration", 0, 2),
    ("replace_huge_pte", 0, 0),
    ("abort_huge_migration", 0),
)

SITUATIONS = (
    FREE,
    USED,
    UNSEEN,
    (*USED, ("grow_pool", 2, 2)),
    (*USED, ("grow_pool", 1, 1), ("reserve_huge", 0)),
    (*FREE, ("grow_pool", 1, 1), ("reserve_huge", 0)),
    (*USED, ("grow_pool", 1, 1), ("take_huge", 1), ("map_huge", 1, 1), ("grow_pool", 2, 2)),
    (*USED, ("grow_pool", 2, 2), ("begin_huge_migration", 0, 2)),
    (*USED, ("grow_pool", 2, 2), ("pin_huge_short", 0, 0)),
    (*USED, ("map_huge", 1, 0), ("grow_pool", 2, 2), ("grow_pool", 3, 3)),
    (*USED, *GIVEN_UP),
    (*USED, *GIVEN_UP, ("restore_huge_pte", 0), ("finish_huge_migration", 0)),
)


@pytest.mark.parametrize("steps", SITUATIONS, ids=lambda steps: " ".join(s[0] for s in steps))
def test_the_engine_foresees_whether_huge_folios_leave(
    steps: tuple[tuple[str | int, ...], ...],
) -> None:
    user, engine = after(TWO_RANGES, *steps)
    seen = [engine.observe()[name] for name in ("huge_state", "huge_home", "free_huge")]
    says = bool(engine.machine.can_go()[0])
    assert seen == [engine.observe()[name] for name in ("huge_state", "huge_home", "free_huge")]
    assert says == bool(user.write_state(0, "offline"))
    assert says == (engine.do("write_state", 0, "offline") is None)
