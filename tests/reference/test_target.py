"""The reference as a target: operations by name, single steps, and the whole state."""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EINVAL, ENOMEM

import pytest

from memhp.engine.target import EngineTarget
from memhp.reference import Shape
from memhp.reference.target import ReferenceTarget, Target
from memhp.spec.system import SYSTEM

SHAPE = Shape(nodes=2, blocks=2, frames=2, folios=2, movable=frozenset([1, 3]))


def booted() -> ReferenceTarget:
    target = ReferenceTarget(SYSTEM)
    target.reset(SHAPE.build(SYSTEM))
    return target


def test_operations_and_steps_answer_with_an_errno() -> None:
    target = booted()
    assert target.do("write_state", 1, "offline") is None
    assert target.do("write_state", 1, "offline") == EINVAL
    assert target.do("alloc_folio", 0, 0, "anonymous") is None
    assert target.do("alloc_folio", 1, 0, "anonymous") == ENOMEM
    assert target.do("alloc_folio", 0, 1, "anonymous") == EAGAIN
    assert target.do("drain", 0) is None
    assert target.do("drain", 0) == EBUSY


def test_a_folio_moves_as_a_whole_or_not_at_all() -> None:
    target = booted()
    target.do("alloc_folio", 0, 0, "anonymous")
    before = target.machine.copy()
    assert target.do("migrate_folio", 0, 4) == ENOMEM, "its own node has room"
    assert target.machine == before
    assert target.do("migrate_folio", 0, 3) is None
    assert target.observe()["home"][0] == 3
    assert target.observe()["frame_state"][0] == 2, "the frame that it left is free"


def test_a_reset_forgets() -> None:
    target, fresh = booted(), booted()
    target.do("write_state", 3, "offline")
    assert target.observe() != fresh.observe()
    target.reset(target.machine.topology)
    assert target.observe() == fresh.observe()


@pytest.mark.parametrize("name", ["explode", "_offline", "machine", "steps"])
def test_an_unknown_operation_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="there is no operation"):
        booted().do(name)


def test_reference_and_engine_are_targets() -> None:
    targets: list[Target] = [ReferenceTarget(SYSTEM), EngineTarget()]
    for target in targets:
        target.reset(SHAPE.build(SYSTEM))
        assert target.do("write_state", 1, "offline") is None
        assert list(target.observe()["block_state"])[:2] == [2, 0]


def test_an_operation_goes_before_the_step_of_its_name() -> None:
    target = ReferenceTarget(SYSTEM)
    target.reset(Shape(blocks=2, added=frozenset([1])).build(SYSTEM))
    assert target.do("add_device", 1) is None
    assert target.do("eject_device", 1) is None
    assert not target.machine.get("inserted", 1)


def test_the_engine_refuses_what_it_does_not_know() -> None:
    target = EngineTarget()
    with pytest.raises(ValueError, match="blocks of one size"):
        target.reset(Shape(totals=(2, 3, 3)).build(SYSTEM))
